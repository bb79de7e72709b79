"""How late an answer comes after the version is there, and how many calls an event makes.

    python benchmarks/polling.py [--samples N]

The handler runs on a simulated clock against the images service of the sandbox, as its tests do. Creation times are
drawn from 5 to 60 s, all as likely (one of every equal part of that time, with a fixed seed); a call takes no time, so
that what is measured is the schedule.

The handler polls at once, and then every 2.5 s: when every moment is as likely, equal pauses are the least late that as
many polls can be, half a pause in the middle. Other schedules are measured beside it.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import operator
import random
import statistics
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import results

for folder in ("lambda", "tests/model", "."):
    sys.path.insert(0, str(results.ROOT / folder))

import simulation  # noqa: E402
from harness import EVENTS, REPOSITORY, Aws, Function  # noqa: E402
from imgver_handler import deadline  # noqa: E402

SHORTEST, LONGEST = 5.0, 60.0
MEDIAN_LIMIT, P99_LIMIT, POLLS_LIMIT = 1.3, 4.0, 14
"""Seconds, seconds, and polls of a creation of 30 s."""


SCHEDULE = (0.0, deadline.POLL_INTERVAL)
"""Seconds before each poll of the handler; the last of these is repeated."""

OTHERS = (
    (0.0, 1.0, 1.15, 2.95, 2.5),
    (0.0, 1.0, 1.25, 1.56, 1.95, 2.5),
    (0.0, 1.0, 2.0, 2.5),
    (1.0, 1.25, 1.56, 1.95, 2.5),
    (2.5,),
    (5.0,),
)
"""Earlier at first, and rarer later; growing slowly and fast; not at once; equal pauses; the Provider framework's."""

_QUICK = (0.0, 2.0)
"""Seconds that a version takes which is there sooner than any on AWS."""

_CROWD, _RATE = 200, 5
"""Versions of as many images at once, and the requests a second that the service takes."""

_WRITES = ("CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion")
_POLLED = ("CreateImageVersion", "DeleteImageVersion")


def measure(*, samples: int = 500) -> dict[str, Any]:
    """Create as many versions as there are samples, and one more that takes 30 s; then one event of every kind."""
    return {
        "samples": samples,
        "schedules": [schedule_of(pauses, samples) for pauses in (SCHEDULE, *OTHERS)],
        "events": events(),
    }


def _drawn(samples: int) -> dict[str, Any]:
    chance = random.Random(1)  # noqa: S311 (a draw, no secret)
    late, polls = [], []
    for number in range(samples):
        seconds, count = _creation(SHORTEST + (LONGEST - SHORTEST) * (number + chance.random()) / samples)
        late.append(seconds)
        polls.append(count)
    return {"late": _spread(late), "polls": _spread(polls)}


def schedule_of(pauses: Sequence[float], samples: int) -> dict[str, Any]:
    """How late the handler would answer with these pauses, the last of which goes on, and how often it would poll."""
    with mock.patch.object(deadline, "poll_intervals", lambda throttled: _intervals(pauses, throttled)):
        throttle_state = simulation.simulate(
            [[f"image-{number}" for number in range(_CROWD)]],
            simulation.Conditions(requests_per_second=_RATE, create_seconds=_QUICK[-1]),
        )
        return {
            "schedule": _described(pauses),
            **_drawn(samples),
            "polls_of_30_s": polls_of(30.0),
            "quick": [_creation(takes)[0] for takes in _QUICK],
            "crowd_seconds": throttle_state.seconds,
        }


def _intervals(pauses: Sequence[float], throttled: Callable[[], bool]) -> Iterator[float]:
    for pause in itertools.chain(pauses, itertools.repeat(pauses[-1])):
        yield deadline.POLL_INTERVAL_WHEN_THROTTLED if throttled() else pause


def _described(pauses: Sequence[float]) -> str:
    *first, always = (f"{pause:g}" for pause in pauses)
    return f"{', '.join(first)}, then {always}" if first else f"{always}, always"


def _creation(takes: float) -> tuple[float, int]:
    """Seconds from the version's being CREATED to the answer, and the polls till then."""
    aws = Aws(create_seconds=takes)
    function = Function(aws)
    began = aws.clock.now()
    _succeed(function, _event("image_version_create"))
    return aws.clock.now() - began - takes, function.names().count("DescribeImageVersion")


def polls_of(takes: float) -> int:
    """Polls of a creation that takes so many seconds."""
    return _creation(takes)[1]


def events() -> dict[str, list[str]]:
    """The calls of an event of every kind, where the service has done its part at once."""
    aws = Aws(create_seconds=0, delete_seconds=0, write_seconds=0)
    function = Function(aws)
    found = {}

    def deliver(kind: str, event: dict[str, Any]) -> str:
        aws.clock.advance(60)
        answer = _succeed(function, event)
        found[kind] = function.names()
        return str(answer["PhysicalResourceId"])

    declared = _event("image_version_create")["ResourceProperties"]
    old = deliver("a version is created", _event("image_version_create"))
    deliver("nothing changed", _event("image_version_update", id=old, **declared))
    deliver("metadata changed", _event("image_version_update", id=old, **declared | {"ReleaseNotes": "Better"}))
    declared["ReleaseNotes"] = "Better"
    deliver("a followed tag stayed", _event("image_version_update", id=old, **declared | {"FollowTag": "1"}))
    changed = declared | {"BaseImage": f"{REPOSITORY}:1.1.0"}
    new = deliver("the base image changed", _event("image_version_update", id=old, **changed))
    number = new.rpartition("/")[2]
    deliver("one is adopted", _event("image_version_create", BaseImage=f"{REPOSITORY}:1.1.0", AdoptVersion=number))
    alias = deliver("an alias is added", _event("image_alias_create", Version="1"))
    moved = _event("image_alias_update", id=alias, Version=number)
    deliver("an alias is moved", moved)
    deliver("an alias is removed", _event("image_alias_delete", id=alias, Version=number))
    deliver("a version is deleted", _event("image_version_delete", id=old, BaseImage=f"{REPOSITORY}:1.0.0"))
    deliver("it is gone already", _event("image_version_delete", id=old, BaseImage=f"{REPOSITORY}:1.0.0"))
    for _ in range(2):
        aws.create_version()
    deliver("a retention deletes one", _event("image_retention_create"))
    return found


