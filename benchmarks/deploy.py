"""What a deployment takes: this library beside the native resource, the Provider framework and AwsCustomResource.

    python benchmarks/deploy.py [--cells 1x0 1x2 …] [--peers ours native …] [--rounds 5] [--resume]

A cell is a number of versions and the seconds that the service takes to create each: 10x2. In every round of a cell
each peer deploys a stack with the real CDK CLI to a new sandbox, and deploys it again with another base image, which
makes every version anew. Where the service takes long the peers deploy side by side. --resume goes on with what
build/bench/deploy.json has.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import peers
import results
from imgver_sandbox.runtime.log_files import LAMBDA
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2

CELLS = tuple(f"{versions}x{seconds}" for versions in (1, 10, 50) for seconds in (0, 2, 20))
ROUNDS = 5
LARGE = 10
"""Versions from which on one round is enough: it has as many figures as there are versions."""

LONG = 10.0
"""Seconds of the service from which on the peers deploy side by side: nearly all the time they wait."""

AT_ONCE = 0.001
"""Seconds: what the service takes when it is to take none."""

VARIATION = 0.125
"""The service's time varies by this to both sides: at 20 s over 5 s, as often as the Provider framework looks. Whoever
looks so rarely would be lucky with one time and unlucky with another."""

TRANSITION_PRICE = 0.000025
"""US dollars, list price of Step Functions in us-east-1 when this was written. --transition-price sets another one."""

AWS_LOOKS_EVERY = 5.0
"""Seconds: AWS's own handler of the native resource looks at once, and then so often, as its source says."""

ADDED_COLD, ADDED_WARM = "framework: added cold", "framework: added warm"
NATIVE_COLD, NATIVE_WARM = "native: cold", "native: warm"
GOALS = {ADDED_COLD: 0.5, ADDED_WARM: 0.5, NATIVE_COLD: 1.2, NATIVE_WARM: 1.2}
"""At most this share of what the other takes was the goal."""

_ADDED = {"cold": ADDED_COLD, "warm": ADDED_WARM}
_NATIVE = {"cold": NATIVE_COLD, "warm": NATIVE_WARM}

_CLOCK = 0.01
"""Seconds: CloudFormation notes its events in milliseconds."""

_INVOCATION = re.compile(r"^\S+ \S+ (?P<function>\S+) (?:took|failed after) (?P<milliseconds>\d+) ms, request ", re.M)
_LOOK = "frameworkisComplete"
"""In the names of the function that the Provider framework's state machine calls for each of its looks."""

_one_at_a_time = threading.Lock()
"""jsii has one kernel, and the results are one file."""

_SDK = Path(__file__).with_name("aws_sdk")


def measure(
    cells: Sequence[str] = CELLS,
    names: Sequence[str] = tuple(peers.PEERS),
    rounds: int = ROUNDS,
    *,
    earlier: dict[str, Any] | None = None,
    gb_second_price: float = results.GB_SECOND_PRICE,
    transition_price: float = TRANSITION_PRICE,
) -> dict[str, Any]:
    """Deploy; goes on with what ``earlier`` has, and keeps what it has after every deployment."""
    result = earlier or {"runs": [], "seconds": 0.0}
    result["options"] = {
        "cells": list(cells),
        "peers": list(names),
        "rounds": rounds,
        "gb_second_price": gb_second_price,
        "transition_price": transition_price,
    }
    _installed_sdk()  # before several peers at once find it missing
    for cell in cells:
        for number in range(rounds if parsed(cell)[0] < LARGE else 1):
            done = {run["peer"] for run in result["runs"] if (run["cell"], run["round"]) == (cell, number)}
            left = [name for name in results.in_turn(names, number) if name not in done]
            if not left:
                continue
            began = time.monotonic()
            _run_round(result, cell, number, left)
            result["seconds"] += time.monotonic() - began
            results.write("deploy", result)
    return result


def _run_round(result: dict[str, Any], cell: str, number: int, names: Sequence[str]) -> None:
    """Let these peers deploy: side by side where they wait nearly all the time, else one after the other."""
    versions, seconds = parsed(cell)
    times = times_of(cell, number)

    def deploy(group: Sequence[str]) -> None:
        with account() as new:
            for name in group:
                run = {"cell": cell, "round": number, "peer": name, **new.run(name, versions, times)}
                with _one_at_a_time:
                    result["runs"].append(run)
                    _show(run)
                    results.write("deploy", result)

    groups = [[name] for name in names] if seconds >= LONG else [names]
    with ThreadPoolExecutor(len(groups)) as pool:
        list(pool.map(deploy, groups))


