"""The cost of an image version with one alias at synth: this library, CfnImageVersion and bare resources, in one run.

    python benchmarks/synth.py [--rounds N]

Whole apps with 1, 10, 100 and 240 versions are synthesized in turn, each in a process of its own, as the CDK CLI runs
them. Then stacks with 20 and 240 versions are built and synthesized in one process, for the cost of one more
version. A stack can have 500 resources, so 240 versions with an alias each are the most that fit.

The bare resources are the two that a version and its alias need, as ``CfnResource`` objects with the same policy,
dependency and logical ID. Their cost is the lower limit for a library that declares these resources.
Times are processor times of Python and of jsii's Node.js. Ratios compare the fastest rounds, because other load on the
machine only adds time.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

warnings.simplefilter("ignore")

import aws_cdk as cdk  # noqa: E402 (the import warns about the version of Node.js)
import results  # noqa: E402
from synth_apps import bare_resources, native, ours  # noqa: E402

APPS: dict[str, ModuleType] = {"CfnImageVersion": native, "bare CfnResources": bare_resources, "ImageVersion": ours}
COUNTS = (1, 10, 100, 240)
FEW, MANY = 20, COUNTS[-1]
LIMITS = {"app": 1.2, "build and synth": 2.5, "bytes of template": 4.0}
"""The accepted ratios of this library to CfnImageVersion: of an app with one version, and of one more version."""


def processor_seconds() -> float:
    """The processor time that this process and its child processes, which are jsii's, have used so far, in seconds."""
    seconds, processes = time.process_time(), [os.getpid()]
    while processes:
        process = processes.pop()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        for child in map(int, children):
            processes.append(child)
            for thread in Path(f"/proc/{child}/task").iterdir():
                seconds += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def stack_cost(app_module: ModuleType, count: int) -> dict[str, float]:
    """Milliseconds to build a stack, to build and synthesize it, and the bytes of its template."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(analytics_reporting=False, outdir=folder)
        stack = cdk.Stack(app, "Stack")
        gc.collect()
        began = processor_seconds()
        app_module.declare(stack, count)
        built = processor_seconds()
        app.synth()
        ended = processor_seconds()
        template = json.loads((Path(folder) / "Stack.template.json").read_text())
    size = len(json.dumps(template["Resources"], separators=(",", ":")))
    return {"build": 1000 * (built - began), "build and synth": 1000 * (ended - began), "bytes of template": size}


def app_seconds(app_module: ModuleType, count: int) -> float:
    """The processor time of an app in a new process, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "synth_apps", app_module.__name__, str(count), folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=Path(__file__).parent, check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(*, rounds: int = 5) -> dict[str, Any]:
    """Measure whole apps, then one more version."""
    apps: dict[str, dict[int, list[float]]] = {name: {count: [] for count in COUNTS} for name in APPS}
    stacks: dict[str, dict[int, list[dict[str, float]]]] = {name: {FEW: [], MANY: []} for name in APPS}
    for app_module in APPS.values():
        app_seconds(app_module, 1)  # writes the bytecode
    for number in range(rounds):
        for name in results.in_turn(APPS, number):
            for count in COUNTS:
                apps[name][count].append(app_seconds(APPS[name], count))
    for app_module in APPS.values():
        stack_cost(app_module, FEW)  # the first stack of a process costs more
    for number in range(2 * rounds):
        for name in results.in_turn(APPS, number):
            for count in (FEW, MANY):
                stacks[name][count].append(stack_cost(APPS[name], count))
    return {
        "apps": {name: [results.spread(apps[name][count]) for count in COUNTS] for name in APPS},
        "one more": {
            name: {
                figure: (min(one[figure] for one in of[MANY]) - min(one[figure] for one in of[FEW])) / (MANY - FEW)
                for figure in of[FEW][0]
            }
            for name, of in stacks.items()
        },
    }


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """The ratios of this library to CfnImageVersion: of an app with one version, and of one more version."""
    theirs, ours = (result["apps"][name] for name in ("CfnImageVersion", "ImageVersion"))
    more, less = (result["one more"][name] for name in ("ImageVersion", "CfnImageVersion"))
    return {"app": ours[0][0] / theirs[0][0], **{figure: more[figure] / less[figure] for figure in more}}


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    found = ratios(result)
    apps = [[count, *(results.cell(result["apps"][name][row]) for name in APPS)] for row, count in enumerate(COUNTS)]
    more = [
        [
            figure,
            *(f"{result['one more'][name][figure]:,.2f}" for name in APPS),
            f"{found[figure]:.2f}",
            LIMITS.get(figure, "-"),
        ]
        for figure in result["one more"]["ImageVersion"]
    ]
    last = ["ratio", "accepted"]
    return {
        "apps": results.table(["versions", *APPS], apps),
        "ratio": results.table(
            ["ratio to CfnImageVersion, one version", "accepted"], [[f"{found['app']:.2f}", LIMITS["app"]]]
        ),
        "one-more": results.table(["", *APPS, *last], more),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of the apps; stacks have twice as many (default: 5)"
    )
    measured = measure(rounds=parser.parse_args().rounds)
    results.finish("synth", measured, tables)
    sys.exit(any(ratios(measured)[figure] > limit for figure, limit in LIMITS.items()))
