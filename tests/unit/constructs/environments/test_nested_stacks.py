"""Nested stacks: each has a provider of its own, and shares values by parameters and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk.assertions import Template

from imgver_constructs import BaseImage, Image, ImageAlias, ImageVersion, ImageVersionProvider, ImageVersionRetention
from imgver_constructs._validation.rules import IMAGE_NAME

VERSION = "Custom::SageMakerImageVersion"
ALIAS = "Custom::SageMakerImageAlias"
NESTED = "AWS::CloudFormation::Stack"
FUNCTION = "AWS::Lambda::Function"
IMAGE_ARN = {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}

Stacks = dict[str, cdk.Stack]
ResourcesOf = Callable[..., dict[str, Any]]
OnlyOf = Callable[[cdk.Stack, str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]

PLACES = {
    "Flat": "Flat",
    "Whole/Nested": "Whole/Nested",
    "Above": "Above/Nested",
    "Below/Nested": "Below",
    "Beside/Nested": "Beside/Other",
    "Deep": "Deep/Nested/Nested",
}
"""The paths of the stacks with an image, and of the stacks with its version, alias and retention."""


@pytest.fixture(scope="module")
def stacks(new_app: Callable[..., cdk.App]) -> Stacks:
    """All stacks by path."""
    app = new_app()
    stacks: Stacks = {}

    def stack_at(path: str) -> cdk.Stack:
        if path not in stacks:
            parent, _, name = path.rpartition("/")
            stacks[path] = cdk.NestedStack(stack_at(parent), name) if parent else cdk.Stack(app, name)
        return stacks[path]

    for image_path, version_path in PLACES.items():
        image = Image(stack_at(image_path), "Image", image_name="data-science")
        # The repository is in the stack of the image, whose role gets permission to pull from it.
        repository = ecr.Repository(stack_at(image_path), "Repository")
        base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
        stack = stack_at(version_path)
        version = ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"])
        ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)
    # The outermost stack uses the version of the innermost stack.
    cdk.CfnOutput(stacks["Deep"], "Arn", value=version.image_version_arn)
    cdk.CfnOutput(stacks["Deep"], "Number", value=version.image_version_number_as_string)
    return stacks


def image_arn_in(version: dict[str, Any]) -> Any:
    """The ARN that a version's ImageName is taken from."""
    position, split = version["Properties"]["ImageName"]["Fn::Select"]
    assert (position, split["Fn::Split"][0]) == (1, "/")
    return split["Fn::Split"][1]


