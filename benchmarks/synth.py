"""What an image version costs at synth: ours, CloudFormation's own and a bare custom resource, in the same run.

    python benchmarks/synth.py [--rounds N]

Stacks with 1, 10, 100 and 400 versions (200 with an alias each: a stack may have 500 resources). First whole apps, as
the CDK CLI runs them: each in a process of its own, from its start to the cloud assembly. Then what a version more
takes, by the stacks of 100 and more, in one process, which has done it before. What ours share, the function with its
role and log group, is counted apart there, and so is what the first version of an image makes: its policy. Times are
the processor's, in Python and in jsii's Node.js, which wait for one another; ratios are those of the fastest rounds:
what else runs on the machine only ever adds.
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
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

warnings.simplefilter("ignore")

import aws_cdk as cdk  # noqa: E402 (it warns of Node.js when it is imported)
import results  # noqa: E402
from aws_cdk import aws_sagemaker as sagemaker  # noqa: E402
from jsii._kernel.providers import process  # noqa: E402
from synth_apps import URI, custom_resource, native, ours  # noqa: E402

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionProvider  # noqa: E402

COMMAND = "python benchmarks/synth.py"

LIMITS = {"build": 2.0, "build_and_synth": 1.5, "bytes": 2.0}
"""How many times the native version ours may take, for one version more."""
APP_LIMIT = 1.5
"""How many times an app with native versions one with ours may take."""

Declare = Callable[[cdk.Stack, int], None]


def native_with_alias(stack: cdk.Stack, count: int) -> None:
    """The native version with an alias, which is a property of it."""
    for number in range(count):
        sagemaker.CfnImageVersion(
            stack, f"Version{number}", image_name="data-science", base_image=URI, alias=f"v{number}"
        )


def ours_with_alias(stack: cdk.Stack, count: int) -> None:
    """Ours with an alias, which is a resource of its own."""
    image, base_image = Image.from_image_name(stack, "Image", "data-science"), BaseImage.from_uri(URI)
    for number in range(count):
        ImageVersion(stack, f"Version{number}", image=image, base_image=base_image, aliases=[f"v{number}"])


APPS = {"CfnImageVersion": native, "CustomResource": custom_resource, "ImageVersion": ours}
COUNTS = (1, 10, 100, 400)

CASES: dict[str, tuple[tuple[int, ...], dict[str, Declare]]] = {
    "a version": (COUNTS, {name: app.declare for name, app in APPS.items()}),
    "a version with an alias": (
        (1, 10, 100, 200),
        {"CfnImageVersion": native_with_alias, "ImageVersion": ours_with_alias},
    ),
}


class Requests:
    """Counts what is sent to jsii's process."""

    count = 0
    _send = process._NodeProcess.send

    @classmethod
    def install(cls) -> None:
        """Count from now on."""

        def send(self: process._NodeProcess, *arguments: Any) -> Any:  # noqa: ANN401 (jsii's types are private)
            cls.count += 1
            return cls._send(self, *arguments)

        process._NodeProcess.send = send  # type: ignore[method-assign, assignment]


