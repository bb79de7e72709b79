"""The time and the cost of a deployment: this library, the native resource, the Provider framework, AwsCustomResource.

    python benchmarks/deploy.py [--cells 1x0 1x2 …] [--peers ours native …] [--rounds 5]

A cell such as 10x2 is a number of versions and the seconds that the service takes to create each. In every round of a
cell, each peer deploys a stack with the real CDK CLI to a new sandbox. It then deploys the stack again with another
base image, which replaces every version. If the service is slow, the peers deploy in parallel, each to its own sandbox.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peers
import results
from imgver_sandbox.runtime.log_files import LAMBDA
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2

CELLS = tuple(f"{versions}x{seconds}" for versions in (1, 10) for seconds in (0, 2, 20))
LARGE = 10
"""The number of versions from which one round is sufficient, because it has a measurement for each version."""

SLOW = 10.0
"""Seconds of the service from which the peers deploy in parallel, because they mostly wait."""

SHORTEST = 0.001
"""Seconds that the service takes in a cell with 0."""

VARIATION = 0.125
"""The relative variation of the service's seconds in both directions. At 20 s the range is 5 s, the poll interval of
the Provider framework: a constant time would favour or harm a peer that polls rarely."""

TRANSITION_PRICE = 0.000025
"""US dollars: the list price of an AWS Step Functions state transition in us-east-1, on 2026-11-01."""

CLOCK = 0.01
"""Seconds: the tolerance for CloudFormation's events, which have milliseconds."""

_INVOCATION = re.compile(r"^\S+ \S+ (?P<function>\S+) (?:took|failed after) (?P<milliseconds>\d+) ms, request ", re.M)
_POLL_FUNCTION = "frameworkisComplete"
"""Part of the name of the function that the Provider framework's state machine invokes for each poll."""

_NUMBER = re.compile(r"Version(\d+)(?:Resource|Default)?(?:[0-9A-F]{8})?$")
"""The logical id of a version, with its number. CDK adds a hash unless the resource is directly in the stack."""

_jsii_lock = threading.Lock()
_SDK = Path(__file__).with_name("aws_sdk")

Run = dict[str, Any]
Times = tuple[list[float], list[float]]
"""The seconds that the service takes for each version, in the two deployments of a round."""


def measure(cells: Sequence[str] = CELLS, names: Sequence[str] = tuple(peers.PEERS), rounds: int = 5) -> dict[str, Any]:
    """Deploy all cells, and summarize the runs."""
    _install_sdk()
    runs: list[Run] = []
    for cell in cells:
        versions, seconds = parse(cell)
        for number in range(rounds if versions < LARGE else 1):
            times = service_times(cell, number)

            def deploy(group: Sequence[str], cell: str = cell, times: Times = times) -> None:
                with tempfile.TemporaryDirectory(prefix="bench-") as folder, Sandbox.start() as sandbox:
                    account = BenchmarkAccount(sandbox, Path(folder))
                    for name in group:
                        run = {"cell": cell, "peer": name, **account.run(name, len(times[1]), times)}
                        runs.append(run)
                        _show(run)

            order = results.in_turn(names, number)
            groups = [[name] for name in order] if seconds >= SLOW else [order]
            with ThreadPoolExecutor(len(groups)) as pool:
                list(pool.map(deploy, groups))
    return summary(runs)


def parse(cell: str) -> tuple[int, float]:
    """The number of versions of a cell, and the seconds that the service takes for each."""
    match = re.fullmatch(r"(\d+)x(\d+(?:\.\d+)?)", cell)
    if match is None:
        raise ValueError(f"cell {cell!r} must be a number of versions and the seconds of each, such as 10x2")
    return int(match[1]), float(match[2])


def service_times(cell: str, number: int) -> Times:
    """The times of the service in a round: the same for all peers, spread evenly over their range."""
    versions, seconds = parse(cell)

    def spread(first: int, count: int) -> list[float]:
        # Multiples of the golden ratio, modulo 1, are spread evenly for any count.
        places = [(0.5 + place * (math.sqrt(5) - 1) / 2) % 1 for place in range(first, first + count)]
        return [max(SHORTEST, seconds * (1 + VARIATION * (2 * place - 1))) for place in places]

    warm_count = 2 * versions - 1
    warm = spread(number * warm_count, warm_count)
    return spread(number, 1) + warm[: versions - 1], warm[versions - 1 :]


