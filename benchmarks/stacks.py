"""The seconds in which the sandbox deploys 20 stacks of 10 image versions at once, for an earlier commit and this one.

    python benchmarks/stacks.py EARLIER [--rounds 3]

EARLIER is a folder with a checkout of the earlier commit and its `.venv`. Each round of each side starts a sandbox, and
deploys the same assembly with one `cdk deploy --all --concurrency 20`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
STACKS, VERSIONS = 20, 10


def main() -> None:
    """Measure, or deploy once if this process is one side of a round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deploy", type=Path, metavar="ASSEMBLY", help="deploy this assembly once")
    options = parser.parse_args()
    if options.deploy:
        print(json.dumps(deploy(options.deploy)))
        return
    import results

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        synthesize(Path(folder))
        sides = {"earlier": options.earlier, "later": ROOT}
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for number in range(options.rounds):
            for side in results.in_turn(sides, number):
                command = [sides[side] / ".venv/bin/python", __file__, "--deploy", folder]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found = json.loads(done.stdout.splitlines()[-1])
                seconds[side].append(found["seconds"])
                print(f"round {number + 1}, {side}: {found}", file=sys.stderr, flush=True)
    medians = {side: results.spread(values)[1] for side, values in seconds.items()}
    print(json.dumps({**medians, "ratio": round(medians["later"] / medians["earlier"], 2)}))


def synthesize(folder: Path) -> None:
    """Synthesize an app with all stacks into ``folder``."""
    import aws_cdk as cdk
    import peers

    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    for number in range(STACKS):
        stack = cdk.Stack(app, f"Stack{number}")
        images = [f"bench-{number}-{version}" for version in range(VERSIONS)]
        peers.ours(stack, images, "000000000000.dkr.ecr.eu-west-1.amazonaws.com/bench:1")
    app.synth()


def deploy(assembly: Path) -> dict[str, Any]:
    """Deploy all stacks of an assembly at once to a new sandbox."""
    from imgver_sandbox.runtime.sandbox import Sandbox
    from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2

    with Sandbox.start() as sandbox:
        ecr: Any = sandbox.client("ecr")
        ecr.create_repository(repositoryName="bench")
        config = {"digest": f"sha256:{1:0>64}", "size": 0}
        manifest = {"schemaVersion": 2, "mediaType": DOCKER_V2_SCHEMA_2, "config": config, "layers": []}
        ecr.put_image(
            repositoryName="bench",
            imageTag="1",
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=DOCKER_V2_SCHEMA_2,
        )
        sagemaker: Any = sandbox.client("sagemaker")
        for number in range(STACKS):
            for version in range(VERSIONS):
                sagemaker.create_image(
                    ImageName=f"bench-{number}-{version}", RoleArn="arn:aws:iam::000000000000:role/bench"
                )

        def cdk(*arguments: str) -> None:
            done = subprocess.run(
                ["cdk", *arguments],
                cwd=assembly,
                env={**sandbox.environment(), "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"cdk {' '.join(arguments)} failed:\n{done.stdout[-3000:]}")

        cdk("bootstrap", f"aws://{sandbox.account}/{sandbox.region}")
        began = time.monotonic()
        options = ["--concurrency", str(STACKS), "--require-approval", "never", "--method", "direct"]
        cdk("deploy", "--all", "--app", str(assembly), *options)
        return {"seconds": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    main()
