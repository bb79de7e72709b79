"""A simulation of many image versions at once: the number that a region creates, the duration and the cost.

    python benchmarks/scale.py

The simulation is compared with the real handler, which runs in simulated time against the sandbox's images service.
"""

from __future__ import annotations

import math
import statistics
import sys
from typing import Any

import results

sys.path[:0] = [str(results.ROOT / folder) for folder in ("lambda", "tests/model")]

from busy_account import BusyAccount  # noqa: E402
from simulation import Conditions, simulate  # noqa: E402

PER_STACK, PER_IMAGE = 400, 10
"""The number of versions of a stack, which may have 500 resources, and of an image."""

MEMORY = 0.5
"""GB of the function's memory, by default."""


def spread_over(versions: int, *, per_stack: int = PER_STACK, images: int | None = None) -> list[list[str]]:
    """The image names of the versions of each stack."""
    names = [f"image-{number % (images or math.ceil(versions / PER_IMAGE))}" for number in range(versions)]
    return [names[first : first + per_stack] for first in range(0, versions, per_stack)]


def figures(case: str, stacks: list[list[str]], conditions: Conditions) -> list[Any]:
    """A row of a table: the spread of the seconds, and the medians of the other figures."""
    found = [simulate(stacks, conditions, seed=seed) for seed in range(3)]
    return [
        case,
        results.spread(one.seconds for one in found),
        statistics.median_high(one.timed_out + one.dropped for one in found),
        round(statistics.median(one.throttled / (one.calls + one.throttled) for one in found), 4),
        round(statistics.median(one.executed_seconds for one in found) * MEMORY),
    ]


def capacity(requests_per_second: int) -> int:
    """The number of versions that one region creates at once without a failure, to a twentieth."""
    conditions = Conditions(requests_per_second=requests_per_second)

    def fits(versions: int) -> bool:
        return simulate(spread_over(versions), conditions).created == versions

    least, most = 1, 64
    while fits(most):
        least, most = most, 2 * most
    while most - least > max(1, least // 20):
        middle = (least + most) // 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return least


def agreement(versions: int, executions: int) -> list[Any]:
    """A row of a table: the medians of the real handler, and the ratios of the simulation's medians to them."""
    images = [f"image-{number % math.ceil(versions / 4)}" for number in range(versions)]
    conditions = Conditions(create_seconds=2.0, cold_seconds=0.0, warm_seconds=0.0, at_once=executions)
    found: list[tuple[float, ...]] = []
    for seed in range(20 if versions < PER_STACK / 4 else 5):  # with few versions, results vary more
        account = BusyAccount(seed=seed, requests_per_second=5, executions=executions)
        account.create_images(sorted(set(images)))
        responses, seconds = account.create_versions(images)
        if {response["Status"] for response in responses} != {"SUCCESS"}:
            raise RuntimeError(f"the real handler did not create all of {versions} versions")
        simulated = simulate([images], conditions, seed=seed)
        real = (seconds, account.calls, account.throttled)
        found.append((*real, simulated.seconds, simulated.calls, simulated.throttled))
    medians = [statistics.median(values) for values in zip(*found, strict=True)]
    row: list[Any] = [f"{versions} versions, {executions} at a time"]
    for real_median, simulated_median in zip(medians[:3], medians[3:], strict=True):
        row += [round(real_median), round(simulated_median / real_median, 2)]
    return row


def measure() -> dict[str, Any]:
    """Simulate all cases."""
    return {
        "agreement": [agreement(versions, executions) for versions in (10, 50, 200) for executions in (10, 50)],
        "capacity": [[rate, found := capacity(rate), round(found / rate)] for rate in (1, 2, 5)],
        "regions": [
            figures(f"{versions:,} versions, regions: {regions}", spread_over(versions // regions), Conditions())
            for versions in (100, 1_000, 10_000)
            for regions in (1, 4, 20)
        ],
        "executions": [
            figures(f"executions: {limit or 'unlimited'}", spread_over(PER_STACK), Conditions(executions=limit))
            for limit in (10, 50, 100, 250, None)
        ],
        "stacks": [
            figures(f"at once: {limit or 'all'}", spread_over(1_000, per_stack=100), Conditions(stacks_at_once=limit))
            for limit in (1, 2, 5, None)
        ],
        "images": [
            figures(f"images: {images}", spread_over(100, images=images), Conditions(requests_per_second=None))
            for images in (1, 5, 20, 100)
        ],
    }


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    head = ["", "seconds", "versions not created", "calls throttled", "GB-seconds of a region"]

    def cells(row: list[Any]) -> list[object]:
        case, seconds, not_created, throttled, gb_seconds = row
        return [case, results.cell(seconds, 0), not_created, f"{throttled:.0%}", f"{gb_seconds:,}"]

    groups = ("regions", "executions", "stacks", "images")
    return {
        "agreement": results.table(
            ["", "seconds", "ratio", "calls", "ratio", "throttled calls", "ratio"], result["agreement"]
        ),
        "capacity": results.table(["requests a second", "versions at once", "ratio"], result["capacity"]),
        **{name: results.table(head, map(cells, result[name])) for name in groups},
    }


if __name__ == "__main__":
    results.finish("scale", measure(), tables)
