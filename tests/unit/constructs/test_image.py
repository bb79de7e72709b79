"""Image: the resource it makes, and images that exist already."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template

from imgver_constructs import Image, ImageVersion

IMAGE = "AWS::SageMaker::Image"
NAME_RULE = "must be 1 to 63 letters and digits, with single hyphens or dots between them: write it like 'data-science'"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]


def test_every_property(stack: cdk.Stack, only: Only) -> None:
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/puller")

    Image(
        stack,
        "Image",
        image_name="data-science",
        display_name="Data Science",
        description="For everyone.",
        role=role,
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )

    assert only(IMAGE) == {
        "Type": IMAGE,
        "Properties": {
            "ImageName": "data-science",
            "ImageDisplayName": "Data Science",
            "ImageDescription": "For everyone.",
            "ImageRoleArn": "arn:aws:iam::123456789012:role/puller",
        },
        "UpdateReplacePolicy": "Retain",
        "DeletionPolicy": "Retain",
    }


def test_role_is_made(stack: cdk.Stack, only: Only) -> None:
    Image(stack, "Image", image_name="data-science")

    image, role = only(IMAGE), only("AWS::IAM::Role")
    assert image["DeletionPolicy"] == "Delete"
    assert image["Properties"] == {
        "ImageName": "data-science",
        "ImageRoleArn": {"Fn::GetAtt": ["ImageRole1BFBDE6E", "Arn"]},
    }
    assert role["Properties"] == {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "sts:AssumeRole",
                    "Effect": "Allow",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                }
            ],
        },
        "Description": "Pulls the container images of the SageMaker image data-science",
    }


@pytest.mark.parametrize("construct_id", ["Image", "a--b..c", "1", "x" * 200, "é"])
def test_generated_name_is_valid_and_stable(tmp_path: Path, construct_id: str) -> None:
    def name(stack_id: str) -> str:
        stack = cdk.Stack(cdk.App(outdir=str(tmp_path / stack_id)), stack_id, stack_name="team-stack")
        image = Image(stack, construct_id)
        (resource,) = Template.from_stack(stack).find_resources(IMAGE).values()
        assert image._declared_name == resource["Properties"]["ImageName"]
        return image._declared_name

    first = name("First")

    assert re.fullmatch(r"[a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}", first, re.ASCII)
    assert len(first) <= 63
    assert first == name("Second")


def test_generated_names_differ(stack: cdk.Stack) -> None:
    assert Image(stack, "One")._declared_name != Image(stack, "Two")._declared_name


def test_attributes(stack: cdk.Stack) -> None:
    image = Image(stack, "Image", image_name="data-science")

    arn = {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}
    assert stack.resolve(image.image_arn) == arn
    assert stack.resolve(image.image_name) == {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}
    assert image._declared_name == "data-science"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_name": "bad name!"}, f"image_name 'bad name!' {NAME_RULE}"),
        ({"image_name": ""}, f"image_name '' {NAME_RULE}"),
        (
            {"display_name": "x "},
            (
                "display_name 'x ' must be 1 to 128 characters on one line, with no space at either end: "
                "shorten or trim it, or leave it out"
            ),
        ),
        (
            {"description": "x\ny"},
            "description 'x\\ny' must be 1 to 512 characters on one line: shorten it, or leave it out",
        ),
        (
            {"role": "arn:aws:iam::1:role/x"},
            "role 'arn:aws:iam::1:role/x' must be a role: for an arn use iam.Role.from_role_arn(…)",
        ),
        *[
            (
                {"removal_policy": policy},
                (
                    f"removal_policy {policy!r} must be RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE: "
                    "to keep it, use RemovalPolicy.RETAIN"
                ),
            )
            for policy in (cdk.RemovalPolicy.SNAPSHOT, "DESTROY", None)
        ],
    ],
)
def test_refused_before_anything_is_made(
    stack: cdk.Stack, tree: Callable[[], list[str]], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        Image(stack, "Image", **arguments)

    assert str(refusal.value) == message
    assert tree() == ["", "Stack"]


def test_tokens_are_not_inspected(stack: cdk.Stack, only: Only) -> None:
    def parameter(name: str) -> str:
        return cdk.CfnParameter(stack, name).value_as_string

    Image(
        stack,
        "Image",
        image_name=parameter("Name"),
        display_name=f" {parameter('Display')}",
        description=parameter("About"),
    )

    properties = only(IMAGE)["Properties"]
    assert properties["ImageName"] == {"Ref": "Name"}
    assert properties["ImageDisplayName"] == {"Fn::Join": ["", [" ", {"Ref": "Display"}]]}
    assert properties["ImageDescription"] == {"Ref": "About"}


# Images that exist already.


def test_from_image_name(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")

    assert image.image_name == image._declared_name == "data-science"
    assert image.role is None
    assert stack.resolve(image.image_arn) == {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":sagemaker:",
                {"Ref": "AWS::Region"},
                ":",
                {"Ref": "AWS::AccountId"},
                ":image/data-science",
            ],
        ]
    }
    assert tree() == ["", "Stack", "Stack/Image"]


def test_import_is_not_validated(stack: cdk.Stack) -> None:
    assert Image.from_image_name(stack, "Image", "bad name!").image_name == "bad name!"


def test_from_image_arn(stack: cdk.Stack) -> None:
    arn = "arn:aws-cn:sagemaker:cn-north-1:123456789012:image/data-science"

    image = Image.from_image_arn(stack, "Image", arn)

    assert (image.image_name, image.image_arn) == ("data-science", arn)


def test_from_image_arn_of_a_native_image(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN an image that CloudFormation makes in this stack
    native = sagemaker.CfnImage(
        stack, "Native", image_name="data-science", image_role_arn="arn:aws:iam::123456789012:role/x"
    )

    # WHEN
    declare(image=Image.from_image_arn(stack, "Imported", native.attr_image_arn))

    # THEN its name is in what CloudFormation answers, and the version so depends on it
    assert only("Custom::SageMakerImageVersion")["Properties"]["ImageName"] == {
        "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Native", "ImageArn"]}]}]
    }


@pytest.mark.parametrize(
    "arn",
    [
        "data-science",
        "arn:aws:sagemaker:x:123456789012:image-version/x/1",
        "arn:aws:sagemaker:x:123456789012:image/",
        "arn:aws:sagemaker:x:123456789012:image/x/1",
        "foo:image/data-science",
        "arn:aws:ecr:x:123456789012:image/data-science",
        None,
        7,
    ],
)
def test_from_image_arn_refuses_what_names_no_image(stack: cdk.Stack, arn: Any) -> None:
    with pytest.raises(ValueError, match="image_arn") as refusal:
        Image.from_image_arn(stack, "Image", arn)

    assert str(refusal.value) == (
        f"image_arn {arn!r} must be the arn of an image: "
        "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image/data-science'"
    )


def test_image_of_another_stack(app: cdk.App, stack: cdk.Stack, declare: Declare, only: Only) -> None:
    image = Image(cdk.Stack(app, "Platform"), "Image", image_name="data-science")

    declare(image=image)

    assert "Fn::ImportValue" in str(only("Custom::SageMakerImageVersion")["Properties"]["ImageName"])
    assert [dependency.node.path for dependency in stack.dependencies] == ["Platform"]


def test_grant_and_grant_read(stack: cdk.Stack, only: Only) -> None:
    # GIVEN
    image = Image.from_image_name(stack, "Image", "data-science")
    reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    # WHEN
    image.grant(reader, "sagemaker:CreateImageVersion")
    image.grant_read(reader)

    # THEN each action on the resource that SageMaker asks about
    allowed = {
        (action, json.dumps(stack.resolve(resource)).partition(":sagemaker:")[2])
        for statement in only("AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
        for action in [statement["Action"]]
        for action in ([action] if isinstance(action, str) else action)
        for resource in [statement["Resource"]]
    }
    place = '", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}, ":'
    assert allowed == {
        ("sagemaker:CreateImageVersion", f'{place}image/data-science"]]}}'),
        ("sagemaker:DescribeImage", f'{place}image/data-science"]]}}'),
        ("sagemaker:ListImageVersions", f'{place}image/data-science"]]}}'),
        ("sagemaker:ListAliases", f'{place}image/data-science"]]}}'),
        ("sagemaker:DescribeImageVersion", f'{place}image-version/data-science/*"]]}}'),
        ("sagemaker:ListAliases", f'{place}image-version/data-science/*"]]}}'),
    }


def test_second_image_of_a_name_is_refused(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    # GIVEN
    Image(stack, "Image", image_name="data-science")
    before = tree()

    # WHEN / THEN
    with pytest.raises(ValueError, match="image_name") as refusal:
        Image(stack, "Second", image_name="Data-Science")
    assert str(refusal.value) == (
        "image_name 'Data-Science' must be declared once in a stack, but 'Stack/Image' declares it too: "
        "use that image, or another name"
    )
    assert tree() == before


def test_image_of_the_same_name_in_another_stack_is_fine(app: cdk.App, stack: cdk.Stack) -> None:
    Image(stack, "Image", image_name="data-science")
    Image(cdk.Stack(app, "Other"), "Image", image_name="data-science")


def test_grant_read_of_a_name_with_capitals(stack: cdk.Stack, only: Only) -> None:
    # GIVEN
    image = Image.from_image_name(stack, "Image", "Data.Science")

    # WHEN
    image.grant_read(iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")))

    # THEN its versions are named in both spellings
    resources = json.dumps(only("AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"])
    assert ":image-version/Data.Science/*" in resources
    assert ":image-version/data.science/*" in resources
