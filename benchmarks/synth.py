"""What an image version costs at synth: ours, CloudFormation's own and a bare custom resource, in the same run.

    python benchmarks/synth.py [--rounds N]

Stacks with 1, 10, 100 and 400 versions (200 with an alias each: a stack may have 500 resources). What ours share, the
function with its role and log group, is counted apart, and so is what the first version of an image makes: its policy.
The rest is one version's: the time that a version more takes, by the stacks of 100 and more. Times are the processor's,
in Python and in jsii's Node.js, which wait for one another; ratios are those of the fastest rounds: what else runs on
the machine only ever adds.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import aws_cdk as cdk  # noqa: E402 (it warns of Node.js when it is imported)
import results  # noqa: E402
from aws_cdk import aws_sagemaker as sagemaker  # noqa: E402
from jsii._kernel.providers import process  # noqa: E402

from imgver_constructs import (  # noqa: E402
    BaseImage,
    Image,
    ImageVersion,
    ImageVersionProvider,
    JobType,
    Processor,
    VendorGuidance,
)

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
COMMAND = "python benchmarks/synth.py"

LIMITS = {"build": 2.0, "build_and_synth": 1.5, "bytes": 2.0}
"""How many times the native version ours may take, for one version more."""

Declare = Callable[[cdk.Stack, int], None]


def native(stack: cdk.Stack, count: int) -> None:
    """``CfnImageVersion`` with what users declare most."""
    for number in range(count):
        sagemaker.CfnImageVersion(
            stack,
            f"Version{number}",
            image_name="data-science",
            base_image=URI,
            job_type="NOTEBOOK_KERNEL",
            processor="GPU",
            ml_framework="PyTorch 2.5",
            programming_lang="Python 3.12",
            release_notes="First release",
            vendor_guidance="STABLE",
        )


def custom_resource(stack: cdk.Stack, count: int) -> None:
    """The same properties as a custom resource of somebody's own function."""
    for number in range(count):
        cdk.CustomResource(
            stack,
            f"Version{number}",
            service_token="arn:aws:lambda:eu-west-1:123456789012:function:handler",  # noqa: S106 (an ARN)
            resource_type="Custom::ImageVersion",
            properties={
                "ImageName": "data-science",
                "BaseImage": URI,
                "JobType": "NOTEBOOK_KERNEL",
                "Processor": "GPU",
                "MLFramework": "PyTorch 2.5",
                "ProgrammingLang": "Python 3.12",
                "ReleaseNotes": "First release",
                "VendorGuidance": "STABLE",
            },
        )


def ours(stack: cdk.Stack, count: int) -> None:
    """``ImageVersion``, declared as the native one."""
    image, base_image = Image.from_image_name(stack, "Image", "data-science"), BaseImage.from_uri(URI)
    for number in range(count):
        ImageVersion(
            stack,
            f"Version{number}",
            image=image,
            base_image=base_image,
            job_type=JobType.NOTEBOOK_KERNEL,
            processor=Processor.GPU,
            ml_framework="PyTorch 2.5",
            programming_lang="Python 3.12",
            release_notes="First release",
            vendor_guidance=VendorGuidance.STABLE,
        )


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


CASES: dict[str, tuple[tuple[int, ...], dict[str, Declare]]] = {
    "a version": (
        (1, 10, 100, 400),
        {"CfnImageVersion": native, "CustomResource": custom_resource, "ImageVersion": ours},
    ),
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


def measure(*, rounds: int = 11) -> dict[str, Any]:
    """The costs of every case, by how many versions there are and by what declares them: one item a round."""
    Requests.install()
    with_function = (ours, ours_with_alias)
    warm: tuple[Declare, ...] = (native, custom_resource, ours)
    for declare in warm:
        cost(declare, 100, function_first=declare in with_function)
    cases: dict[str, Any] = {}
    for title, (counts, peers) in CASES.items():
        cases[title] = {str(count): {name: [] for name in peers} for count in counts}
        for number in range(rounds):
            for count in counts:
                # Node.js clears up after the one before.
                for name in results.in_turn(peers, number):
                    peer = peers[name]
                    cases[title][str(count)][name].append(cost(peer, count, function_first=peer in with_function))
    return {"rounds": rounds, "cases": cases, "provider": _provider()}


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


def section(result: dict[str, Any]) -> str:
    """The part of the report about this."""
    lines = [
        "## Synth",
        "",
        f"`{COMMAND}`, {result['rounds']} rounds in turn: milliseconds of the processor for each version of a stack,",
        "least / median / most. What ours share, the function, is built before the clock starts and synthesized with",
        "the rest.",
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
    conclusion = (
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
    return int(any(found[what] > limit for what, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