def parsed(cell: str) -> tuple[int, float]:
    """How many versions, and the seconds that the service takes to create one."""
    match = re.fullmatch(r"(\d+)x(\d+(?:\.\d+)?)", cell)
    if match is None:
        raise ValueError(f"cell {cell!r} must be a number of versions and the seconds that each takes, like 10x2")
    return int(match[1]), float(match[2])


Times = tuple[list[float], list[float]]
"""Seconds that the service takes for each version, in the two deployments of a round."""


def times_of(cell: str, number: int) -> Times:
    """What the service takes in a round: the same for all peers, spread evenly over what it may be."""
    versions, seconds = parsed(cell)

    def some(first: int, count: int) -> list[float]:
        # Multiples of the golden ratio are never close to each other, however many there are.
        places = [(0.5 + place * (math.sqrt(5) - 1) / 2) % 1 for place in range(first, first + count)]
        return [max(AT_ONCE, seconds * (1 + VARIATION * (2 * place - 1))) for place in places]

    # What is cold and what is warm have a series each.
    warms = 2 * versions - 1
    others = some(number * warms, warms)
    return some(number, 1) + others[: versions - 1], others[versions - 1 :]


@contextlib.contextmanager
def account() -> Iterator[Account]:
    """A new sandbox, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Sandbox.start() as sandbox:
        yield Account(sandbox, Path(folder))


class Account:
    """A sandbox into which the peers deploy."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.registry = f"{sandbox.account}.dkr.ecr.{sandbox.region}.amazonaws.com/bench"
        self._folder = folder
        self._sdk = _installed_sdk()
        self._environment = {**sandbox.environment(), "NO_COLOR": "1"}
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
        self._cdk("bootstrap", f"aws://{sandbox.account}/{sandbox.region}")

    def run(self, peer: str, versions: int, times: Times) -> dict[str, Any]:
        """Deploy a stack of one peer twice, where the service takes the first and the second of ``times``."""
        images = [f"bench-{peer.replace('_', '-')}-{number}" for number in range(versions)]
        self.create(images)
        deployments = []
        for tag, seconds in zip(("1", "2"), times, strict=True):
            faults = self.sandbox.faults
            faults.reset()
            # MiniStack makes one after the other, in the order in which it notes its requests.
            for one in seconds:
                faults.slow(one, operation="CreateImageVersion")
            faults.slow(AT_ONCE, operation="DeleteImageVersion", times=1_000_000)
            deployments.append({"service_seconds": seconds, **self.deploy(peer, images, tag)})
        # What is left of the first deployment now, nobody will ever delete.
        left = sum(len(self._versions(image)) for image in images) - versions
        return {"deployments": deployments, "leaked": left, "stack": self._stack(peer)}

    def create(self, images: Collection[str]) -> None:
        """Create images."""
        for image in images:
            self._sagemaker.create_image(ImageName=image, RoleArn=f"arn:aws:iam::{self.sandbox.account}:role/bench")
        for image in images:
            while self._sagemaker.describe_image(ImageName=image)["ImageStatus"] != "CREATED":
                time.sleep(0.1)

    def deploy(self, peer: str, images: Sequence[str], tag: str) -> dict[str, Any]:
        """Deploy a version of each item of ``images``, made from the container image with this tag."""
        name, assembly = self._name(peer), self._folder / peer
        with _one_at_a_time:
            peers.synthesize(
                assembly, peer=peer, stack_name=name, images=images, uri=f"{self.registry}:{tag}", node_path=self._sdk
            )
        log = self.sandbox.logs / LAMBDA
        read = log.stat().st_size
        began = time.time()
        self._cdk("deploy", name, "--app", str(assembly), "--require-approval", "never", "--method", "direct")
        seconds = time.time() - began
        time.sleep(0.5)  # a function writes its log after its answer
        if log.with_name(f"{LAMBDA}.1").exists():
            raise RuntimeError("the log of the functions is too long to be read: take fewer versions")
        with log.open(errors="replace") as file:
            file.seek(read)
            cost = self._cost(file.read())
        return {
            "seconds": seconds,
            "intervals": self._intervals(name, peers.PEERS[peer][1], began),
            **cost,
        }

    def _cdk(self, *arguments: str) -> None:
        done = subprocess.run(
            ["cdk", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"cdk {' '.join(arguments)} failed:\n{done.stdout}")

    def _intervals(self, stack: str, resource_type: str, began: float) -> list[float]:
        """Seconds from CloudFormation's request to its answer, of every version in the order of the requests."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        events = [event for page in pages for event in page["StackEvents"] if event["ResourceType"] == resource_type]
        requested: dict[str, float] = {}
        intervals = {}
        for event in sorted(events, key=_moment):
            operation, _, status = event["ResourceStatus"].partition("_")
            if _moment(event) < began - 0.001 or operation not in {"CREATE", "UPDATE"}:
                continue
            if status == "IN_PROGRESS":
                requested.setdefault(event["LogicalResourceId"], _moment(event))
            elif status == "COMPLETE":
                logical_id = event["LogicalResourceId"]
                intervals[logical_id] = _moment(event) - requested[logical_id]
        return [intervals[logical_id] for logical_id in requested]

    def _cost(self, log: str) -> dict[str, float]:
        """Invocations, their GB-seconds (memory by duration in whole milliseconds), and the state machine's steps."""
        pages = self._lambda.get_paginator("list_functions").paginate()
        memory = {function["FunctionName"]: function["MemorySize"] for page in pages for function in page["Functions"]}
        found = [(match["function"], int(match["milliseconds"])) for match in _INVOCATION.finditer(log)]
        return {
            "invocations": len(found),
            "gb_seconds": sum(memory[function] / 1024 * math.ceil(spent) / 1000 for function, spent in found),
            "transitions": sum(_LOOK in function for function, _ in found),
        }

    def _versions(self, image: str) -> list[Any]:
        pages = self._sagemaker.get_paginator("list_image_versions").paginate(ImageName=image)
        return [version for page in pages for version in page["ImageVersions"]]

    def _stack(self, peer: str) -> dict[str, int]:
        template = json.loads((self._folder / peer / f"{self._name(peer)}.template.json").read_text())
        types = Counter(resource["Type"] for resource in template["Resources"].values())
        return {
            "resources": types.total(),
            "functions": types["AWS::Lambda::Function"],
            "roles": types["AWS::IAM::Role"],
            "policies": types["AWS::IAM::Policy"],
            "state_machines": types["AWS::StepFunctions::StateMachine"],
        }

    def _name(self, peer: str) -> str:
        return f"Bench-{peer.replace('_', '-')}"


def _moment(event: dict[str, Any]) -> float:
    moment: datetime = event["Timestamp"]
    return moment.timestamp()


def _installed_sdk() -> Path:
    """The folder of the AWS SDK for Node.js, installed once."""
    folder = results.FOLDER / "aws_sdk"
    modules = folder / "node_modules"
    lock = (_SDK / "package-lock.json").read_bytes()
    if not modules.exists() or (folder / "package-lock.json").read_bytes() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_SDK, folder)
        npm = Path(sys.prefix) / "bin" / "npm"
        path = os.pathsep.join([str(npm.parent), os.environ.get("PATH", os.defpath)])
        command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)
    return modules


