"""ImageVersion.from_…: versions that exist already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from imgver_constructs import Image, ImageAlias, ImageVersion, ImageVersionProvider

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"

Only = Callable[[str], dict[str, Any]]


def test_by_arn(stack: cdk.Stack) -> None:
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    assert version.image_version_arn == ARN
    assert version.version == 7
    assert version.image_arn == "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
    assert stack.resolve(version.image.image_name) == "data-science"
    assert version.provider is None
    assert (version.env.account, version.env.region) == ("123456789012", "eu-west-1")
    assert version.image_version_ref.image_version_arn == ARN


def test_by_an_arn_that_is_a_token(stack: cdk.Stack) -> None:
    # GIVEN
    arn = cdk.Fn.import_value("VersionArn")

    # WHEN
    version = ImageVersion.from_image_version_arn(stack, "Version", arn)

    # THEN
    def part(index: int) -> dict[str, Any]:
        return {"Fn::Select": [index, {"Fn::Split": ["/", {"Fn::ImportValue": "VersionArn"}]}]}

    assert stack.resolve(version.image_version_arn) == {"Fn::ImportValue": "VersionArn"}
    assert stack.resolve(version.version) == part(2)
    assert stack.resolve(version.image.image_name) == part(1)


@pytest.mark.parametrize("arn", [ARN.rpartition("/")[0], f"{ARN}x", ARN.replace("-version", ""), "", None])
def test_what_is_no_arn_of_a_version_is_refused(stack: cdk.Stack, tree: Callable[[], list[str]], arn: Any) -> None:
    with pytest.raises(ValueError, match="image_version_arn") as refusal:
        ImageVersion.from_image_version_arn(stack, "Version", arn)

    assert str(refusal.value).endswith(
        " must be the arn of an image version: "
        "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1'"
    )
    assert tree() == ["", "Stack"]


def test_by_attributes(app: cdk.App) -> None:
    # GIVEN
    stack = cdk.Stack(app, "Placed", env=cdk.Environment(account="123456789012", region="eu-west-1"))
    image = Image.from_image_name(stack, "Image", "Data-Science")

    # WHEN
    version = ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=7)

    # THEN
    assert version.image is image
    assert version.version == 7
    assert stack.resolve(version.image_version_arn)["Fn::Join"][1][-1] == (
        ":sagemaker:eu-west-1:123456789012:image-version/data-science/7"
    )


def test_by_attributes_that_are_tokens(stack: cdk.Stack) -> None:
    # GIVEN
    image = Image.from_image_name(stack, "Image", cdk.Fn.ref("Name"))
    number = cdk.Token.as_number(cdk.Fn.ref("Number"))

    # WHEN
    version = ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=number)  # type: ignore[arg-type]

    # THEN
    assert stack.resolve(version.version) == {"Ref": "Number"}
    assert stack.resolve(version.image_version_arn)["Fn::Join"][1][-4:] == [
        ":image-version/",
        {"Ref": "Name"},
        "/",
        {"Ref": "Number"},
    ]


def test_attributes_that_are_none_are_refused(stack: cdk.Stack) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")
    for version in (0, "7", None, True):
        with pytest.raises(ValueError, match=rf"^version {version!r} must be a whole number of at least 1: give"):
            ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=version)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^image 'data-science' must be an Image: for one that exists use Image\."):
        ImageVersion.from_image_version_attributes(stack, "Version", image="data-science", version=7)  # type: ignore[arg-type]


def test_an_alias_of_an_imported_version(stack: cdk.Stack, only: Only) -> None:
    # GIVEN
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    # WHEN
    alias = version.add_alias("stable")

    # THEN the stack's own provider moves it
    assert alias.alias_name == "stable"
    properties = only("Custom::SageMakerImageAlias")["Properties"]
    assert (properties["ImageName"], properties["Alias"], properties["Version"]) == ("data-science", "stable", 7)
    assert properties["ServiceToken"]["Fn::GetAtt"][0].startswith("ImageVersionProviderFunction")


def test_an_alias_of_an_imported_version_with_a_provider(stack: cdk.Stack, only: Only) -> None:
    # GIVEN
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)
    provider = ImageVersionProvider(stack, "Mine")

    # WHEN
    ImageAlias(stack, "Alias", alias_name="stable", version=version, provider=provider)

    # THEN
    token = only("Custom::SageMakerImageAlias")["Properties"]["ServiceToken"]
    assert token["Fn::GetAtt"][0].startswith("MineFunction")


def test_an_alias_in_another_stack_is_refused(app: cdk.App, stack: cdk.Stack) -> None:
    # GIVEN
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)
    elsewhere = cdk.Stack(app, "Elsewhere")

    # WHEN / THEN
    with pytest.raises(ValueError, match="version") as refusal:
        ImageAlias(elsewhere, "Alias", alias_name="stable", version=version)
    assert str(refusal.value) == (
        "version 'Stack/Version' must be in stack 'Elsewhere', as the alias is: declare both in one stack, since a "
        "version whose number another stack imports could not be replaced"
    )
    assert [child.node.id for child in elsewhere.node.children] == []


def test_references_fit_what_the_cdk_takes(stack: cdk.Stack) -> None:
    # GIVEN
    image = Image.from_image_arn(stack, "Image", "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science")
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    # WHEN / THEN
    assert cdk.aws_sagemaker.CfnImage.arn_for_image(image) == image.image_arn
    assert cdk.aws_sagemaker.CfnImageVersion.arn_for_image_version(version) == ARN


def statements(only: Only) -> list[dict[str, Any]]:
    return list(only("AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"])


@pytest.fixture
def reader(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


def test_grant(stack: cdk.Stack, reader: iam.Role, only: Only) -> None:
    # GIVEN
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    # WHEN
    grant = version.grant(reader, "sagemaker:UpdateImageVersion", "sagemaker:DescribeImageVersion")

    # THEN
    assert grant.success
    assert statements(only) == [
        {
            "Action": ["sagemaker:UpdateImageVersion", "sagemaker:DescribeImageVersion"],
            "Effect": "Allow",
            "Resource": ARN,
        }
    ]


def test_grant_read(stack: cdk.Stack, reader: iam.Role, only: Only) -> None:
    # GIVEN
    version = ImageVersion.from_image_version_arn(stack, "Version", ARN)

    # WHEN
    version.grant_read(reader)

    # THEN ListAliases is asked for on both
    assert statements(only) == [
        {"Action": ["sagemaker:DescribeImageVersion", "sagemaker:ListAliases"], "Effect": "Allow", "Resource": ARN},
        {"Action": "sagemaker:ListAliases", "Effect": "Allow", "Resource": version.image_arn},
    ]
