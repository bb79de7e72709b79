"""Tokens and values: the CDK decides, and a value that cannot be a token needs no call."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any, cast

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionProvider,
    StudioApp,
)
from imgver_constructs._validation.tokens import is_known, is_token
from imgver_constructs.enums import JobType

VALUES = [
    "",
    "latest",
    "${Token[",
    "${Token[]}",
    "${Token[Ä]}",
    "$ {Token[TOKEN.1]}",
    "#{Token[TOKEN.1]}",
    "${AWS::Region}",
    0,
    7,
    -1,
    True,
    2.5,
    -1.8e289,
    -2e289,
    1.8881545897087626e289,
    -(10**400),
    10**400,
    [],
    ["x"],
    [7],
    ["${Token[TOKEN.1]}"],
    ["#{Token[TOKEN.1]}", "x"],
    ("#{Token[TOKEN.1]}",),
    JobType.TRAINING,
    cdk.RemovalPolicy.DESTROY,
    {},
    Ellipsis,
]


A_STRING = "a string: write it in quotes, and a token as cdk.Token.as_string(…)"
A_NUMBER = "a number: write it without quotes, and a token as cdk.Token.as_number(…)"


@jsii.implements(cdk.IStableStringProducer)
class Later:
    def produce(self) -> str:
        return "x"


@pytest.mark.parametrize(
    "create_token",
    [
        lambda _: cdk.Fn.get_att("Resource", "Arn").to_string(),
        lambda _: f"arn:{cdk.Aws.PARTITION}:s3:::bucket",
        lambda _: cdk.Lazy.string(Later()),
        lambda stack: cdk.CfnParameter(stack, "P", type="Number").value_as_number,
        lambda stack: int(cdk.CfnParameter(stack, "P", type="Number").value_as_number),
        lambda stack: cdk.CfnParameter(stack, "P", type="CommaDelimitedList").value_as_list,
        lambda _: cdk.Fn.get_att("Resource", "Arn"),
    ],
    ids=["string", "part of a string", "lazy string", "float", "int", "list", "object"],
)
def test_tokens(stack: cdk.Stack, create_token: Callable[[cdk.Stack], Any]) -> None:
    token = create_token(stack)

    assert is_token(token)
    assert not is_known(token)
    assert cdk.Token.is_unresolved(token)


def test_a_number_that_python_wrote_into_a_string_is_a_token(stack: cdk.Stack) -> None:
    number = cdk.CfnParameter(stack, "P", type="Number").value_as_number

    assert is_token(f"v{number}")
    assert stack.resolve(f"v{number}") == {"Fn::Join": ["", ["v", {"Ref": "P"}]]}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values(value: Any) -> None:
    assert not is_token(value)
    assert is_known(value)


def test_none_is_neither_known_nor_a_token() -> None:
    assert not is_token(None)
    assert not is_known(None)


def test_usual_values_need_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cdk.Token, "is_unresolved")

    assert [is_token(value) for value in ("x", "${AWS::Region}", 7, 2.5, ["x"], None)] == [False] * 6


def test_a_stack_is_not_a_token(stack: cdk.Stack) -> None:
    # The CDK mistakes it for one.
    assert cdk.Token.is_unresolved(stack)
    assert not is_token(stack)


STRINGS: dict[str, Callable[[cdk.Stack, Any], object]] = {
    "image_name": lambda stack, value: Image(stack, "It", image_name=value),
    "display_name": lambda stack, value: Image(stack, "It", display_name=value),
    "description": lambda stack, value: Image(stack, "It", description=value),
    "image_name of an import": lambda stack, value: Image.from_image_name(stack, "It", value),
    "image_arn": lambda stack, value: Image.from_image_arn(stack, "It", value),
    "image_version_arn": lambda stack, value: ImageVersion.from_image_version_arn(stack, "It", value),
    "tag": lambda stack, value: BaseImage.from_ecr_repository(repository(stack), tag=value),
    "digest": lambda stack, value: BaseImage.from_ecr_repository(repository(stack), digest=value),
    "app_image_config_name": lambda stack, value: AppImageConfig(
        stack, "It", app=StudioApp.jupyter_lab(), app_image_config_name=value
    ),
    "app_image_config_name of an import": lambda stack, value: AppImageConfig.from_app_image_config_name(
        stack, "It", value
    ),
    "kernel_name": lambda _, value: StudioApp.kernel_gateway(kernel_name=value),
    "kernel_display_name": lambda _, value: StudioApp.kernel_gateway(kernel_name="x", kernel_display_name=value),
    "mount_path": lambda _, value: StudioApp.kernel_gateway(kernel_name="x", mount_path=value),
    "container_entrypoint": lambda _, value: StudioApp.jupyter_lab(container_entrypoint=value),
    "container_arguments": lambda _, value: StudioApp.jupyter_lab(container_arguments=[value]),
    "container_environment_variables['x']": lambda _, value: StudioApp.jupyter_lab(
        container_environment_variables={"x": value}
    ),
}
NUMBERS: dict[str, Callable[[cdk.Stack, Any], object]] = {
    "version": lambda stack, value: ImageVersion.from_image_version_attributes(
        stack, "It", image=cast("Image", stack.node.find_child("Image")), version=value
    ),
    "memory_size": lambda stack, value: ImageVersionProvider(stack, "It", memory_size=value),
    "default_uid": lambda _, value: StudioApp.kernel_gateway(kernel_name="x", default_uid=value),
    "default_gid": lambda _, value: StudioApp.kernel_gateway(kernel_name="x", default_gid=value),
}


def repository(stack: cdk.Stack) -> Any:
    return stack.node.find_child("Repository")


@pytest.mark.parametrize(
    ("what", "declare", "rule"),
    [
        *((what, declare, A_STRING) for what, declare in STRINGS.items()),
        *((what, declare, A_NUMBER) for what, declare in NUMBERS.items()),
    ],
)
def test_a_token_of_another_type_is_refused(
    stack: cdk.Stack,
    refused: Callable[[Callable[[], object]], str],
    what: str,
    declare: Callable[[cdk.Stack, Any], object],
    rule: str,
) -> None:
    ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    Image.from_image_name(stack, "Image", "data-science")

    for token in (cdk.Fn.get_att("Resource", "Arn"), cdk.Token.as_list(cdk.Fn.get_att("Resource", "Arns"))):
        message = refused(lambda token=token: declare(stack, token))  # type: ignore[misc]
        parameter = what.removesuffix(" of an import")
        assert re.fullmatch(rf"{re.escape(parameter)} .+ must be {re.escape(rule)}", message)


class Names(str, Enum):  # noqa: UP042 (an f-string writes the value of a StrEnum, and the name of these)
    """Names of an app."""

    IMAGE = "data-science"
    PATTERN = "data-*"
    TAG = "1.0.0"
    ALIAS = "latest"


def test_string_enums_are_written_as_their_values() -> None:
    def template(string: Callable[[Names], str]) -> dict[str, Any]:
        stack = cdk.Stack(cdk.App(), "Stack")
        base_image = BaseImage.from_ecr_repository(
            ecr.Repository.from_repository_name(stack, "Repository", "data-science"), tag=string(Names.TAG)
        )
        provider = ImageVersionProvider(stack, "Provider", permitted_images=[string(Names.PATTERN)])
        image = Image(stack, "Image", image_name=string(Names.IMAGE))
        imported = Image.from_image_name(stack, "Imported", string(Names.IMAGE))
        version = ImageVersion(stack, "Version", image=image, base_image=base_image, provider=provider)
        ImageVersion(stack, "Other", image=imported, base_image=base_image, provider=provider)
        ImageAlias(version, "Alias", alias_name=string(Names.ALIAS), version=version)
        for each in (image, imported):
            each.grant_read(iam.Role.from_role_name(stack, f"{each.node.id}Role", "some"))
        return dict(Template.from_stack(stack).to_json())

    assert template(lambda name: name) == template(lambda name: name.value)