Select = Callable[[Iterable[dict[str, Any]]], list[float]]
"""Figures of some runs."""


def cold(runs: Iterable[dict[str, Any]], *, added: bool = False) -> list[float]:
    """The first request of each stack: nothing of its functions runs yet.

    Args:
        runs: whose requests.
        added: without the service's own time.
    """
    return [_seconds(run["deployments"][0], added=added)[0] for run in runs]


def warm(runs: Iterable[dict[str, Any]], *, added: bool = False) -> list[float]:
    """All other requests, of both deployments; the arguments are those of :func:`cold`."""
    found = []
    for run in runs:
        first, second = (_seconds(deployment, added=added) for deployment in run["deployments"])
        found += [*first[1:], *second]
    return found


def _seconds(deployment: dict[str, Any], *, added: bool) -> list[float]:
    less = deployment["service_seconds"] if added else [0.0] * len(deployment["intervals"])
    return [interval - one for interval, one in zip(deployment["intervals"], less, strict=True)]


def of(result: dict[str, Any], cell: str, peer: str) -> list[dict[str, Any]]:
    """The runs of a peer in a cell."""
    return [run for run in result["runs"] if (run["cell"], run["peer"]) == (cell, peer)]


def cells(result: dict[str, Any]) -> list[str]:
    """The cells that were measured, small ones first."""
    return sorted({run["cell"] for run in result["runs"]}, key=parsed)


