"""Image: the resource that it creates, and imported images."""

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
VERSION = "Custom::SageMakerImageVersion"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]


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


def test_default_role_and_attributes(stack: cdk.Stack, only: Only) -> None:
    image = Image(stack, "Image", image_name="data-science")

    resource, role = only(IMAGE), only("AWS::IAM::Role")
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["Properties"] == {
        "ImageName": "data-science",
        "ImageRoleArn": {"Fn::GetAtt": ["ImageRole1BFBDE6E", "Arn"]},
    }
    assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"] == [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    ]
    assert role["Properties"]["Description"] == "Pulls the container images of the SageMaker image data-science"
    arn = {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}
    assert stack.resolve(image.image_arn) == stack.resolve(image.image_ref.image_arn) == arn
    assert stack.resolve(image.image_name) == {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}


@pytest.mark.parametrize("construct_id", ["Image", "a--b..c", "1", "x" * 200, "é"])
def test_generated_name_is_valid_stable_and_unique(tmp_path: Path, construct_id: str) -> None:
    def names(stack_id: str) -> list[str]:
        stack = cdk.Stack(cdk.App(outdir=str(tmp_path / stack_id)), stack_id, stack_name="team-stack")
        Image(stack, construct_id)
        Image(stack, f"{construct_id}2")
        images = Template.from_stack(stack).find_resources(IMAGE).values()
        return [image["Properties"]["ImageName"] for image in images]

    first = names("First")

    assert all(re.fullmatch(r"(?=.{1,63}$)[a-zA-Z0-9]([-.]?[a-zA-Z0-9])*", name, re.ASCII) for name in first)
    assert len(set(first)) == 2
    assert first == names("Second")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_name": "bad name!"}, "image_name 'bad name!' must be 1 to 63 letters and digits, with single"),
        ({"image_name": ""}, "image_name '' must be 1 to 63 letters and digits"),
        ({"display_name": "A|B"}, "display_name 'A|B' must be 1 to 128 unaccented letters, digits, spaces and "),
        ({"display_name": 7}, "display_name 7 must be a string: write it in quotes, and a token as cdk.Token.as_str"),
        ({"description": "x\ny"}, "description 'x\\ny' must be 1 to 512 characters on one line"),
        ({"role": "arn:x"}, "role 'arn:x' must be a role: for an ARN use iam.Role.from_role_arn(…)"),
        ({"removal_policy": cdk.RemovalPolicy.SNAPSHOT}, "removal_policy <RemovalPolicy.SNAPSHOT: 'SNAPSHOT'> must be"),
        ({"removal_policy": "DESTROY"}, "removal_policy 'DESTROY' must be RemovalPolicy.DESTROY, RETAIN or RETAIN_ON"),
        ({"removal_policy": None}, "removal_policy None must be RemovalPolicy.DESTROY"),
    ],
)
def test_refused(stack: cdk.Stack, refused: Refused, arguments: dict[str, Any], message: str) -> None:
    assert refused(lambda: Image(stack, "Image", **arguments)).startswith(message)


# Imported images.


def test_from_image_name(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")

    assert image.image_name == "data-science"
    assert image.role is None
    place = [":sagemaker:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    assert stack.resolve(image.image_arn) == {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, *place, ":image/data-science"]]
    }
    assert tree() == ["", "Stack", "Stack/Image"]


def test_from_image_arn(stack: cdk.Stack) -> None:
    arn = "arn:aws-cn:sagemaker:cn-north-1:123456789012:image/data-science"

    image = Image.from_image_arn(stack, "Image", arn)

    assert (image.image_name, image.image_arn) == ("data-science", arn)


def test_a_version_depends_on_a_native_image_by_its_arn(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    role_arn = "arn:aws:iam::123456789012:role/x"
    native = sagemaker.CfnImage(stack, "Native", image_name="data-science", image_role_arn=role_arn)

    declare(image=Image.from_image_arn(stack, "Imported", native.attr_image_arn))

    assert only(VERSION)["Properties"]["ImageName"] == {
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
def test_an_arn_that_is_not_of_an_image_is_refused(stack: cdk.Stack, refused: Refused, arn: Any) -> None:
    assert refused(lambda: Image.from_image_arn(stack, "Image", arn)) == (
        f"image_arn {arn!r} must be the ARN of an image: "
        "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image/data-science'"
    )


def test_grant_and_grant_read(stack: cdk.Stack, only: Only) -> None:
    # SageMaker may authorize the versions of an image with capitals in its name in either case.
    image = Image.from_image_name(stack, "Image", "Data.Science")
    reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    image.grant(reader, "sagemaker:CreateImageVersion")
    image.grant_read(reader)

    allowed = {
        (action, arn)
        for statement in only("AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        for arn in re.findall(r":(image[^\"]+)", json.dumps(statement["Resource"]))
    }
    of_versions = ("image-version/Data.Science/*", "image-version/data.science/*")
    assert allowed == {
        ("sagemaker:CreateImageVersion", "image/Data.Science"),
        ("sagemaker:DescribeImage", "image/Data.Science"),
        ("sagemaker:ListImageVersions", "image/Data.Science"),
        ("sagemaker:ListAliases", "image/Data.Science"),
        *(("sagemaker:DescribeImageVersion", arn) for arn in of_versions),
        *(("sagemaker:ListAliases", arn) for arn in of_versions),
    }
