"""What the library says about wrong declarations, as JSON: each in a stack of its own, with a wrong type or value.

Run by a test in a Python that leaves out what is asserted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_logs as logs
from uses import URI, wrong_uses

from imgver_constructs import (
    BaseImage,
    Image,
    ImageAlias,
    ImageRetention,
    ImageVersion,
    ImageVersionProvider,
    StudioApp,
)


def refusals(folder: Path, outdir: Path) -> dict[str, str]:
    """The message of every refusal, by what was declared.

    Args:
        folder: one with a Dockerfile.
        outdir: where what is not refused before is synthesized.
    """
    stack = cdk.Stack(cdk.App(outdir=str(outdir), analytics_reporting=False), "Stack")
    messages = {
        f"{what} {keyword}": _refusal(use)
        for what, by_keyword in wrong_uses(stack, folder).items()
        for keyword, use in by_keyword.items()
    }
    for what, declare in _wrong_values().items():
        messages[what] = _refusal(lambda declare=declare, what=what: declare(cdk.Stack(cdk.App(), what)))
    return messages


def _refusal(declare: Callable[[], object]) -> str:
    try:
        declare()
    except ValueError as refusal:
        return str(refusal)
    except Exception as error:  # noqa: BLE001 (what an import makes of a wrong type)
        return type(error).__name__
    return "not refused"


def _wrong_values() -> dict[str, Callable[[cdk.Stack], object]]:
    def image(stack: cdk.Stack) -> Image:
        return Image(stack, "Image", image_name="data-science")

    def version(stack: cdk.Stack, construct_id: str = "Version", aliases: tuple[str, ...] = ()) -> ImageVersion:
        of = stack.node.try_find_child("Image") or image(stack)
        return ImageVersion(stack, construct_id, image=of, base_image=BaseImage.from_uri(URI), aliases=aliases)

    def repository(stack: cdk.Stack) -> ecr.IRepository:
        return ecr.Repository.from_repository_name(stack, "Repository", "data-science")

    def elsewhere(stack: cdk.Stack) -> cdk.Stack:
        return cdk.Stack(stack.node.root, "Elsewhere", env=cdk.Environment(region="us-east-1"))

    return {
        "Name": lambda stack: Image(stack, "Image", image_name="a--b"),
        "Twice": lambda stack: (image(stack), Image(stack, "Other", image_name="Data-Science")),
        "Arn": lambda stack: Image.from_image_arn(stack, "Image", "data-science"),
        "VersionArn": lambda stack: ImageVersion.from_image_version_arn(stack, "Version", "data-science/7"),
        "Framework": lambda stack: ImageVersion(
            stack, "Version", image=image(stack), base_image=BaseImage.from_uri(URI), ml_framework="PyTorch"
        ),
        "Aliases": lambda stack: version(stack, aliases=("a", "a")),
        "AliasTwice": lambda stack: (version(stack, aliases=("a",)), version(stack, "Other", ("a",))),
        "AliasElsewhere": lambda stack: ImageAlias(elsewhere(stack), "A", alias_name="a", version=version(stack)),
        "Keep": lambda stack: ImageRetention(stack, "Retention", image=image(stack), keep=0),
        "RetentionTwice": lambda stack: [
            ImageRetention(stack, f"Retention{keep}", image=Image.from_image_name(stack, f"I{keep}", "x"), keep=keep)
            for keep in (1, 2)
        ],
        "Address": lambda _: BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        "TagAndDigest": lambda stack: BaseImage.from_ecr_repository(repository(stack), tag="a", digest="sha256:"),
        "Directory": lambda _: BaseImage.from_asset("no/such/folder"),
        "User": lambda _: StudioApp.kernel_gateway(kernel_name="python3", default_uid=1, default_gid=1),
        "Arguments": lambda _: StudioApp.jupyter_lab(container_arguments=["x"] * 51),
        "Memory": lambda stack: ImageVersionProvider(stack, "Provider", memory_size=64),
        "Timeout": lambda stack: ImageVersionProvider(stack, "Provider", timeout=cdk.Duration.seconds(5)),
        "Subnets": lambda stack: ImageVersionProvider(stack, "Provider", security_groups=[]),
        "Logs": lambda stack: ImageVersionProvider(
            stack, "Provider", log_group=logs.LogGroup(stack, "Logs"), log_retention=logs.RetentionDays.ONE_DAY
        ),
        "TooLate": lambda stack: (version(stack), ImageVersionProvider(stack, "Provider")),
        "Unpermitted": lambda stack: ImageVersion(
            stack,
            "Version",
            image=image(stack),
            base_image=BaseImage.from_uri(URI),
            provider=ImageVersionProvider(stack, "Provider", permitted_images=["team-*"]),
        ),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(refusals(Path(sys.argv[1]), Path(sys.argv[2]))))
