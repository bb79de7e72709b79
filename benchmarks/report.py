"""Fill the tables of docs/performance.md from the results of the benchmarks.

    python benchmarks/report.py

Every benchmark leaves its result in build/bench/NAME.json. This program moves the results to benchmarks/recorded/ and
replaces each table of the page that follows a comment such as `<!-- table: scale.capacity -->`.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
from typing import Any

import results

BENCHMARKS = ("start", "synth", "cold_start", "polling", "deploy", "scale")
PAGE = results.ROOT / "docs" / "performance.md"


def recorded() -> dict[str, dict[str, Any]]:
    """The recorded results, by benchmark."""
    paths = {name: results.RECORDED / f"{name}.json" for name in BENCHMARKS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def tables(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """All tables of the page, by name."""
    measured = {name: result.pop("measured") for name, result in found.items()}
    rows = [[f"`benchmarks/{name}.py`", *of.values()] for name, of in measured.items()]
    all_tables = {"measured": results.table(["", *next(iter(measured.values()))], rows)}
    for name, result in found.items():
        for title, table in importlib.import_module(name).tables(result).items():
            all_tables[f"{name}.{title}"] = table
    return all_tables


def filled(page: str, all_tables: dict[str, str]) -> str:
    """The page with its tables replaced."""
    return re.sub(
        r"<!-- table: (\S+) -->\n\n(?:\|.*\n)*",
        lambda match: f"<!-- table: {match[1]} -->\n\n{all_tables.get(match[1], '| not measured |')}\n",
        page,
    )


if __name__ == "__main__":
    results.RECORDED.mkdir(exist_ok=True)
    for path in results.FOLDER.glob("*.json"):
        shutil.move(path, results.RECORDED / path.name)
    PAGE.write_text(filled(PAGE.read_text(), tables(recorded())))
