"""Every error of a construct begins with its path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionMonitoring,
    ImageVersionProvider,
    ImageVersionRetention,
)

WRONG: Any = "wrong value"
BASE_IMAGE = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")

DECLARATIONS: dict[str, Callable[[cdk.Stack, ImageVersion], object]] = {
    "Image": lambda stack, _: Image(stack, "New", image_name=WRONG),
    "image by name": lambda stack, _: Image.from_image_name(stack, "New", 1),  # type: ignore[arg-type]
    "image by ARN": lambda stack, _: Image.from_image_arn(stack, "New", WRONG),
    "ImageVersion": lambda stack, version: ImageVersion(stack, "New", image=version.image, base_image=WRONG),
    "version by ARN": lambda stack, _: ImageVersion.from_image_version_arn(stack, "New", WRONG),
    "version by attributes": lambda stack, version: ImageVersion.from_image_version_attributes(
        stack, "New", image=version.image, version=0
    ),
    "ImageAlias": lambda stack, version: ImageAlias(stack, "New", alias_name=WRONG, version=version),
    "ImageVersionRetention": lambda stack, version: ImageVersionRetention(
        stack, "New", image=version.image, max_version_count=0
    ),
    "AppImageConfig": lambda stack, _: AppImageConfig(stack, "New", app=WRONG),
    "AppImageConfig by name": lambda stack, _: AppImageConfig.from_app_image_config_name(stack, "New", 1),  # type: ignore[arg-type]
    "ImageVersionProvider": lambda stack, _: ImageVersionProvider(stack, "New", memory_size=1),
    "ImageVersionMonitoring": lambda stack, _: ImageVersionMonitoring(stack, "New", dashboard=WRONG),
    "keywords": lambda stack, _: Image(scope=stack, construct_id="New", image_name=WRONG),
}
METHODS: dict[str, Callable[[ImageVersion, cdk.Stack], object]] = {
    "add_alias": lambda version, _: version.add_alias(cdk.Aws.REGION),
    "custom_image": lambda version, _: version.custom_image(app_image_config=WRONG),
    "grant": lambda version, _: version.grant(WRONG, "sagemaker:DescribeImageVersion"),
    "grant_read": lambda version, _: version.grant_read(WRONG),
    "on_state_change": lambda version, other: version.on_state_change("Rule", cross_stack_scope=other),
}


@pytest.mark.parametrize("declare", DECLARATIONS.values(), ids=DECLARATIONS)
def test_the_path_of_a_declaration(
    stack: cdk.Stack, declare: Callable[[cdk.Stack, ImageVersion], object], declared: ImageVersion
) -> None:
    with pytest.raises(ValueError, match=r"^Stack/New: [a-z_]+ (?!.*Stack/New: )"):
        declare(stack, declared)


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_the_path_of_a_method(app: cdk.App, call: Callable[..., object], declared: ImageVersion) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Version: [a-z_]+ (?!.*Stack/Version: )"):
        call(declared, cdk.Stack(app, "Other"))


@pytest.fixture
def declared(stack: cdk.Stack) -> ImageVersion:
    image = Image.from_image_name(stack, "Image", "data-science")
    return ImageVersion(stack, "Version", image=image, base_image=BASE_IMAGE)


def test_the_twelfth_of_thirty_versions(stack: cdk.Stack, declared: ImageVersion) -> None:
    def declare_thirty() -> None:
        for number in range(1, 31):
            notes = "x" * (256 if number == 12 else number)
            ImageVersion(stack, f"Of/{number}", image=declared.image, base_image=BASE_IMAGE, release_notes=notes)

    with pytest.raises(ValueError, match=r"^Stack/Of--12: release_notes 'x+… \(256 characters\) must be "):
        declare_thirty()


def test_a_construct_in_a_construct_names_one_path(declared: ImageVersion) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Version/Alias--x: alias_name '-x' must be "):
        declared.add_alias("-x")
