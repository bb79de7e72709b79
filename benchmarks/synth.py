"""The cost of an image version at synth: this library, CfnImageVersion and a plain CustomResource, in the same run.

    python benchmarks/synth.py [--rounds N]

Each version has one alias. Whole apps with 1, 10, 100 and 400 versions are synthesized in turn, each in a process of
its own, as the CDK CLI runs them. Then stacks with 100 versions are built and synthesized in one process. Times are
processor times of Python and of jsii's Node.js. Ratios compare the fastest rounds, because other load on the machine
only adds time.
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
from synth_apps import custom_resource, native, ours  # noqa: E402

APPS: dict[str, ModuleType] = {"CfnImageVersion": native, "CustomResource": custom_resource, "ImageVersion": ours}
COUNTS = (1, 10, 100, 400)
IN_STACK = 100
LIMITS = {"app": 1.2, "build and synth": 2.5, "bytes of template": 4.0}
"""The accepted ratios of this library to CfnImageVersion: of an app with one version, and of a version in a stack."""


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


def stack_cost(app_module: ModuleType) -> dict[str, float]:
    """Milliseconds to build and synthesize a stack, and the bytes of its template, by the number of its versions."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(analytics_reporting=False, outdir=folder)
        stack = cdk.Stack(app, "Stack")
        gc.collect()
        began = processor_seconds()
        app_module.declare(stack, IN_STACK)
        app.synth()
        ended = processor_seconds()
        template = json.loads((Path(folder) / "Stack.template.json").read_text())
    size = len(json.dumps(template["Resources"], separators=(",", ":")))
    return {"build and synth": 1000 * (ended - began) / IN_STACK, "bytes of template": size / IN_STACK}


def app_seconds(app_module: ModuleType, count: int) -> float:
    """The processor time of an app in a new process, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "synth_apps", app_module.__name__, str(count), folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=Path(__file__).parent, check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(*, rounds: int = 5) -> dict[str, Any]:
    """Measure whole apps, then stacks."""
    apps: dict[str, dict[int, list[float]]] = {name: {count: [] for count in COUNTS} for name in APPS}
    stacks: dict[str, list[dict[str, float]]] = {name: [] for name in APPS}
    for app_module in APPS.values():
        app_seconds(app_module, 1)  # writes the bytecode
    for number in range(rounds):
        for name in results.in_turn(APPS, number):
            for count in COUNTS:
                apps[name][count].append(app_seconds(APPS[name], count))
    for app_module in APPS.values():
        stack_cost(app_module)  # the first stack of a process costs more
    for number in range(2 * rounds):
        for name in results.in_turn(APPS, number):
            stacks[name].append(stack_cost(APPS[name]))
    return {
        "apps": {name: [results.spread(apps[name][count]) for count in COUNTS] for name in APPS},
        "in stack": {name: {figure: min(one[figure] for one in of) for figure in of[0]} for name, of in stacks.items()},
    }


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """The ratios of this library to CfnImageVersion: of an app with one version, and of a version in a stack."""
    theirs, ours = (result["apps"][name][0][0] for name in ("CfnImageVersion", "ImageVersion"))
    less, more = (result["in stack"][name] for name in ("CfnImageVersion", "ImageVersion"))
    return {"app": ours / theirs, **{figure: more[figure] / less[figure] for figure in more}}


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    found = ratios(result)
    apps = [[count, *(results.cell(result["apps"][name][row]) for name in APPS)] for row, count in enumerate(COUNTS)]
    in_stack = [
        [figure, *(f"{result['in stack'][name][figure]:,.2f}" for name in APPS), f"{found[figure]:.2f}", LIMITS[figure]]
        for figure in result["in stack"]["ImageVersion"]
    ]
    return {
        "apps": results.table(["versions", *APPS], apps),
        "ratio": results.table(
            ["ratio to CfnImageVersion, app with 1 version", "accepted"], [[f"{found['app']:.2f}", LIMITS["app"]]]
        ),
        "in-stack": results.table(["", *APPS, "ratio", "accepted"], in_stack),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of the apps; stacks have twice as many (default: 5)"
    )
    measured = measure(rounds=parser.parse_args().rounds)
    results.finish("synth", measured, tables)
    sys.exit(any(ratio > LIMITS[figure] for figure, ratio in ratios(measured).items()))