def section(result: dict[str, Any]) -> str:
    """The section of the report."""
    names = [name for name in peers.PEERS if any(run["peer"] == name for run in result["runs"])]
    return "\n\n".join(
        [
            "## Deployments",
            (
                f"`python benchmarks/deploy.py --cells {' '.join(cells(result))} "
                f"--rounds {result['options']['rounds']} "
                f"--gb-second-price {results.dollars(result['options']['gb_second_price'])} "
                f"--transition-price {results.dollars(result['options']['transition_price'])}` "
                f"({result['seconds'] / 60:.0f} minutes). Cells are minimum / median / maximum."
            ),
            _METHOD,
            "![From request to answer, over the service's own time](performance/deploy.svg)",
            "### From request to answer, in seconds",
            _seconds_of(result, names, {"cold": cold, "warm": warm}),
            "### The whole `cdk deploy`, in seconds",
            _seconds_of(result, names, {"first": _first, "second": _second}, digits=1),
            "### What a stack is made of, and what it computes",
            _costs(result, names),
            "### In ratios",
            _ratios(result),
            "### Conclusions",
            "\n".join(f"- {line}" for line in conclusions(result)),
        ]
    )


_METHOD = f"""\
Every peer deploys the same versions to the same sandbox, in turn, by the real CDK CLI from a synthesized assembly;
where the service takes {LONG:g} s or longer, side by side, each to a sandbox of its own, since all of them wait then.
The second deployment changes the base image, which makes every version anew. A request is the moment at which
CloudFormation notes `…_IN_PROGRESS` for a version, its answer that of `…_COMPLETE`. So the interval holds what
MiniStack does in between, for all peers alike: it starts a process for a function that has none (cold), and hands the
event over without Lambda's queue. It makes one resource after the other, where CloudFormation makes many at once: the
times of whole deployments are sums, and one request of a stack is cold, where on AWS as many are as come at once. Its
Lambda does not slow a function down that has little memory, and it does not enforce IAM.

SageMaker takes tens of seconds for a version: at 0 s there is only what the peers themselves take, which cold is the
start of a process. The native resource of the sandbox has none to start: it is a part of MiniStack.
The service's time varies by an eighth to both sides from version to version, in the same way for all peers: at 20 s
over the 5 s between two looks of the Provider framework. The native resource of the sandbox looks at the service every
0.1 s, which shows what the service itself takes; that of AWS, whose handler is open source, every
{AWS_LOOKS_EVERY:g} s.

Every version has an image of its own, which is there before: the service refuses to write two versions of one image at
once, and all but this library would have to chain them with DependsOn. Beyond {peers.MOST_POLICIES} images this library
is given `permitted_images`, a pattern, as the others are. The Provider framework is at its defaults: a look every 5 s,
128 MB. AwsCustomResource is at its own: 512 MB. It is told an alias for every version, since it cannot take the number
out of the ARN that it would have to delete by."""


def _seconds_of(
    result: dict[str, Any], names: Sequence[str], selections: Mapping[str, Select], *, digits: int = 2
) -> str:
    """A table of what is selected of the runs of each peer in each cell."""
    rows = []
    for cell in cells(result):
        versions, seconds = parsed(cell)
        for title, select in selections.items():
            shown = [results.spread(select(of(result, cell, name)), digits) for name in names]
            rows.append([f"{results.counted(versions, 'version')}, {seconds:g} s, {title}", *shown])
    return results.table(["versions, service's time", *(peers.PEERS[name][0] for name in names)], rows)


def _first(runs: Iterable[dict[str, Any]]) -> list[float]:
    return [run["deployments"][0]["seconds"] for run in runs]


def _second(runs: Iterable[dict[str, Any]]) -> list[float]:
    return [run["deployments"][1]["seconds"] for run in runs]