class BenchmarkAccount:
    """A sandbox to which the peers deploy."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._registry = f"{sandbox.account}.dkr.ecr.{sandbox.region}.amazonaws.com/bench"
        self._sagemaker: Any = sandbox.client("sagemaker")
        self._cloudformation: Any = sandbox.client("cloudformation")
        self._lambda: Any = sandbox.client("lambda")
        ecr: Any = sandbox.client("ecr")
        ecr.create_repository(repositoryName="bench")
        for tag in ("1", "2"):
            config = {"digest": f"sha256:{tag:0>64}", "size": 0}
            manifest = {"schemaVersion": 2, "mediaType": DOCKER_V2_SCHEMA_2, "config": config, "layers": []}
            ecr.put_image(
                repositoryName="bench",
                imageTag=tag,
                imageManifest=json.dumps(manifest),
                imageManifestMediaType=DOCKER_V2_SCHEMA_2,
            )
        self.cdk("bootstrap", f"aws://{sandbox.account}/{sandbox.region}")

    def run(self, peer: str, versions: int, times: Times) -> Run:
        """Deploy a stack of one peer twice."""
        images = [f"bench-{peer.replace('_', '-')}-{number}" for number in range(versions)]
        for image in images:
            self._sagemaker.create_image(ImageName=image, RoleArn=f"arn:aws:iam::{self._sandbox.account}:role/bench")
        for image in images:
            while self._sagemaker.describe_image(ImageName=image)["ImageStatus"] != "CREATED":
                time.sleep(0.1)
        deployments = []
        for tag, seconds in zip(("1", "2"), times, strict=True):
            faults = self._sandbox.faults
            faults.reset()
            for duration in seconds:
                faults.slow(duration, operation="CreateImageVersion")
            faults.slow(SHORTEST, operation="DeleteImageVersion", times=1_000_000)
            deployment = self._deploy(peer, images, tag)
            # The resources of a stack are created in parallel, so that any version can get any of the durations.
            deployments.append({"service_seconds": [self._service_seconds(image) for image in images], **deployment})
        pages = [self._sagemaker.list_image_versions(ImageName=image)["ImageVersions"] for image in images]
        return {"deployments": deployments, "leaked": sum(map(len, pages)) - versions, "stack": self._stack(peer)}

    def _deploy(self, peer: str, images: Sequence[str], tag: str) -> dict[str, Any]:
        """Deploy a version of each image from the container image with this tag."""
        name, assembly, uri = self._name(peer), self._folder / peer, f"{self._registry}:{tag}"
        with _jsii_lock:
            peers.synthesize(assembly, peer=peer, stack_name=name, images=images, uri=uri, node_path=_install_sdk())
        log = self._sandbox.logs / LAMBDA
        offset = log.stat().st_size
        began = time.time()
        self.cdk("deploy", name, "--app", str(assembly), "--require-approval", "never", "--method", "direct")
        seconds = time.time() - began
        time.sleep(0.5)  # a function writes its log after its response
        if log.with_name(f"{LAMBDA}.1").exists():
            raise RuntimeError("the log of the functions was rotated: deploy fewer versions")
        with log.open(errors="replace") as file:
            file.seek(offset)
            cost = self._cost(file.read())
        intervals = self._intervals(name, peers.PEERS[peer][1], began)
        return {"seconds": seconds, "intervals": [intervals[number] for number in range(len(images))], **cost}

    def _service_seconds(self, image: str) -> float:
        """The seconds that the service took to create the latest version of an image."""
        while True:
            version = self._sagemaker.describe_image_version(ImageName=image)
            if version["ImageVersionStatus"] != "CREATING":
                return float((version["LastModifiedTime"] - version["CreationTime"]).total_seconds())
            time.sleep(0.1)

    def cdk(self, *arguments: str) -> None:
        """Run the CDK CLI. Raises RuntimeError with its output if it fails."""
        done = subprocess.run(
            ["cdk", *arguments],
            cwd=self._folder,
            env={**self._sandbox.environment(), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"cdk {' '.join(arguments)} failed:\n{done.stdout}")

    def _intervals(self, stack: str, resource_type: str, began: float) -> dict[int, float]:
        """The seconds from CloudFormation's request to the response, by the number in the id of the version."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        events = [
            (event["Timestamp"].timestamp(), event["LogicalResourceId"], event["ResourceStatus"].partition("_"))
            for page in pages
            for event in page["StackEvents"]
            if event["ResourceType"] == resource_type and event["Timestamp"].timestamp() >= began - 0.001
        ]
        requested: dict[str, float] = {}
        intervals: dict[str, float] = {}
        for moment, logical_id, (operation, _, status) in sorted(events):
            if operation in {"CREATE", "UPDATE"} and status == "IN_PROGRESS":
                requested.setdefault(logical_id, moment)
            elif operation in {"CREATE", "UPDATE"} and status == "COMPLETE":
                intervals[logical_id] = moment - requested[logical_id]
        return {int(_NUMBER.match(logical_id)[1]): seconds for logical_id, seconds in intervals.items()}  # type: ignore[index]

    def _cost(self, log: str) -> dict[str, float]:
        """The invocations, their GB-seconds by the milliseconds that Lambda bills, and the state transitions."""
        pages = self._lambda.get_paginator("list_functions").paginate()
        memory = {function["FunctionName"]: function["MemorySize"] for page in pages for function in page["Functions"]}
        found = [(match["function"], int(match["milliseconds"])) for match in _INVOCATION.finditer(log)]
        return {
            "invocations": len(found),
            "gb_seconds": sum(memory[function] / 1024 * milliseconds / 1000 for function, milliseconds in found),
            "transitions": sum(_POLL_FUNCTION in function for function, _ in found),
        }

    def _stack(self, peer: str) -> dict[str, int]:
        template = json.loads((self._folder / peer / f"{self._name(peer)}.template.json").read_text())
        types = Counter(resource["Type"] for resource in template["Resources"].values())
        return {
            "resources": types.total(),
            "functions": types["AWS::Lambda::Function"],
            "roles": types["AWS::IAM::Role"],
            "state machines": types["AWS::StepFunctions::StateMachine"],
        }

    def _name(self, peer: str) -> str:
        return f"Bench-{peer.replace('_', '-')}"


