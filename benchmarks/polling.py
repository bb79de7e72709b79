"""The delay between CREATED and the response, and the number of calls of each event.

    python benchmarks/polling.py [--samples N]

The handler runs in simulated time against the sandbox's images service, as in its tests. The creation times are drawn
evenly from 5 to 60 s, with a fixed seed. A call takes no time, so only the schedule of the polls is measured.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import statistics
import sys
import uuid
from collections.abc import Sequence
from typing import Any

import results

sys.path[:0] = [str(results.ROOT / folder) for folder in ("lambda", "tests/model")]

from harness import EVENTS, REPOSITORY, Aws, Function  # noqa: E402

SHORTEST, LONGEST = 5.0, 60.0
WRITES = {"CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion"}
POLLED = {"CreateImageVersion", "DeleteImageVersion"}


def measure(*, samples: int = 500) -> dict[str, Any]:
    """Create the sample versions and versions with fixed times, and then send one event of every type."""
    chance = random.Random(1)  # noqa: S311 (not for cryptography)
    times = [SHORTEST + (LONGEST - SHORTEST) * (number + chance.random()) / samples for number in range(samples)]
    delays, polls = zip(*map(creation, times), strict=True)
    return {
        "samples": samples,
        "delay": _quantiles(delays),
        "polls": _quantiles(polls),
        "fixed": [[seconds, *creation(seconds)] for seconds in (0.0, 2.0, 16.0, 30.0, 59.0)],
        "calls": calls(),
    }


def creation(seconds: float) -> tuple[float, int]:
    """The seconds from CREATED to the response, and the number of polls, for a version that takes ``seconds``."""
    aws = Aws(create_seconds=seconds)
    function = Function(aws)
    began = aws.clock.now()
    _deliver(function, _event("image_version_create"))
    return round(aws.clock.now() - began - seconds, 4), function.names().count("DescribeImageVersion")


def calls() -> dict[str, list[str]]:
    """The AWS calls of every type of event, if SageMaker finishes each request at once."""
    aws = Aws(create_seconds=0, delete_seconds=0, write_seconds=0)
    function = Function(aws)
    found: dict[str, list[str]] = {}

    def deliver(kind: str, event: dict[str, Any]) -> str:
        aws.clock.advance(60)
        response = _deliver(function, event)
        found[kind] = function.names()
        return str(response["PhysicalResourceId"])

    properties = _event("image_version_create")["ResourceProperties"]
    old = deliver("create a version", _event("image_version_create"))
    deliver("update, nothing changed", _event("image_version_update", old, **properties))
    properties["ReleaseNotes"] = "Better"
    deliver("update, metadata changed", _event("image_version_update", old, **properties))
    deliver("update, followed tag unchanged", _event("image_version_update", old, **properties | {"FollowTag": "1"}))
    changed = properties | {"BaseImage": f"{REPOSITORY}:1.1.0"}
    new = deliver("update, base image changed", _event("image_version_update", old, **changed))
    number = new.rpartition("/")[2]
    adopted = {"BaseImage": f"{REPOSITORY}:1.1.0", "AdoptVersion": number}
    deliver("adopt a version", _event("image_version_create", **adopted))
    alias = deliver("create an alias", _event("image_alias_create", Version="1"))
    deliver("move an alias", _event("image_alias_update", alias, Version=number))
    deliver("delete an alias", _event("image_alias_delete", alias, Version=number))
    deliver("delete a version", _event("image_version_delete", old, BaseImage=f"{REPOSITORY}:1.0.0"))
    deliver("delete a deleted version", _event("image_version_delete", old, BaseImage=f"{REPOSITORY}:1.0.0"))
    for _ in range(2):
        aws.create_version()
    deliver("retention deletes one version", _event("image_retention_create"))
    return found


def _deliver(function: Function, event: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = function.deliver(event)
    if response["Status"] != "SUCCESS":
        raise RuntimeError(response["Reason"])
    return response


def _event(name: str, physical_id: str | None = None, **properties: str) -> dict[str, Any]:
    event: dict[str, Any] = copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))
    event["RequestId"] = str(uuid.uuid4())
    event["ResourceProperties"] |= properties
    if physical_id is not None:
        event["PhysicalResourceId"] = physical_id
    return event


def necessary(names: Sequence[str]) -> int:
    """The fewest calls that have the same effect: the writes, and one poll after a write that takes time."""
    return sum(name in WRITES for name in names) + any(name in POLLED for name in names)


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    head = [f"{result['samples']} creations of {SHORTEST:g} to {LONGEST:g} s", "minimum", "median", "99 %", "maximum"]
    drawn = [
        ["seconds from CREATED to the response", *(f"{value:.2f}" for value in result["delay"])],
        ["polls", *(f"{value:.0f}" for value in result["polls"])],
    ]
    fixed = [[f"{seconds:g} s", f"{delay:.2f}", polls] for seconds, delay, polls in result["fixed"]]
    rows = [[kind, ", ".join(names), len(names), necessary(names)] for kind, names in result["calls"].items()]
    return {
        "delay": results.table(head, drawn),
        "fixed": results.table(["creation", "seconds from CREATED to the response", "polls"], fixed),
        "calls": results.table(["event", "calls", "number", "necessary"], rows),
    }


def _quantiles(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered[0], statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500, help="number of creations (default: 500)")
    results.finish("polling", measure(samples=parser.parse_args().samples), tables)
