"""Shared by the benchmarks: the files of their results, and the formatting of figures."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "bench"
"""The results of the last run of each benchmark."""

RECORDED = Path(__file__).with_name("recorded")
"""The results from which docs/performance.md is generated."""

GB_SECOND_PRICE = 0.0000133334
"""US dollars: the list price of AWS Lambda on ARM in us-east-1, on 2026-11-01."""


def write(name: str, result: dict[str, Any]) -> None:
    """Write the result of a benchmark to build/bench/NAME.json, with its commit and its machine."""
    commit = ["git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    result = {
        "measured": {
            "commit": subprocess.run(commit, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip(),
            "date": datetime.now(UTC).date().isoformat(),
            "cores": os.cpu_count(),
            "load average": round(os.getloadavg()[2], 1),
            "Python": platform.python_version(),
            "aws-cdk-lib": metadata.version("aws-cdk-lib"),
            "boto3": metadata.version("boto3"),
        },
        **result,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in result.items())
    (FOLDER / f"{name}.json").write_text(f"{{\n{lines}\n}}\n")


def finish(name: str, result: dict[str, Any], tables: Callable[[dict[str, Any]], dict[str, str]]) -> None:
    """Write the result of a benchmark, and print its tables."""
    write(name, result)
    for title, table in tables(result).items():
        sys.stdout.write(f"{name}.{title}\n\n{table}\n\n")


def in_turn(names: Iterable[str], number: int) -> list[str]:
    """The order of the names in a round. Each round starts with another name."""
    names = list(names)
    first = number % len(names)
    return names[first:] + names[:first]


def spread(values: Iterable[float]) -> list[float]:
    """The minimum, the median and the maximum."""
    values = sorted(values)
    return [round(value, 4) for value in (values[0], statistics.median(values), values[-1])]


def cell(values: Iterable[float] | None, digits: int = 2) -> str:
    """The cell of a table for the result of :func:`spread`."""
    return "-" if values is None else " / ".join(f"{value:,.{digits}f}" for value in values)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown. The first column is aligned to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