def _install_sdk() -> Path:
    """Install the AWS SDK for Node.js on the first call, and return its folder."""
    folder = results.FOLDER / "aws_sdk"
    wanted = (_SDK / "package.json").read_bytes()
    if not (folder / "node_modules").exists() or (folder / "package.json").read_bytes() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_SDK, folder)
        npm = Path(sys.prefix) / "bin" / "npm"
        path = os.pathsep.join([str(npm.parent), os.environ.get("PATH", os.defpath)])
        command = [
            str(npm),
            "install",
            "--no-package-lock",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]
        subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)
    return folder / "node_modules"


def cold(runs: Iterable[Run], *, added: bool = False) -> list[float]:
    """The seconds of the requests of the first deployment, without those of the service if ``added`` is true.

    They are sent at the same time, so that the function starts for each of them.
    """
    return [seconds for run in runs for seconds in _seconds(run["deployments"][0], added=added)]


def warm(runs: Iterable[Run], *, added: bool = False) -> list[float]:
    """The seconds of the requests of the second deployment, without those of the service if ``added`` is true."""
    return [seconds for run in runs for seconds in _seconds(run["deployments"][1], added=added)]


def _seconds(deployment: dict[str, Any], *, added: bool) -> list[float]:
    service = deployment["service_seconds"] if added else [0.0] * len(deployment["intervals"])
    return [interval - one for interval, one in zip(deployment["intervals"], service, strict=True)]


def _each(figure: str) -> Callable[[Iterable[Run]], list[float]]:
    return lambda runs: [deployment[figure] for run in runs for deployment in run["deployments"]]


def _dollars(runs: Iterable[Run]) -> list[float]:
    return [
        one["gb_seconds"] * results.GB_SECOND_PRICE + one["transitions"] * TRANSITION_PRICE
        for run in runs
        for one in run["deployments"]
    ]


def waits(runs: Iterable[Run]) -> bool:
    """Whether every response came after the version was CREATED."""
    runs = list(runs)
    return min(cold(runs, added=True) + warm(runs, added=True)) > -CLOCK


