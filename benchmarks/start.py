"""The seconds from a clone to a first result, for an earlier commit and this one in turn.

    python benchmarks/start.py [--targets demo test test-fast] [--rounds 3] [--earlier 59453b3] [--later HEAD]

Each round clones each commit to an empty folder, with a space in its name, and gives it empty caches: of pip, uv, npm
and the sandbox. `make demo` runs twice, because the first one installs. Only committed changes are measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import results

EARLIER, LATER = "59453b3", "HEAD"
TARGETS = ("demo", "test", "test-fast")
LATER_ONLY = {"test-fast"}
"""Targets that the earlier commit does not have."""

CACHES = {
    "PIP_CACHE_DIR": "pip",
    "UV_CACHE_DIR": "uv",
    "UV_PYTHON_INSTALL_DIR": "uv-python",
    "UV_TOOL_DIR": "uv-tools",
    "XDG_BIN_HOME": "bin",
    "XDG_CACHE_HOME": "cache",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "npm_config_cache": "npm",
}
"""The environment variables that move every cache below the clone's folder."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS, help="make targets (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--earlier", default=EARLIER, help=f"the commit to compare with (default: {EARLIER})")
    parser.add_argument("--later", default=LATER, help=f"the commit to measure (default: {LATER})")
    options = parser.parse_args()
    result = measure({"earlier": options.earlier, "later": options.later}, options.targets, options.rounds)
    results.finish("start", result, tables)


def measure(commits: dict[str, str], targets: Collection[str], rounds: int) -> dict[str, Any]:
    """The seconds of each command in each round, for both commits."""
    resolved = {side: _git("rev-parse", "--short=7", f"{commit}^{{commit}}") for side, commit in commits.items()}
    seconds: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds):
        for side in results.in_turn(resolved, number):
            for command, taken in _clone_and_run(resolved[side], side, targets):
                seconds.setdefault(command, {"earlier": [], "later": []})[side].append(round(taken, 1))
                print(f"round {number + 1}, {resolved[side]}, {command}: {taken:.1f} s", file=sys.stderr)
    return {"commits": resolved, "seconds": seconds}


def _clone_and_run(commit: str, side: str, targets: Collection[str]) -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory(prefix="a clone ", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        clone = folder / "imgver constructs"
        subprocess.run(["git", "clone", "--quiet", str(results.ROOT), str(clone)], check=True)
        subprocess.run(["git", "checkout", "--quiet", commit], cwd=clone, check=True)
        environment = os.environ | {key: str(folder / cache) for key, cache in CACHES.items()}
        for key in ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "PYTHONPATH"):
            environment.pop(key, None)
        commands = {"first make demo": "demo", "second make demo": "demo"}
        commands |= {
            f"make {target}": target
            for target in ("test", "test-fast")
            if target in targets and not (side == "earlier" and target in LATER_ONLY)
        }
        for title, target in commands.items():
            began = time.monotonic()
            done = subprocess.run(
                ["make", target],
                cwd=clone,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            taken = time.monotonic() - began
            if done.returncode:
                raise RuntimeError(f"make {target} of commit {commit} failed:\n{done.stdout[-4000:]}")
            yield title, taken


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=results.ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    head = ["seconds", *(f"commit {commit}" for commit in result["commits"].values()), "ratio of the medians"]
    rows = []
    for command, sides in result["seconds"].items():
        shown = [results.cell(results.spread(values), 1) if values else "-" for values in sides.values()]
        earlier, later = sides["earlier"], sides["later"]
        ratio = f"{statistics.median(later) / statistics.median(earlier):.2f}" if earlier and later else "-"
        rows.append([command, *shown, ratio])
    return {"seconds": results.table(head, rows)}


if __name__ == "__main__":
    main()
