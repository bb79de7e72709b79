"""ImageVersion.from_…: imported versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from imgver_constructs import Image, ImageVersion

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"

Only = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]


def test_by_arn(stack: cdk.Stack) -> None:
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    assert version.image_version_arn == ARN
    assert (version.image_version_number, version.image_version_number_as_string) == (7, "7")
    assert version.image_arn == "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
    assert stack.resolve(version.image.image_name) == "data-science"
    assert version.provider is None
    assert (version.env.account, version.env.region) == ("123456789012", "eu-west-1")
    assert version.image_version_ref.image_version_arn == ARN


def test_by_an_arn_that_is_a_token(stack: cdk.Stack) -> None:
    version = ImageVersion.from_image_version_arn(stack, "Version", cdk.Fn.import_value("VersionArn"))

    def part(index: int) -> dict[str, Any]:
        return {"Fn::Select": [index, {"Fn::Split": ["/", {"Fn::ImportValue": "VersionArn"}]}]}

    assert stack.resolve(version.image_version_arn) == {"Fn::ImportValue": "VersionArn"}
    for number in (version.image_version_number, version.image_version_number_as_string):
        assert stack.resolve(number) == part(2)
    assert stack.resolve(version.image.image_name) == part(1)


@pytest.mark.parametrize("arn", [ARN.rpartition("/")[0], f"{ARN}x", ARN.replace("-version", ""), "", None])
def test_an_arn_that_is_not_of_a_version_is_refused(stack: cdk.Stack, refused: Refused, arn: Any) -> None:
    assert refused(lambda: ImageVersion.from_image_version_arn(stack, "Version", arn)).endswith(
        " must be the ARN of an image version: "
        "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1'"
    )


def test_by_attributes(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Placed", env=cdk.Environment(account="123456789012", region="eu-west-1"))
    image = Image.from_image_name(stack, "Image", "Data-Science")

    version = ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=7)

    assert version.image is image
    assert version.image_version_number == 7
    assert stack.resolve(version.image_version_arn)["Fn::Join"][1][-1] == (
        ":sagemaker:eu-west-1:123456789012:image-version/data-science/7"
    )


def test_by_attributes_that_are_tokens(stack: cdk.Stack) -> None:
    image = Image.from_image_name(stack, "Image", cdk.Fn.ref("Name"))
    number: Any = cdk.Token.as_number(cdk.Fn.ref("Number"))

    version = ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=number)

    assert stack.resolve(version.image_version_number) == {"Ref": "Number"}
    assert stack.resolve(version.image_version_arn)["Fn::Join"][1][-4:] == [
        ":image-version/",
        {"Ref": "Name"},
        "/",
        {"Ref": "Number"},
    ]


@pytest.mark.parametrize("version", [0, "7", None, True])
def test_a_version_that_is_not_a_positive_integer_is_refused(stack: cdk.Stack, refused: Refused, version: Any) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")

    assert refused(
        lambda: ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=version)
    ).startswith(f"version {version!r} must be a whole number of at least 1: give")


def test_the_l1_constructs_accept_images_and_versions(stack: cdk.Stack) -> None:
    image = Image.from_image_arn(stack, "Image", "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science")
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    assert cdk.aws_sagemaker.CfnImage.arn_for_image(image) == image.image_arn
    assert cdk.aws_sagemaker.CfnImageVersion.arn_for_image_version(version) == ARN


def test_grant_and_grant_read(stack: cdk.Stack, only: Only) -> None:
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)
    reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    assert version.grant(reader, "sagemaker:UpdateImageVersion").success
    version.grant_read(reader)

    # SageMaker authorizes ListAliases of a version on the version and on its image.
    assert only("AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"] == [
        {"Action": "sagemaker:UpdateImageVersion", "Effect": "Allow", "Resource": ARN},
        {"Action": ["sagemaker:DescribeImageVersion", "sagemaker:ListAliases"], "Effect": "Allow", "Resource": ARN},
        {"Action": "sagemaker:ListAliases", "Effect": "Allow", "Resource": version.image_arn},
    ]