def _costs(result: dict[str, Any], names: Sequence[str]) -> str:
    rows = []
    for cell in cells(result):
        versions, seconds = parsed(cell)
        for name in names:
            runs = of(result, cell, name)
            if not runs:
                continue
            stack = runs[0]["stack"]
            deployments = _deployments(runs)
            rows.append(
                [
                    f"{peers.PEERS[name][0]}: {results.counted(versions, 'version')}, {seconds:g} s",
                    stack["resources"] - versions,
                    stack["functions"],
                    stack["roles"],
                    stack["state_machines"],
                    results.spread([deployment["invocations"] / versions for deployment in deployments], 1),
                    results.spread([deployment["gb_seconds"] / versions for deployment in deployments], 3),
                    results.spread([deployment["transitions"] / versions for deployment in deployments], 1),
                    results.spread([1000 * price / versions for price in _prices(result, runs)], 3),
                    "yes" if _waits(runs) else "**no**",
                    sum(run["leaked"] for run in runs) or "none",
                ]
            )
    head = [
        "stack",
        "resources beside the versions",
        "functions",
        "roles",
        "state machines",
        "invocations per version",
        "GB-seconds per version",
        "state transitions per version",
        "US$ for 1,000 versions",
        "answers when CREATED",
        "versions leaked",
    ]
    return "\n\n".join(
        [
            results.table(head, rows),
            (
                "GB-seconds are a function's memory by what MiniStack measures of each invocation, start of the "
                "process included, in whole milliseconds, as Lambda bills it; per version and deployment, deletions of "
                "what was replaced included. A state transition is a look of the Provider framework's state machine: "
                "Step Functions bills each, retries too. Dollars are those of both. A version is "
                "leaked when it is still there after its replacement: a delete that the service refuses in "
                "CloudFormation's cleanup is not tried again, and the sandbox's refuses one within half a second of "
                "another write to the image."
            ),
        ]
    )