def _succeed(function: Function, event: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = function.deliver(event)
    if answer["Status"] != "SUCCESS":
        raise RuntimeError(answer["Reason"])
    return answer


def _event(name: str, *, id: str | None = None, **properties: str | None) -> dict[str, Any]:  # noqa: A002
    event: dict[str, Any] = copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))
    event["RequestId"] = str(uuid.uuid4())
    if id is not None:
        event["PhysicalResourceId"] = id
    for key, value in properties.items():
        event["ResourceProperties"][key] = value
        if value is None:
            del event["ResourceProperties"][key]
    return event


def floor(calls: Sequence[str]) -> int:
    """The fewest calls that can do the same: its writes, and a look at whether the service has done its part."""
    return sum(call in _WRITES for call in calls) + any(call in _POLLED for call in calls)


def section(result: dict[str, Any]) -> str:
    """The section of the report."""
    chosen = result["schedules"][0]
    late, polls = chosen["late"], chosen["polls"]
    middle, p99 = late["median"] / LONGEST, late["p99"] / LONGEST
    lines = [
        "## Polling",
        "",
        f"{result['samples']} creations of {SHORTEST:.0f} to {LONGEST:.0f} s, all as likely, on a simulated clock.",
        "`python benchmarks/polling.py` measures it again.",
        "",
        "| | min | median | p99 | max |",
        "|---|---|---|---|---|",
        f"| seconds from CREATED to the answer | {_row(late, 2)} |",
        f"| polls | {_row(polls, 0)} |",
        "",
        f"Half of the answers are late by up to {middle:.1%} of the longest creation, 99 of 100 by up to {p99:.1%}.",
        f"A creation of 30 s is polled {chosen['polls_of_30_s']} times.",
        "",
        "The schedule, and others that it was chosen from: the seconds before the first polls, and before each of the",
        "others. Where every moment is as likely, equal pauses are the least late that as many polls can be. The goal",
        f"was at most {MEDIAN_LIMIT:g} s late in the middle, and {POLLS_LIMIT} polls of 30 s. At once are {_CROWD}",
        f"versions of as many images, where the service takes {_RATE} requests a second and {_QUICK[-1]:g} s for a",
        "version.",
        "",
        "| pauses | late: median, s | late: p99, s | polls of 30 s | late at 0 s | late at 2 s | at once: s |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {one['schedule']} | {one['late']['median']:.2f} | {one['late']['p99']:.2f} | {one['polls_of_30_s']} | "
            f"{one['quick'][0]:.2f} | {one['quick'][1]:.2f} | {one['crowd_seconds']:.0f} |"
            for one in result["schedules"]
        ),
        "",
        _other_schedules(result),
        "",
        "Calls of an event, where the service has done its part at once. The floor is what is written, and",
        "one look at what has to be waited for. Beyond it are looks at what is there: they find drift, and what is",
        "somebody else's.",
        "",
        "| event | calls | floor | beyond it |",
        "|---|---|---|---|",
    ]
    for kind, calls in result["events"].items():
        lines.append(f"| {kind} | {', '.join(calls)} | {floor(calls)} | {len(calls) - floor(calls)} |")
    most = max(len(calls) - floor(calls) for calls in result["events"].values())
    lines += ["", f"No event makes more than {most} calls beyond its floor."]
    return "\n".join(lines) + "\n"


def _other_schedules(result: dict[str, Any]) -> str:
    """What the comparison says."""
    chosen, *others = result["schedules"]
    within = [one for one in others if one["late"]["median"] <= MEDIAN_LIMIT and one["polls_of_30_s"] <= POLLS_LIMIT]
    as_early = [one for one in within if all(map(operator.le, one["quick"], chosen["quick"]))]
    return (
        f"Others within the goal: {_names(within)}. As early as the chosen one both at {_QUICK[0]:g} s and at "
        f"{_QUICK[1]:g} s: {_names(as_early)}."
    )


def _names(schedules: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(one["schedule"] for one in schedules) or "none"


def _spread(values: Sequence[float]) -> dict[str, float]:
    p99 = sorted(values)[int(len(values) * 0.99)]
    return {"min": min(values), "median": statistics.median(values), "p99": p99, "max": max(values)}


def _row(spread: Mapping[str, float], digits: int) -> str:
    return " | ".join(f"{spread[key]:.{digits}f}" for key in ("min", "median", "p99", "max"))


def main() -> int:
    """Print the section and keep the result; fails when answers are later, or polls more, than the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500, help="creations that are measured (default: 500)")
    result = measure(samples=parser.parse_args().samples)
    results.write("polling", result)
    sys.stdout.write(section(result))
    chosen = result["schedules"][0]
    late = chosen["late"]
    kept = late["median"] <= MEDIAN_LIMIT and late["p99"] <= P99_LIMIT and chosen["polls_of_30_s"] <= POLLS_LIMIT
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