def processor_seconds() -> float:
    """What Python and the processes below it, jsii's, have used of the processor so far."""
    seconds = time.process_time()
    for process_id in _below(os.getpid()):
        for thread in Path(f"/proc/{process_id}/task").iterdir():
            seconds += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def _below(parent: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return children + [one for child in children for one in _below(child)]


def cost(declare: Declare, count: int, *, function_first: bool = False) -> dict[str, float]:
    """What one stack takes.

    Args:
        declare: what declares its versions.
        count: how many.
        function_first: whether what ours share is made before the clock starts; it is synthesized with the rest.
    """
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(analytics_reporting=False, outdir=folder)
        stack = cdk.Stack(app, "Stack")
        if function_first:
            ImageVersionProvider.get_or_create(stack)
        gc.collect()
        before = Requests.count
        began = processor_seconds()
        declare(stack, count)
        built = processor_seconds()
        requests = Requests.count - before
        app.synth()
        synthesized = processor_seconds()
        template = json.loads((Path(folder) / "Stack.template.json").read_text())
    return {
        "build": (built - began) * 1000,
        "build_and_synth": (synthesized - began) * 1000,
        "requests": requests,
        "bytes": len(json.dumps(template["Resources"], separators=(",", ":"))),
    }


def whole(app: ModuleType, count: int) -> float:
    """Seconds of the processor that an app takes by itself."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "synth_apps", app.__name__, str(count), folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # On stderr Node.js says how old it is.
        subprocess.run(command, cwd=Path(__file__).parent, check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(*, rounds: int = 11, app_rounds: int = 5) -> dict[str, Any]:
    """The costs of every case, by how many versions there are and by what declares them: one item a round."""
    apps: dict[str, Any] = {str(count): {name: [] for name in APPS} for count in COUNTS}
    for number in range(app_rounds):
        for count in COUNTS:
            for name in results.in_turn(APPS, number):
                apps[str(count)][name].append(whole(APPS[name], count))
    Requests.install()
    with_function = (ours.declare, ours_with_alias)
    for app in APPS.values():
        cost(app.declare, 100, function_first=app.declare in with_function)
    cases: dict[str, Any] = {}
    for title, (counts, peers) in CASES.items():
        cases[title] = {str(count): {name: [] for name in peers} for count in counts}
        for number in range(rounds):
            for count in counts:
                # Node.js clears up after the one before.
                for name in results.in_turn(peers, number):
                    peer = peers[name]
                    cases[title][str(count)][name].append(cost(peer, count, function_first=peer in with_function))
    return {"rounds": rounds, "app_rounds": app_rounds, "apps": apps, "cases": cases, "provider": _provider()}


def _provider() -> dict[str, int]:
    """Requests for the first provider of a stack, and for being given it again."""
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
    counts = [Requests.count]
    for _ in range(2):
        ImageVersionProvider.get_or_create(stack)
        counts.append(Requests.count)
    return {"first": counts[1] - counts[0], "again": counts[2] - counts[1]}


def for_one_more(case: dict[str, Any], name: str, what: str) -> float:
    """What one version more takes: by the least of the largest stack and of the smallest of 100 and more."""
    sizes = sorted(int(count) for count in case if int(count) >= 100)  # noqa: PLR2004
    least = [min(one[what] for one in case[str(size)][name]) for size in (sizes[0], sizes[-1])]
    return float(least[1] - least[0]) / (sizes[-1] - sizes[0])


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """For one version more: ours over the native one."""
    case = result["cases"]["a version"]
    return {
        what: for_one_more(case, "ImageVersion", what) / for_one_more(case, "CfnImageVersion", what) for what in LIMITS
    }


def app_ratios(result: dict[str, Any]) -> dict[str, float]:
    """For whole apps: ours over the native one, by how many versions there are."""
    return {
        count: min(seconds["ImageVersion"]) / min(seconds["CfnImageVersion"])
        for count, seconds in result["apps"].items()
    }


def section(result: dict[str, Any]) -> str:
    """The part of the report about this."""
    by_app = app_ratios(result)
    lines = [
        "## Synth",
        "",
        f"`{COMMAND}`, everything in turn: time of the processor, least / median / most.",
        "",
        "### An app",
        "",
        f"Seconds, as the CDK CLI runs it: a process of its own, {result['app_rounds']} times. Most of it is the CDK's",
        "check of the template, whose rules it reads first.",
        "",
        results.table(
            ["versions", *APPS, "ours by native"],
            (
                [count, *(results.spread(seconds[name]) for name in APPS), f"{by_app[count]:.2f}"]
                for count, seconds in result["apps"].items()
            ),
        ),
        "",
        f"Below: milliseconds for each version of a stack, {result['rounds']} rounds in one process. What ours share,",
        "the function, is built before the clock starts and synthesized with the rest.",
        "",
    ]
    for title, case in result["cases"].items():
        names = list(next(iter(case.values())))
        lines += [
            f"### {title[0].upper()}{title[1:]}",
            "",
            "| versions | declared with | build | build and synth | jsii requests | bytes of template |",
            "|---:|---|---|---|---:|---:|",
        ]
        for count, peers in case.items():
            for name in names:
                build, both = (
                    results.spread(one[what] / int(count) for one in peers[name])
                    for what in ("build", "build_and_synth")
                )
                first = peers[name][0]
                each = f"{first['requests'] / int(count):.1f} | {first['bytes'] / int(count):.0f}"
                lines.append(f"| {count} | {name} | {build} | {both} | {each} |")
        lines.append("")
    found = ratios(result)
    verdicts = {what: "within" if found[what] <= limit else "over" for what, limit in LIMITS.items()}
    most = max(by_app.values())
    conclusion = (
        f"An app with {COUNTS[0]} to {COUNTS[-1]} versions takes {min(by_app.values()):.2f} to {most:.2f} times what "
        f"one with native versions takes ({'within' if most <= APP_LIMIT else 'over'} the limit of {APP_LIMIT:g}). "
        f"One version more takes {found['build']:.2f} times the native one's time to build ({verdicts['build']} the "
        f"limit of {LIMITS['build']:g}), {found['build_and_synth']:.2f} times to build and synthesize "
        f"({verdicts['build_and_synth']} {LIMITS['build_and_synth']:g}), and {found['bytes']:.2f} times the bytes "
        f"({verdicts['bytes']} {LIMITS['bytes']:g}). The first version of a stack also makes the function, its role "
        f"and its log group ({result['provider']['first']} requests to jsii), and the first of an image its policy; "
        f"asking for the stack's provider again takes {result['provider']['again']} requests."
    )
    return "\n".join([*lines, conclusion, ""])


def main() -> int:
    """Print the section and keep the measurements; fails when ours is over a limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11, help="how often each is measured (default: 11)")
    result = measure(rounds=parser.parse_args().rounds)
    results.write("synth", result)
    sys.stdout.write(section(result))
    found = ratios(result)
    over = any(found[what] > limit for what, limit in LIMITS.items())
    return int(over or max(app_ratios(result).values()) > APP_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