def _deployments(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [deployment for run in runs for deployment in run["deployments"]]


def _prices(result: dict[str, Any], runs: Iterable[dict[str, Any]]) -> list[float]:
    """What each deployment costs, in dollars."""
    gb_second, transition = result["options"]["gb_second_price"], result["options"]["transition_price"]
    return [one["gb_seconds"] * gb_second + one["transitions"] * transition for one in _deployments(runs)]


def _whole(runs: Iterable[dict[str, Any]]) -> list[float]:
    return [one["seconds"] for one in _deployments(runs)]


def _gb_seconds(runs: Iterable[dict[str, Any]]) -> list[float]:
    return [one["gb_seconds"] for one in _deployments(runs)]


def _of_aws_handler(runs: Iterable[dict[str, Any]]) -> float:
    """The median of what these took, of what AWS's own handler of the native resource would have taken by its looks."""
    ratios: list[float] = [
        interval / (AWS_LOOKS_EVERY * math.ceil(seconds / AWS_LOOKS_EVERY))
        for one in _deployments(runs)
        for interval, seconds in zip(one["intervals"], one["service_seconds"], strict=True)
    ]
    return statistics.median(ratios)


def _waits(runs: Iterable[dict[str, Any]]) -> bool:
    """Whether no answer came sooner than the service was ready."""
    return min(over for one in _deployments(runs) for over in _seconds(one, added=True)) > -_CLOCK


def _middle_of(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """A median as a share of another; None where one was not measured."""
    return statistics.median(ours) / statistics.median(theirs) if ours and theirs else None


def ratios(result: dict[str, Any], cell: str) -> dict[str, float | None]:
    """What this library takes in a cell, as shares of what the others take, by medians."""
    ours, native, framework = (of(result, cell, name) for name in ("ours", "native", "framework"))
    return {
        ADDED_COLD: _middle_of(cold(ours, added=True), cold(framework, added=True)),
        ADDED_WARM: _middle_of(warm(ours, added=True), warm(framework, added=True)),
        "framework: whole": _middle_of(_whole(ours), _whole(framework)),
        "framework: GB-seconds": _middle_of(_gb_seconds(ours), _gb_seconds(framework)),
        "framework: US$": _middle_of(_prices(result, ours), _prices(result, framework)),
        NATIVE_COLD: _middle_of(cold(ours), cold(native)),
        NATIVE_WARM: _middle_of(warm(ours), warm(native)),
        "native: whole": _middle_of(_whole(ours), _whole(native)),
        "AWS's handler: computed": _of_aws_handler(ours) if ours and parsed(cell)[1] else None,
    }


def _ratios(result: dict[str, Any]) -> str:
    found = {cell: ratios(result, cell) for cell in cells(result)}
    titles = list(next(iter(found.values())))
    rows = [
        [cell.replace("x", " x ") + " s", *(_shown(value, GOALS.get(title)) for title, value in line.items())]
        for cell, line in found.items()
    ]
    return "\n\n".join(
        [
            results.table(["", *titles], rows),
            (
                "This library's by that of the other: medians. Added is the time over the service's own, whole that of "
                f"`cdk deploy`. Bold is beyond the goal: {GOALS[ADDED_COLD]:g} of what the framework adds, and "
                f"{GOALS[NATIVE_COLD]:g} of what the native resource takes. AWS's own handler of that cannot be run "
                f"here: by its source it looks at once and then every {AWS_LOOKS_EVERY:g} s, and this library's time "
                "is divided by that of the look that would find the version."
            ),
        ]
    )


def _shown(ratio: float | None, goal: float | None) -> str:
    if ratio is None:
        return "-"
    return f"**{ratio:.2f}**" if goal is not None and ratio > goal else f"{ratio:.2f}"


def conclusions(result: dict[str, Any]) -> list[str]:
    """What follows from the figures."""
    found = {cell: ratios(result, cell) for cell in cells(result)}
    lines = []
    for text, titles in (
        ("Over the service's own time, what this library adds of what the Provider framework adds", _ADDED),
        ("What this library takes by what the sandbox's native resource takes", _NATIVE),
    ):
        met = {
            f"{cell} {temperature} {ratio:.2f}": ratio <= GOALS[title]
            for cell, line in found.items()
            for temperature, title in titles.items()
            if (ratio := line[title]) is not None
        }
        if met:
            beyond = ", ".join(which for which, is_met in met.items() if not is_met)
            lines.append(
                f"{text}: within the goal of {GOALS[titles['cold']]:g} in {sum(met.values())} of {len(met)}; beyond: "
                f"{beyond or 'none'}."
            )
    lines += _starts(result, {cell: line[NATIVE_COLD] for cell, line in found.items()})
    lines.append(
        "This library's function waits for the service, where the framework's state machine does; either is paid for."
    )
    for name, (title, _, _) in peers.PEERS.items():
        hasty = [cell for cell in cells(result) if (runs := of(result, cell, name)) and not _waits(runs)]
        if hasty:
            lines.append(
                f"{title} answers before the version is CREATED ({', '.join(hasty)}): what depends on it may find it "
                "unready, and a creation that fails is reported as a success. Its times are no comparison."
            )
        leaked = {cell: sum(run["leaked"] for run in of(result, cell, name)) for cell in cells(result)}
        shown = ", ".join(f"{cell} {count}" for cell, count in leaked.items() if count)
        if shown:
            lines.append(
                f"{title} left replaced versions behind, whose delete was refused and not tried again: {shown}."
            )
    return lines


def _starts(result: dict[str, Any], by_native: Mapping[str, float | None]) -> list[str]:
    """What a cold request takes where the service takes no time, beside a function that makes one call.

    Args:
        result: all runs.
        by_native: what this library's takes by that of the native resource, in each cell.
    """
    found = []
    for cell, ours in by_native.items():
        if ours is None or parsed(cell)[1]:
            continue
        sdk_call = _middle_of(cold(of(result, cell, "sdk_call")), cold(of(result, cell, "native")))
        if sdk_call is not None:
            found.append(f"{cell} {ours:.2f} and {sdk_call:.2f}")
    if not found:
        return []
    return [
        (
            "Where the service takes no time, cold is the start of a process, which the sandbox's native resource does "
            "without. By what that takes, this library and AwsCustomResource, whose function makes one call and does "
            f"not wait: {', '.join(found)}."
        )
    ]


def _show(run: dict[str, Any]) -> None:
    first, second = run["deployments"]
    print(
        f"{run['cell']:>6} round {run['round']} {run['peer']:<10} "
        f"cold {first['intervals'][0]:6.2f} s, warm {results.spread(warm([run]))} s, "
        f"cdk deploy {first['seconds']:.1f} s and {second['seconds']:.1f} s, "
        f"{first['gb_seconds']:.2f} and {second['gb_seconds']:.2f} GB-s, "
        f"{first['transitions']} and {second['transitions']} transitions, leaked {run['leaked']}",
        flush=True,
    )


def main() -> None:
    """Measure, print the section, and keep the raw results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=list(CELLS), metavar="VERSIONSxSECONDS")
    parser.add_argument("--peers", nargs="+", default=list(peers.PEERS), choices=peers.PEERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--gb-second-price", type=float, default=results.GB_SECOND_PRICE, help="of Lambda, in US dollars"
    )
    parser.add_argument("--transition-price", type=float, default=TRANSITION_PRICE, help="of Step Functions, likewise")
    parser.add_argument("--resume", action="store_true", help="go on with what build/bench/deploy.json has")
    options = parser.parse_args()
    earlier = results.read("deploy") if options.resume else None
    result = measure(
        options.cells,
        options.peers,
        options.rounds,
        earlier=earlier,
        gb_second_price=options.gb_second_price,
        transition_price=options.transition_price,
    )
    print(f"\n{section(result)}")


if __name__ == "__main__":
    main()
