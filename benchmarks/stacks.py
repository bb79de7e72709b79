"""The seconds in which a sandbox deploys 20 stacks of 10 image versions at once, for an earlier commit and this one.

    python benchmarks/stacks.py EARLIER [--rounds 3]

EARLIER is a checkout of the earlier commit in which `make test-fast` has run. In each round, each commit starts a
sandbox and deploys the same assembly with one `cdk deploy --all`, in turn.
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

import aws_cdk as cdk
import peers
import results
from deploy import BenchmarkAccount
from imgver_sandbox.runtime.sandbox import Sandbox

STACKS, VERSIONS = 20, 10
ROLE = f"arn:aws:iam::{Sandbox.account}:role/bench"
URI = f"{Sandbox.account}.dkr.ecr.{Sandbox.region}.amazonaws.com/bench:1"


def measure(earlier: Path, rounds: int, assembly: Path) -> dict[str, list[float]]:
    """The seconds of each round, for both commits. Each deploys with its own packages."""
    folders = {"earlier": earlier.absolute(), "later": results.ROOT}
    seconds: dict[str, list[float]] = {side: [] for side in folders}
    for number in range(rounds):
        for side in results.in_turn(folders, number):
            command = [folders[side] / ".venv/bin/python", __file__, "--deploy", assembly]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            seconds[side].append(json.loads(done.stdout))
            print(f"round {number + 1}, {side}: {seconds[side][-1]:.1f} s", file=sys.stderr, flush=True)
    return seconds


def image_names(stack: int) -> list[str]:
    """The images of a stack."""
    return [f"bench-{stack}-{version}" for version in range(VERSIONS)]


def synthesize(folder: Path) -> None:
    """Synthesize an app with all stacks into ``folder``."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    for number in range(STACKS):
        peers.ours(cdk.Stack(app, f"Stack{number}"), image_names(number), URI)
    app.synth()


def deploy(assembly: Path) -> float:
    """Deploy all stacks of an assembly at once to a new sandbox, and return the seconds."""
    with Sandbox.start() as sandbox:
        account = BenchmarkAccount(sandbox, assembly)
        sagemaker: Any = sandbox.client("sagemaker")
        for number in range(STACKS):
            for image in image_names(number):
                sagemaker.create_image(ImageName=image, RoleArn=ROLE)
        began = time.monotonic()
        options = ["--concurrency", str(STACKS), "--require-approval", "never", "--method", "direct"]
        account.cdk("deploy", "--all", "--app", str(assembly), *options)
        return time.monotonic() - began


def main() -> None:
    """Measure both commits, or deploy once for one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", type=Path, nargs="?", metavar="EARLIER")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deploy", type=Path, metavar="ASSEMBLY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.deploy:
        print(deploy(options.deploy))
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        synthesize(Path(folder))
        seconds = measure(options.earlier, options.rounds, Path(folder))
    earlier, later = (results.spread(values) for values in seconds.values())
    head = ["seconds: minimum / median / maximum", "earlier commit", "this commit", "ratio of the medians"]
    row = [f"{STACKS} stacks of {VERSIONS} versions", results.cell(earlier, 1), results.cell(later, 1)]
    print(results.table(head, [[*row, f"{later[1] / earlier[1]:.2f}"]]))


if __name__ == "__main__":
    main()
