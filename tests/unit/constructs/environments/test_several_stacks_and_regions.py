"""Several stacks in one app: in other regions, of one image, and an image in one with its versions in another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from imgver_constructs import BaseImage, Image, ImageAlias, ImageRetention, ImageVersion, ImageVersionProvider

VERSION = "Custom::SageMakerImageVersion"
RETENTION = "Custom::SageMakerImageRetention"
FUNCTION = "AWS::Lambda::Function"
POLICY = "AWS::IAM::Policy"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"

IRELAND = cdk.Environment(account="123456789012", region="eu-west-1")
VIRGINIA = cdk.Environment(account="123456789012", region="us-east-1")
ELSEWHERE = cdk.Environment(account="210987654321", region="eu-west-1")

ResourcesOf = Callable[..., dict[str, Any]]
OnlyOf = Callable[[cdk.Stack, str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]
Declare = Callable[[cdk.Stack], ImageVersion]


def provided_policy(resources: dict[str, Any]) -> str:
    """The logical id of what permits the function to change versions."""
    (found,) = (key for key, resource in resources.items() if resource["Type"] == POLICY and "ProviderImage" in key)
    return str(found)


def arns(policy: dict[str, Any]) -> list[Any]:
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    return [statement["Resource"] for statement in statements]


@pytest.fixture(scope="module")
def regions(new_app: Callable[..., cdk.App], declare_some: Declare) -> list[cdk.Stack]:
    """A stack for each of two regions, and one for any."""
    app = new_app()
    stacks = [cdk.Stack(app, "Ireland", env=IRELAND), cdk.Stack(app, "Virginia", env=VIRGINIA), cdk.Stack(app, "Any")]
    for stack in stacks:
        declare_some(stack)
    return stacks


def test_the_same_image_name_in_several_regions(
    regions: list[cdk.Stack], resources_of: ResourcesOf, only_of: OnlyOf, deployed: Callable[..., Any]
) -> None:
    ireland, virginia, anywhere = map(resources_of, regions)

    # THEN each has all that it needs, under the same logical ids
    assert ireland.keys() == virginia.keys() == anywhere.keys()
    for stack in regions:
        (function,) = resources_of(stack, FUNCTION)
        token = only_of(stack, VERSION)["Properties"]["ServiceToken"]
        assert token == {"Fn::GetAtt": [function, "Arn"]}
        assert stack.dependencies == []

    # THEN the same is permitted in each, of the image that is there
    for stack, region in zip(regions, ("eu-west-1", "us-east-1", "eu-central-1"), strict=True):
        resources = resources_of(stack)
        permitted = deployed(arns(resources[provided_policy(resources)]), region=region)
        assert permitted[:2] == [
            f"arn:aws:sagemaker:{region}:123456789012:image/data-science",
            f"arn:aws:sagemaker:{region}:123456789012:image-version/data-science/*",
        ]


@pytest.fixture(scope="module", params=["strong", "weak"])
def references(request: pytest.FixtureRequest) -> str:
    """How stacks of the app refer to each other."""
    return str(request.param)


@pytest.fixture(scope="module", params=[IRELAND, None], ids=["explicit", "any"])
def parted(
    request: pytest.FixtureRequest, references: str, new_app: Callable[..., cdk.App]
) -> tuple[cdk.Stack, cdk.Stack]:
    """A stack with an image and a repository, and one of the same environment with a version."""
    app = new_app(**{"@aws-cdk/core:defaultCrossStackReferences": references})
    images, versions = (cdk.Stack(app, name, env=request.param) for name in ("Images", "Versions"))
    image, repository = Image(images, "Image", image_name="data-science"), ecr.Repository(images, "Repository")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    ImageVersion(versions, "Version", image=image, base_image=base_image, aliases=["latest"])
    ImageRetention(versions, "Retention", image=image, keep=5)
    if references == "weak":
        # cfn-lint does not know Fn::GetStackOutput, and takes it for no text.
        for resource in versions.node.find_all():
            if isinstance(resource, cdk.CfnResource):
                resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E1017", "E1022"]}})
    return images, versions


def test_an_image_in_one_stack_and_its_version_in_another(
    parted: tuple[cdk.Stack, cdk.Stack],
    references: str,
    resources_of: ResourcesOf,
    only_of: OnlyOf,
    waits_for: WaitsFor,
) -> None:
    images, versions = parted
    resources, version = resources_of(versions), only_of(versions, VERSION)

    # THEN the image's stack is deployed first, and destroyed last
    assert versions.dependencies == [images]
    assert images.dependencies == []

    # THEN the version takes the name of the image from there
    outputs = Template.from_stack(images).to_json()["Outputs"]
    arn = {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}
    (output,) = (key for key, found in outputs.items() if found["Value"] == arn)
    reference = version["Properties"]["ImageName"]["Fn::Select"][1]["Fn::Split"][1]
    if references == "strong":
        assert reference == {"Fn::ImportValue": outputs[output]["Export"]["Name"]}
    else:
        assert reference["Fn::GetStackOutput"]["OutputName"] == output

    # THEN the function and what permits the Delete are in the version's stack, and go after the version
    assert {provided_policy(resources), *resources_of(versions, FUNCTION)} <= waits_for(version)
    assert resources_of(images, FUNCTION) == {}

    # THEN the permission to pull is with the image's role
    assert {"Fn::GetAtt": ["Repository22E53BBD", "Arn"]} in arns(only_of(images, POLICY))


def test_versions_of_one_image_in_two_stacks(app: cdk.App, resources_of: ResourcesOf, only_of: OnlyOf) -> None:
    # GIVEN
    stacks = [cdk.Stack(app, name) for name in ("First", "Second")]
    for stack in stacks:
        image = Image.from_image_name(stack, "Image", "data-science")
        version = ImageVersion(stack, f"Of{stack.node.id}", image=image, base_image=BaseImage.from_uri(URI))
        version.add_alias(stack.node.id.lower())
        ImageRetention(stack, "Retention", image=image, keep=5)

    # THEN each has a function that may change versions of that image
    first, second = map(resources_of, stacks)
    assert provided_policy(first) == provided_policy(second)
    assert first[provided_policy(first)] == second[provided_policy(second)]
    assert len(resources_of(stacks[0], FUNCTION)) == len(resources_of(stacks[1], FUNCTION)) == 1

    # THEN neither waits for the other, and each retention spares those of its own stack only
    for stack in stacks:
        assert stack.dependencies == []
        (version,) = resources_of(stack, VERSION)
        assert only_of(stack, RETENTION)["Properties"]["Versions"] == [{"Fn::GetAtt": [version, "Version"]}]


@pytest.mark.parametrize(
    ("of_image", "of_version"), [(IRELAND, None), (None, IRELAND)], ids=["image explicit", "version explicit"]
)
def test_one_stack_for_an_environment_and_one_for_any(
    app: cdk.App, only_of: OnlyOf, of_image: cdk.Environment | None, of_version: cdk.Environment | None
) -> None:
    # GIVEN stacks that may turn out to be in the same environment
    images, versions = cdk.Stack(app, "Images", env=of_image), cdk.Stack(app, "Versions", env=of_version)
    image = Image(images, "Image", image_name="data-science")

    # WHEN
    ImageVersion(versions, "Version", image=image, base_image=BaseImage.from_uri(URI))

    # THEN CloudFormation could not hand over the name, so it is written out, and the order stays
    assert only_of(versions, VERSION)["Properties"]["ImageName"] == "data-science"
    assert versions.dependencies == [images]


def test_an_image_is_readable_from_another_region(app: cdk.App, only_of: OnlyOf) -> None:
    # GIVEN
    images, readers = cdk.Stack(app, "Images", env=IRELAND), cdk.Stack(app, "Readers", env=VIRGINIA)
    image = Image(images, "Image", image_name="data-science")

    # WHEN
    image.grant_read(iam.Role(readers, "Reader", assumed_by=iam.AccountRootPrincipal()))

    # THEN
    assert [arn["Fn::Join"][1][-1] for arn in arns(only_of(readers, POLICY))] == [
        ":sagemaker:eu-west-1:123456789012:image/data-science",
        ":sagemaker:eu-west-1:123456789012:image-version/data-science/*",
    ]


@pytest.mark.parametrize("image_name", [None, cdk.PhysicalName.GENERATE_IF_NEEDED], ids=["no name", "name if needed"])
def test_an_image_without_a_name_is_readable_from_another_region(
    app: cdk.App, only_of: OnlyOf, image_name: str | None
) -> None:
    # GIVEN
    images, readers = cdk.Stack(app, "Images", env=IRELAND), cdk.Stack(app, "Readers", env=VIRGINIA)
    image = Image(images, "Image", image_name=image_name)

    # WHEN
    image.grant_read(iam.Role(readers, "Reader", assumed_by=iam.AccountRootPrincipal()))

    # THEN
    name = only_of(images, "AWS::SageMaker::Image")["Properties"]["ImageName"]
    assert name.startswith("Images-Image-")
    assert arns(only_of(readers, POLICY))[0]["Fn::Join"][1][-1] == f":sagemaker:eu-west-1:123456789012:image/{name}"


@pytest.mark.parametrize(
    ("env", "remark"),
    [
        (VIRGINIA, "must be in region us-east-1 of stack 'Versions', not in eu-west-1"),
        (ELSEWHERE, "must be in account 210987654321 of stack 'Versions', not in 123456789012"),
    ],
    ids=["region", "account"],
)
@pytest.mark.parametrize(
    "declare",
    [
        lambda stack, image: ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI)),
        lambda stack, image: ImageRetention(stack, "Retention", image=image, keep=5),
    ],
    ids=["version", "retention"],
)
def test_nothing_is_declared_in_another_environment_than_its_image(
    app: cdk.App,
    tree: Callable[[], list[str]],
    env: cdk.Environment,
    remark: str,
    declare: Callable[[cdk.Stack, Image], object],
) -> None:
    # GIVEN
    image = Image(cdk.Stack(app, "Images", env=IRELAND), "Image", image_name="data-science")
    versions = cdk.Stack(app, "Versions", env=env)
    before = tree()

    # THEN
    with pytest.raises(ValueError, match="image") as raised:
        declare(versions, image)
    assert str(raised.value) == f"image 'Images/Image' {remark}: declare the version where the image is"
    assert tree() == before


def test_a_stack_that_the_cdk_made_is_one_stack(app: cdk.App, only_of: OnlyOf) -> None:
    # GIVEN a stack that was not made in Python, which is another object every time it is asked for
    site = cdk.Stack(app, "Site", env=IRELAND)
    cloudfront.experimental.EdgeFunction(
        site,
        "Edge",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_inline("exports.handler = 1"),
    )

    def made() -> cdk.Stack:
        (found,) = [child for child in app.node.children if child.node.id != site.node.id]
        return cdk.Stack.of(found)

    # WHEN
    image = Image.from_image_name(made(), "Image", "data-science")
    version = ImageVersion.from_image_version_attributes(made(), "Version", image=image, version=7)
    ImageAlias(made(), "Stable", alias_name="stable", version=version)

    # THEN
    assert made() is not made()
    with pytest.raises(ValueError, match="alias 'stable' of image 'data-science' must be declared once in a stack"):
        ImageAlias(made(), "Again", alias_name="stable", version=version)
    assert ImageVersionProvider.get_or_create(made()) is ImageVersionProvider.get_or_create(made())
