"""What an image version costs at synth: ours against CloudFormation's own, declared the same, in the same run.

    python benchmarks/synth.py [rounds]

For stacks with 1, 10, 100 and 400 versions (200 with an alias each: a stack may have 500 resources): build time per
version, requests to jsii, and bytes of the template. The ratio is that of the fastest rounds: what else runs on the
machine only ever adds.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

warnings.simplefilter("ignore")

import aws_cdk as cdk  # noqa: E402 (it warns of Node.js when it is imported)
from aws_cdk import aws_sagemaker as sagemaker  # noqa: E402
from aws_cdk.assertions import Template  # noqa: E402
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
LIMIT = 2.0
"""How many times as long as the native version ours may take to build."""

LARGE = 100
"""How many versions make what an image needs once a small part of it."""

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


def native_with_alias(stack: cdk.Stack, count: int) -> None:
    """The same with an alias."""
    for number in range(count):
        sagemaker.CfnImageVersion(
            stack, f"Version{number}", image_name="data-science", base_image=URI, alias=f"v{number}"
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


def ours_with_alias(stack: cdk.Stack, count: int) -> None:
    """The same with an alias, which is a resource of its own."""
    image, base_image = Image.from_image_name(stack, "Image", "data-science"), BaseImage.from_uri(URI)
    for number in range(count):
        ImageVersion(stack, f"Version{number}", image=image, base_image=base_image, aliases=[f"v{number}"])


@dataclass(frozen=True)
class Cost:
    """What one stack took to build."""

    milliseconds: float
    requests: int
    template_bytes: int


def measured(declare: Declare, count: int) -> Cost:
    """Build a stack with ``count`` versions; the function that ours share is made before the clock starts."""
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
    if declare in (ours, ours_with_alias):
        ImageVersionProvider.get_or_create(stack)
    before = _Requests.count
    began = time.perf_counter()
    declare(stack, count)
    milliseconds = (time.perf_counter() - began) * 1000
    requests = _Requests.count - before
    template = Template.from_stack(stack).to_json()
    return Cost(milliseconds, requests, len(json.dumps(template, separators=(",", ":"))))


class _Requests:
    """Counts what is sent to jsii's process."""

    count = 0
    _send = process._NodeProcess.send

    @classmethod
    def install(cls) -> None:
        def send(self: process._NodeProcess, *arguments: object) -> object:
            cls.count += 1
            return cls._send(self, *arguments)

        process._NodeProcess.send = send


def main() -> int:
    """Print the tables; fails when ours takes longer than the limit."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    _Requests.install()
    measured(native, 10)
    measured(ours, 10)
    worst = 0.0
    for title, counts, one, other in (
        ("a version", (1, 10, 100, 400), native, ours),
        ("a version with an alias", (1, 10, 100, 200), native_with_alias, ours_with_alias),
    ):
        print(f"\n{title}: CfnImageVersion | ImageVersion, {rounds} rounds in turn")  # noqa: T201
        print("   N   ms each, median (min-max)                     ratio   jsii each    bytes each")  # noqa: T201
        for count in counts:
            pairs = [(measured(one, count), measured(other, count)) for _ in range(rounds)]
            sides = [[pair[side] for pair in pairs] for side in (0, 1)]
            times = [[cost.milliseconds / count for cost in side] for side in sides]
            ratio = min(times[1]) / min(times[0])
            shown = " | ".join(f"{statistics.median(t):5.2f} ({min(t):5.2f}-{max(t):5.2f})" for t in times)
            requests = " | ".join(f"{side[0].requests / count:4.1f}" for side in sides)
            size = " | ".join(f"{side[0].template_bytes / count:6.0f}" for side in sides)
            print(f"{count:4d}   {shown:45s}  {ratio:5.2f}   {requests}   {size}")  # noqa: T201
            if one is native and count >= LARGE:
                worst = max(worst, ratio)
    print(f"\nfrom {LARGE} versions on: {worst:.2f} times the native one; the limit is {LIMIT}")  # noqa: T201
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
