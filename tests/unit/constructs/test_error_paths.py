"""Every error of a construct begins with its path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageAttachment,
    ImageVersion,
    ImageVersionMonitoring,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)

WRONG: Any = "wrong value"
ADDRESS = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"

Declare = Callable[[cdk.Stack, ImageVersion, str, Any], object]
"""Declares a construct with an ID and a value."""


def of(construct: Callable[..., object], keyword: str) -> Declare:
    return lambda stack, _, construct_id, value: construct(stack, construct_id, **{keyword: value})


def of_image(construct: Callable[..., object], keyword: str, **rest: object) -> Declare:
    return lambda stack, version, construct_id, value: construct(
        stack, construct_id, image=version.image, **{keyword: value}, **rest
    )


def with_base_image(create: Callable[[cdk.Stack, Any], BaseImage]) -> Declare:
    return lambda stack, version, construct_id, value: ImageVersion(
        stack, construct_id, image=version.image, base_image=create(stack, value)
    )


def repository_of(stack: cdk.Stack) -> ecr.IRepository:
    found = stack.node.try_find_child("Repository")
    return found or ecr.Repository.from_repository_name(stack, "Repository", "x")  # type: ignore[return-value]


def with_app(create: Callable[..., StudioApp], keyword: str) -> Declare:
    return lambda stack, _, construct_id, value: AppImageConfig(stack, construct_id, app=create(**{keyword: value}))


def attach(stack: cdk.Stack, version: ImageVersion, construct_id: str, domain: str) -> None:
    config = AppImageConfig(stack, f"Config-{construct_id}", app=StudioApp.jupyter_lab())
    ImageAttachment(stack, construct_id, version=version, app_image_config=config, domain=domain)


def retain(stack: cdk.Stack, _: ImageVersion, construct_id: str, count: int) -> None:
    image = Image(stack, f"Image-{construct_id}")
    ImageVersionRetention(stack, construct_id, image=image, max_version_count=count)


def add_alias(stack: cdk.Stack, version: ImageVersion, construct_id: str, first: str) -> None:
    ImageAlias(stack, construct_id, alias_name=first + construct_id.replace("/", "-"), version=version)


DECLARATIONS: dict[str, tuple[Declare, Any, Any]] = {
    "Image": (of(Image, "image_name"), None, WRONG),
    "image by name": (of(Image.from_image_name, "image_name"), "data-science", 1),
    "image by ARN": (of(Image.from_image_arn, "image_arn"), f"{ARN}:image/x", WRONG),
    "ImageVersion": (of_image(ImageVersion, "processor", base_image=BaseImage.from_uri(ADDRESS)), None, WRONG),
    "version by ARN": (of(ImageVersion.from_image_version_arn, "image_version_arn"), f"{ARN}:image-version/x/1", WRONG),
    "version by attributes": (of_image(ImageVersion.from_image_version_attributes, "version"), 1, 0),
    "ImageAlias": (add_alias, "x", "-"),
    "ImageAttachment": (attach, "d-a1b2c3d4e5f6", WRONG),
    "ImageVersionRetention": (retain, 1, 0),
    "AppImageConfig": (of(AppImageConfig, "app"), StudioApp.jupyter_lab(), WRONG),
    "AppImageConfig by name": (of(AppImageConfig.from_app_image_config_name, "app_image_config_name"), "config", 1),
    "ImageVersionProvider": (of(ImageVersionProvider, "memory_size"), 512, 1),
    "ImageVersionMonitoring": (of(ImageVersionMonitoring, "dashboard"), False, WRONG),
    # The objects below have no scope. The construct that uses them raises their errors.
    "BaseImage.from_uri": (with_base_image(lambda _, uri: BaseImage.from_uri(uri)), ADDRESS, f"{ADDRESS}:-"),
    "BaseImage.from_ecr_repository": (
        with_base_image(lambda stack, tag: BaseImage.from_ecr_repository(repository_of(stack), tag=tag)),
        "1",
        "-",
    ),
    "StudioApp.jupyter_lab": (with_app(StudioApp.jupyter_lab, "container_arguments"), [], WRONG),
    "StudioApp.code_editor": (with_app(StudioApp.code_editor, "container_arguments"), [], WRONG),
    "StudioApp.kernel_gateway": (with_app(StudioApp.kernel_gateway, "kernel_name"), "x", ""),
}
METHODS: dict[str, Callable[[ImageVersion, cdk.Stack], object]] = {
    "add_alias": lambda version, _: version.add_alias(cdk.Aws.REGION),
    "custom_image": lambda version, _: version.custom_image(app_image_config=WRONG),
    "grant": lambda version, _: version.grant(WRONG, "sagemaker:DescribeImageVersion"),
    "grant_read": lambda version, _: version.grant_read(WRONG),
    "on_state_change": lambda version, other: version.on_state_change("Rule", cross_stack_scope=other),
}


@pytest.mark.parametrize(("declare", "right", "wrong"), DECLARATIONS.values(), ids=DECLARATIONS)
def test_the_path_of_the_twelfth_of_thirty_declarations(
    stack: cdk.Stack, declared: ImageVersion, declare: Declare, right: object, wrong: object
) -> None:
    def declare_thirty() -> None:
        for number in range(1, 31):
            declare(stack, declared, f"Of/{number}", wrong if number == 12 else right)

    with pytest.raises(ValueError, match=r"^Stack/Of--12: [a-z_]+ (?!.*Stack/Of--12: ).* must "):
        declare_thirty()


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_the_path_of_a_method(app: cdk.App, call: Callable[..., object], declared: ImageVersion) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Version: [a-z_]+ (?!.*Stack/Version: )"):
        call(declared, cdk.Stack(app, "Other"))


def test_the_path_of_the_stack_of_a_default_provider(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=r"^Stack: provider 'wrong value' must be an ImageVersionProvider: "):
        ImageVersionProvider.set_default(stack, WRONG)


@pytest.fixture
def declared(stack: cdk.Stack) -> ImageVersion:
    # A stack whose default provider was generated accepts no other.
    ImageVersionProvider.set_default(stack, ImageVersionProvider(stack, "Provider"))
    image = Image.from_image_name(stack, "Image", "data-science")
    return ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(ADDRESS))


def test_an_id_that_is_not_a_string(stack: cdk.Stack, declared: ImageVersion) -> None:
    number: Any = 5
    with pytest.raises(TypeError, match="argument id must be str"):
        ImageVersion(stack, number, image=declared.image, base_image=BaseImage.from_uri(ADDRESS))


def test_a_construct_in_a_construct_names_one_path(declared: ImageVersion) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Version/Alias--x: alias_name '-x' must be "):
        declared.add_alias("-x")