@pytest.mark.parametrize("path", PLACES.values())
def test_the_provider_is_in_the_stack_of_the_version(
    stacks: Stacks, resources_of: ResourcesOf, only_of: OnlyOf, waits_for: WaitsFor, path: str
) -> None:
    version, (function,) = only_of(stacks[path], VERSION), resources_of(stacks[path], FUNCTION)
    assert version["Properties"]["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}
    # No other stack of the family has a function.
    family = [other for other in stacks if other.partition("/")[0] == path.partition("/")[0]]
    assert [other for other in family if resources_of(stacks[other], FUNCTION)] == [path]
    # CloudFormation deletes the version before its permissions.
    (policy,) = (name for name in resources_of(stacks[path], "AWS::IAM::Policy") if "ProviderImage" in name)
    assert policy in waits_for(version)


def test_logical_ids_are_those_of_a_stack_that_is_not_nested(stacks: Stacks, resources_of: ResourcesOf) -> None:
    flat = resources_of(stacks["Flat"])

    assert resources_of(stacks["Whole/Nested"]).keys() == flat.keys()
    assert [found["Type"] for found in resources_of(stacks["Whole"]).values()] == [NESTED]
    assert Template.from_stack(stacks["Whole/Nested"]).to_json().keys() == {"Resources"}
    for image_path, version_path in PLACES.items():
        together = {**resources_of(stacks[image_path]), **resources_of(stacks[version_path])}
        assert together.keys() >= flat.keys(), version_path


def test_image_above_its_version(stacks: Stacks, only_of: OnlyOf) -> None:
    nested = only_of(stacks["Above"], NESTED)

    # The ARN of the image is a parameter.
    parameter = image_arn_in(only_of(stacks["Above/Nested"], VERSION))["Ref"]
    assert nested["Properties"]["Parameters"][parameter] == IMAGE_ARN
    assert Template.from_stack(stacks["Above/Nested"]).to_json()["Parameters"][parameter] == {"Type": "String"}
    # The image's role can pull as long as the nested stack exists.
    assert {"Image9D742C96", "ImageRoleDefaultPolicyA10B2E65"} <= set(nested["DependsOn"])


def test_image_below_its_version(
    stacks: Stacks, only_of: OnlyOf, resources_of: ResourcesOf, waits_for: WaitsFor
) -> None:
    version, alias = only_of(stacks["Below"], VERSION), only_of(stacks["Below"], ALIAS)
    (nested,) = resources_of(stacks["Below"], NESTED)

    # The ARN of the image is an output of the nested stack, which CloudFormation deletes after the version.
    source, output = image_arn_in(version)["Fn::GetAtt"]
    assert source == nested
    assert output.removeprefix("Outputs.") in Template.from_stack(stacks["Below/Nested"]).to_json()["Outputs"]
    assert nested in waits_for(version)
    assert nested in waits_for(alias)


def test_image_in_a_nested_stack_beside_that_of_its_version(
    stacks: Stacks, only_of: OnlyOf, resources_of: ResourcesOf
) -> None:
    resources = resources_of(stacks["Beside"])
    first, second = resources_of(stacks["Beside"], NESTED)

    # The output of the first nested stack is a parameter of the second.
    parameter = image_arn_in(only_of(stacks["Beside/Other"], VERSION))["Ref"]
    source, output = resources[second]["Properties"]["Parameters"][parameter]["Fn::GetAtt"]
    assert (source, output.endswith("ImageArn")) == (first, True)
    assert resources[second]["DependsOn"] == [first]


def test_two_levels_of_nested_stacks(stacks: Stacks, only_of: OnlyOf, resources_of: ResourcesOf) -> None:
    # The ARN of the image is passed down by parameters.
    parameter = image_arn_in(only_of(stacks["Deep/Nested/Nested"], VERSION))["Ref"]
    inner = only_of(stacks["Deep/Nested"], NESTED)["Properties"]["Parameters"][parameter]
    outer = only_of(stacks["Deep"], NESTED)["Properties"]["Parameters"][inner["Ref"]]
    assert outer == IMAGE_ARN

    # The ARN and the number of the version are passed up by outputs.
    outputs = Template.from_stack(stacks["Deep"]).to_json()["Outputs"]
    assert outputs["Arn"]["Value"]["Fn::GetAtt"][1].endswith("ImageVersionArn")
    assert outputs["Number"]["Value"]["Fn::GetAtt"][1].endswith("Version")
    innermost = Template.from_stack(stacks["Deep/Nested/Nested"]).to_json()["Outputs"].values()
    (version,) = resources_of(stacks["Deep/Nested/Nested"], VERSION)
    assert sorted(output["Value"]["Fn::GetAtt"] for output in innermost) == [
        [version, "ImageVersionArn"],
        [version, "Version"],
    ]


def test_the_name_of_an_image_with_a_long_path_is_valid(app: cdk.App, only_of: OnlyOf) -> None:
    nested = cdk.NestedStack(cdk.NestedStack(cdk.Stack(app, "P" * 128), "Nested"), "N" * 64)

    Image(nested, "Image")

    name = only_of(nested, "AWS::SageMaker::Image")["Properties"]["ImageName"]
    assert IMAGE_NAME.accepts(name)
    assert name.endswith("Image-DB1D8788")


REMEDY = "declare both in one stack, since the provider of a stack handles the constructs of that stack only"


def test_constructs_of_another_stack_are_refused(stack: cdk.Stack) -> None:
    # GIVEN a version in a nested stack, and a provider in its parent
    nested, provider = cdk.NestedStack(stack, "Nested"), ImageVersionProvider(stack, "Provider")
    image = Image.from_image_name(stack, "Image", "data-science")
    base_image = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")
    version = ImageVersion(nested, "Version", image=image, base_image=base_image)

    for declare, message in (
        (
            lambda: ImageAlias(stack, "Stable", alias_name="stable", version=version),
            f"version 'Stack/Nested/Version' must be in stack 'Stack' of the alias: {REMEDY}",
        ),
        (
            lambda: ImageVersionRetention(stack, "Retention", image=image, max_version_count=1, versions=[version]),
            f"version 'Stack/Nested/Version' must be in stack 'Stack' of the retention: {REMEDY}",
        ),
        (
            lambda: ImageVersionRetention(nested, "Retention", image=image, max_version_count=1, provider=provider),
            "provider 'Stack/Provider' must be in stack 'Stack/Nested': create one there, or leave it out",
        ),
    ):
        with pytest.raises(ValueError, match="must be in stack") as refusal:
            declare()
        assert str(refusal.value).partition(": ")[2] == message

    # In the nested stack they are accepted.
    ImageAlias(nested, "Stable", alias_name="stable", version=version)
    ImageVersionRetention(nested, "Retention", image=image, max_version_count=1, versions=[version])
