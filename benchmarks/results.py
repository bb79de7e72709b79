"""What the benchmarks share: where their raw results are, and how figures are written."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "bench"

GB_SECOND_PRICE = 0.0000133334
"""US dollars, list price of ARM in us-east-1 when this was written. --gb-second-price sets another one."""


def path(name: str) -> Path:
    """Where the raw results of a benchmark are."""
    return FOLDER / f"{name}.json"


def write(name: str, result: dict[str, Any]) -> None:
    """Keep the raw results of a benchmark; what is there is complete at any time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = path(name).with_suffix(".unfinished")
    unfinished.write_text(f"{json.dumps(result, indent=1)}\n")
    unfinished.replace(path(name))


def read(name: str) -> dict[str, Any] | None:
    """The raw results of a benchmark; None when it has not run."""
    try:
        result: dict[str, Any] = json.loads(path(name).read_text())
    except FileNotFoundError:
        return None
    return result


def in_turn(names: Iterable[str], number: int) -> list[str]:
    """The order of a round: whoever begins, the others begin another time."""
    names = list(names)
    first = number % len(names)
    return names[first:] + names[:first]


def spread(values: Iterable[float], digits: int = 2) -> str:
    """The least, the median and the greatest of some values, as a cell of a table."""
    values = sorted(values)
    if not values:
        return "-"
    shown = (min(values), statistics.median(values), max(values))
    return " / ".join(f"{value:,.{digits}f}" for value in shown)


def dollars(price: float) -> str:
    """A price with all its digits."""
    return f"{price:.12f}".rstrip("0").rstrip(".")


def counted(number: int, noun: str) -> str:
    """A number of things: 1 version, 1,000 versions."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