RATIOS: dict[str, tuple[str, Callable[[Iterable[Run]], list[float]]]] = {
    "Provider framework: added, cold": ("framework", lambda runs: cold(runs, added=True)),
    "Provider framework: added, warm": ("framework", lambda runs: warm(runs, added=True)),
    "Provider framework: cdk deploy": ("framework", _each("seconds")),
    "Provider framework: US$": ("framework", _dollars),
    "native resource: cold": ("native", cold),
    "native resource: warm": ("native", warm),
    "native resource: cdk deploy": ("native", _each("seconds")),
}
"""The ratios of this library's medians to those of a peer."""


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """The figures of each peer in each cell, and the ratios of each cell."""
    found: dict[str, Any] = {"cells": {}, "ratios": {}}
    for cell in sorted({run["cell"] for run in runs}, key=parse):
        versions = parse(cell)[0]
        by_peer = {name: [run for run in runs if (run["cell"], run["peer"]) == (cell, name)] for name in peers.PEERS}
        found["cells"][cell] = {
            name: {
                "cold": results.spread(cold(of)),
                "warm": results.spread(warm(of)),
                "invocations": statistics.median(_each("invocations")(of)) / versions,
                "dollars": round(1000 * statistics.median(_dollars(of)) / versions, 4),
                "waits": waits(of),
                "leaked": sum(run["leaked"] for run in of),
                "stack": of[0]["stack"] | {"resources": of[0]["stack"]["resources"] - versions},
            }
            for name, of in by_peer.items()
            if of
        }
        found["ratios"][cell] = {
            title: round(statistics.median(select(by_peer["ours"])) / statistics.median(select(by_peer[peer])), 2)
            for title, (peer, select) in RATIOS.items()
            if by_peer["ours"] and by_peer[peer]
        }
    return found


STACK = ("resources besides one version", "functions", "roles", "state machines")


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    cells = result["cells"]
    names = [name for name in peers.PEERS if any(name in of for of in cells.values())]
    head = ["versions x seconds of the service", *(peers.PEERS[name][0] for name in names)]

    seconds = [
        [f"{cell}, {figure}", *(results.cell(of[name][figure] if name in of else None) for name in names)]
        for cell, of in cells.items()
        for figure in ("cold", "warm")
    ]
    stacks = []
    for name in names:
        of = [by_peer[name] for by_peer in cells.values() if name in by_peer]
        early = [cell for cell, by_peer in cells.items() if name in by_peer and not by_peer[name]["waits"]]
        leaked = sum(one["leaked"] for one in of)
        invocations = [one["invocations"] for one in of]
        shown = f"{min(invocations):.1f} to {max(invocations):.1f}"
        stacks.append([peers.PEERS[name][0], *of[0]["stack"].values(), shown, ", ".join(early) or "never", leaked])
    titles = list(next(iter(result["ratios"].values())))
    return {
        "seconds": results.table(head, seconds),
        "dollars": results.table(
            head,
            (
                [cell, *(f"{of[name]['dollars']:.3f}" if name in of else "-" for name in names)]
                for cell, of in cells.items()
            ),
        ),
        "stacks": results.table(["", *STACK, "invocations per version", "responds before CREATED", "leaked"], stacks),
        "ratios": results.table(
            ["", *titles],
            ([cell, *(f"{ratio:.2f}" for ratio in line.values())] for cell, line in result["ratios"].items()),
        ),
    }


def _show(run: Run) -> None:
    first, second = run["deployments"]
    print(
        f"{run['cell']:>6} {run['peer']:<10} cold {results.cell(results.spread(cold([run])))} s, "
        f"warm {results.cell(results.spread(warm([run])))} s, "
        f"cdk deploy {first['seconds']:.1f} and {second['seconds']:.1f} s, leaked {run['leaked']}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=list(CELLS), metavar="VERSIONSxSECONDS")
    parser.add_argument("--peers", nargs="+", default=list(peers.PEERS), choices=peers.PEERS)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the cells with few versions (default: 5)")
    options = parser.parse_args()
    results.finish("deploy", measure(options.cells, options.peers, options.rounds), tables)
