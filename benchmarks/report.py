"""The performance report: docs/performance.md and its figures, from what the benchmarks have measured.

    python benchmarks/report.py [--complete]

Every benchmark leaves its measurements in build/bench/<name>.json, and writes its own section of the report. A section
whose benchmark has not run is named as missing; with --complete that is a failure.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import plots
import results
from imgver_sandbox.runtime import cdk_cli

SECTIONS = ("synth", "cold_start", "polling", "deploy", "scale")
"""The benchmarks, in the order of their sections."""

DOCUMENT = results.ROOT / "docs" / "performance.md"

_PACKAGES = ("aws-cdk-lib", "boto3", "ministack")


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cdk = json.loads((Path(cdk_cli.__file__).parent / "cdk" / "package.json").read_text())
    return {
        "processor cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "load average of the last 15 minutes": f"{os.getloadavg()[2]:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{package: metadata.version(package) for package in _PACKAGES},
        "CDK CLI": cdk["dependencies"]["aws-cdk"],
        "this library": tomllib.loads((results.ROOT / "pyproject.toml").read_text())["project"]["version"],
    }


def report(found: dict[str, dict[str, Any]], described: dict[str, str]) -> str:
    """The document."""
    missing = [name for name in SECTIONS if name not in found]
    parts = [
        "# Performance",
        (
            "`make bench` makes all of this again: it runs every benchmark and writes this page, figures included. "
            "Each section names the one command that makes it: run it in the clone, with `.venv/bin` first in the "
            "path. Seconds are those of one machine; what follows from them is said in ratios, between what was "
            "measured in turn in the same run."
        ),
        results.table(["", "measured on"], [[name, value] for name, value in described.items()]),
    ]
    if missing:
        parts.append(f"**Missing, since these have not run:** {', '.join(f'`{name}`' for name in missing)}.")
    parts += [importlib.import_module(name).section(found[name]).strip() for name in SECTIONS if name in found]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the page and its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--complete", action="store_true", help="fail when a section is missing")
    options = parser.parse_args()
    found = {name: result for name in SECTIONS if (result := results.read(name)) is not None}
    figures = plots.draw(found, DOCUMENT.parent / DOCUMENT.stem)
    DOCUMENT.write_text(report(found, machine()))
    print(f"{DOCUMENT.relative_to(results.ROOT)} and {len(figures)} figures")
    missing = [name for name in SECTIONS if name not in found]
    if missing:
        print(f"missing: {', '.join(missing)}: run benchmarks/<name>.py", file=sys.stderr)
    return 1 if missing and options.complete else 0


if __name__ == "__main__":
    sys.exit(main())
