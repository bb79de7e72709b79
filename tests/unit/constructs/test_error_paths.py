"""Every error of a construct begins with its path. test_keywords.py tests the constructors and ``from_…`` methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr

from imgver_constructs import AppImageConfig, BaseImage, ImageVersion, StudioApp

WRONG: Any = "wrong value"
ADDRESS = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"

# The construct that uses an object without a scope raises the object's errors.
BASE_IMAGES: dict[str, Callable[[ecr.IRepository], BaseImage]] = {
    "from_uri": lambda _: BaseImage.from_uri(f"{ADDRESS}:-"),
    "from_ecr_repository": lambda repository: BaseImage.from_ecr_repository(repository, tag="-"),
    "from_asset": lambda _: BaseImage.from_asset("nowhere"),
}
APPS: dict[str, Callable[[], StudioApp]] = {
    "jupyter_lab": lambda: StudioApp.jupyter_lab(container_arguments=WRONG),
    "code_editor": lambda: StudioApp.code_editor(container_arguments=WRONG),
    "kernel_gateway": lambda: StudioApp.kernel_gateway(kernel_name=""),
}
METHODS: dict[str, Callable[[ImageVersion, cdk.Stack], object]] = {
    "add_alias": lambda version, _: version.add_alias(cdk.Aws.REGION),
    "custom_image": lambda version, _: version.custom_image(app_image_config=WRONG),
    "grant": lambda version, _: version.grant(WRONG, "sagemaker:DescribeImageVersion"),
    "grant_read": lambda version, _: version.grant_read(WRONG),
    "on_state_change": lambda version, other: version.on_state_change("Rule", cross_stack_scope=other),
}


@pytest.fixture
def declared(declare: Callable[..., ImageVersion]) -> ImageVersion:
    return declare()


@pytest.mark.parametrize("create", BASE_IMAGES.values(), ids=BASE_IMAGES)
def test_the_path_of_the_version_of_a_base_image(
    stack: cdk.Stack, declared: ImageVersion, create: Callable[[ecr.IRepository], BaseImage]
) -> None:
    base_image = create(ecr.Repository.from_repository_name(stack, "Repository", "data-science"))

    with pytest.raises(ValueError, match=r"^Stack/Of--12: [a-z_]+ (?!.*Stack/Of--12: ).* must "):
        ImageVersion(stack, "Of/12", image=declared.image, base_image=base_image)


@pytest.mark.parametrize("create", APPS.values(), ids=APPS)
def test_the_path_of_the_app_image_config_of_an_application(stack: cdk.Stack, create: Callable[[], StudioApp]) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Of--12: [a-z_]+ (?!.*Stack/Of--12: ).* must "):
        AppImageConfig(stack, "Of/12", app=create())


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_the_path_of_a_method(app: cdk.App, call: Callable[..., object], declared: ImageVersion) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Version: [a-z_]+ (?!.*Stack/Version: )"):
        call(declared, cdk.Stack(app, "Other"))


def test_an_id_that_is_not_a_string(stack: cdk.Stack, declared: ImageVersion) -> None:
    number: Any = 5
    with pytest.raises(TypeError, match="argument id must be str"):
        ImageVersion(stack, number, image=declared.image, base_image=BaseImage.from_uri(ADDRESS))


def test_a_construct_in_a_construct_names_one_path(declared: ImageVersion) -> None:
    with pytest.raises(ValueError, match=r"^Stack/Version/Alias--x: alias_name '-x' must be "):
        declared.add_alias("-x")
