"""Nested stacks: each has a provider of its own, and what it shares with others goes by parameters and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageBase,
    ImageRetention,
    ImageVersion,
    ImageVersionProvider,
    StudioApp,
)
from imgver_constructs._validation.rules import IMAGE_NAME

VERSION = "Custom::SageMakerImageVersion"
ALIAS = "Custom::SageMakerImageAlias"
NESTED = "AWS::CloudFormation::Stack"
FUNCTION = "AWS::Lambda::Function"

ResourcesOf = Callable[..., dict[str, Any]]
OnlyOf = Callable[[cdk.Stack, str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]


@pytest.fixture(scope="module")
def declare_version() -> Callable[[cdk.Stack, ImageBase], ImageVersion]:
    def declare_version(stack: cdk.Stack, image: ImageBase) -> ImageVersion:
        # The repository is where the image is: its role is granted to pull from it.
        repository = cdk.Stack.of(image).node.try_find_child("Repository")
        if repository is None:
            repository = ecr.Repository(cdk.Stack.of(image), "Repository")
        base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
        return ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"])

    return declare_version


@pytest.fixture(scope="module")
def stacks(
    new_app: Callable[..., cdk.App], declare_version: Callable[[cdk.Stack, ImageBase], ImageVersion]
) -> dict[str, cdk.Stack]:
    """Stacks by their paths, with an image, a version of it, an alias and a retention in different ones of them."""
    app = new_app()
    stacks: dict[str, cdk.Stack] = {"Flat": cdk.Stack(app, "Flat")}
    for name in ("Whole", "Above", "Below", "Beside", "Deep"):
        stacks[name] = cdk.Stack(app, name)
        stacks[f"{name}/Nested"] = cdk.NestedStack(stacks[name], "Nested")
    stacks["Beside/Other"] = cdk.NestedStack(stacks["Beside"], "Other")
    stacks["Deep/Nested/Nested"] = cdk.NestedStack(stacks["Deep/Nested"], "Nested")
    for of_image, of_version in (
        ("Flat", "Flat"),
        ("Whole/Nested", "Whole/Nested"),
        ("Above", "Above/Nested"),
        ("Below/Nested", "Below"),
        ("Beside/Nested", "Beside/Other"),
        ("Deep", "Deep/Nested/Nested"),
    ):
        image = Image(stacks[of_image], "Image", image_name="data-science")
        version = declare_version(stacks[of_version], image)
        ImageRetention(stacks[of_version], "Retention", image=image, keep=5)
    # The last one is used from above, too.
    config = AppImageConfig(stacks["Deep"], "Config", app=StudioApp.jupyter_lab())
    settings = sagemaker.CfnDomain.JupyterLabAppSettingsProperty(
        custom_images=[version.custom_image(app_image_config=config)]
    )
    sagemaker.CfnDomain(
        stacks["Deep"],
        "Domain",
        auth_mode="IAM",
        domain_name="team",
        default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
            execution_role="arn:aws:iam::123456789012:role/studio", jupyter_lab_app_settings=settings
        ),
    )
    cdk.CfnOutput(stacks["Deep"], "Arn", value=version.image_version_arn)
    return stacks


def image_arn_in(version: dict[str, Any]) -> Any:
    """What a version's ImageName is taken from."""
    position, split = version["Properties"]["ImageName"]["Fn::Select"]
    assert position == 1
    assert split["Fn::Split"][0] == "/"
    return split["Fn::Split"][1]


@pytest.mark.parametrize("path", ["Whole/Nested", "Above/Nested", "Below", "Beside/Other", "Deep/Nested/Nested"])
def test_the_provider_is_in_the_stack_of_the_version(
    stacks: dict[str, cdk.Stack], resources_of: ResourcesOf, only_of: OnlyOf, waits_for: WaitsFor, path: str
) -> None:
    # THEN the function is there, and nowhere else
    version, (function,) = only_of(stacks[path], VERSION), resources_of(stacks[path], FUNCTION)
    assert version["Properties"]["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}
    family = path.partition("/")[0]
    others = [other for other in stacks if other != path and other.partition("/")[0] == family]
    assert [other for other in others if resources_of(stacks[other], FUNCTION)] == []

    # THEN it may ask for the state of that stack
    role = resources_of(stacks[path])["ImageVersionProviderRole98366D34"]
    (statement,) = role["Properties"]["Policies"][1]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("cloudformation:DescribeStacks", {"Ref": "AWS::StackId"})

    # THEN the permissions are there when the version is deleted
    (policy,) = (name for name in resources_of(stacks[path], "AWS::IAM::Policy") if "ProviderImage" in name)
    assert policy in waits_for(version)


def test_logical_ids_are_those_of_a_stack_that_is_not_nested(
    stacks: dict[str, cdk.Stack], resources_of: ResourcesOf
) -> None:
    flat = resources_of(stacks["Flat"])

    assert resources_of(stacks["Whole/Nested"]).keys() == flat.keys()
    assert [found["Type"] for found in resources_of(stacks["Whole"]).values()] == [NESTED]
    for above, below in (
        ("Above", "Above/Nested"),
        ("Below", "Below/Nested"),
        ("Deep", "Deep/Nested/Nested"),
        ("Beside/Nested", "Beside/Other"),
    ):
        together = {**resources_of(stacks[above]), **resources_of(stacks[below])}
        assert together.keys() >= flat.keys(), above


def test_all_in_a_nested_stack_needs_no_parameter(stacks: dict[str, cdk.Stack]) -> None:
    template = Template.from_stack(stacks["Whole/Nested"]).to_json()

    assert template.keys() == {"Resources"}


def test_image_above_its_version(stacks: dict[str, cdk.Stack], only_of: OnlyOf) -> None:
    # GIVEN
    nested = only_of(stacks["Above"], NESTED)

    # THEN the image's ARN, and the repository's, come as parameters
    parameter = image_arn_in(only_of(stacks["Above/Nested"], VERSION))["Ref"]
    assert nested["Properties"]["Parameters"][parameter] == {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}
    assert Template.from_stack(stacks["Above/Nested"]).to_json()["Parameters"][parameter] == {"Type": "String"}

    # THEN the image's role may pull before the nested stack makes versions, and until it is gone
    assert {"Image9D742C96", "ImageRoleDefaultPolicyA10B2E65"} <= set(nested["DependsOn"])


def test_image_below_its_version(stacks: dict[str, cdk.Stack], only_of: OnlyOf, resources_of: ResourcesOf) -> None:
    # GIVEN
    version, alias = only_of(stacks["Below"], VERSION), only_of(stacks["Below"], ALIAS)
    (nested,) = resources_of(stacks["Below"], NESTED)

    # THEN the image's ARN is an output of the nested stack, which goes after the version
    output = image_arn_in(version)["Fn::GetAtt"]
    assert output[0] == nested
    assert output[1].removeprefix("Outputs.") in Template.from_stack(stacks["Below/Nested"]).to_json()["Outputs"]
    assert nested in version["DependsOn"]
    assert "Version" in alias["Properties"]["Version"]["Fn::GetAtt"]


def test_image_in_a_nested_stack_beside_that_of_its_version(
    stacks: dict[str, cdk.Stack], only_of: OnlyOf, resources_of: ResourcesOf
) -> None:
    # GIVEN
    first, second = resources_of(stacks["Beside"], NESTED)
    resources = resources_of(stacks["Beside"])

    # THEN the output of one is a parameter of the other
    parameter = image_arn_in(only_of(stacks["Beside/Other"], VERSION))["Ref"]
    source, output = resources[second]["Properties"]["Parameters"][parameter]["Fn::GetAtt"]
    assert source == first
    assert output.endswith("ImageArn")
    assert resources[second]["DependsOn"] == [first]


def test_two_levels_of_nested_stacks(stacks: dict[str, cdk.Stack], only_of: OnlyOf, resources_of: ResourcesOf) -> None:
    # THEN the image's ARN goes down from parameter to parameter
    parameter = image_arn_in(only_of(stacks["Deep/Nested/Nested"], VERSION))["Ref"]
    inner = only_of(stacks["Deep/Nested"], NESTED)["Properties"]["Parameters"][parameter]
    outer = only_of(stacks["Deep"], NESTED)["Properties"]["Parameters"][inner["Ref"]]
    assert outer == {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}

    # THEN the number and the ARN of the version come up from output to output
    domain = only_of(stacks["Deep"], "AWS::SageMaker::Domain")["Properties"]["DefaultUserSettings"]
    (item,) = domain["JupyterLabAppSettings"]["CustomImages"]
    source, number = item["ImageVersionNumber"]["Fn::GetAtt"]
    assert source.startswith("NestedNestedStack")
    assert number.endswith("Version")
    arn = Template.from_stack(stacks["Deep"]).to_json()["Outputs"]["Arn"]["Value"]["Fn::GetAtt"][1]
    assert arn.endswith("ImageVersionArn")
    outputs = Template.from_stack(stacks["Deep/Nested/Nested"]).to_json()["Outputs"]
    (version,) = resources_of(stacks["Deep/Nested/Nested"], VERSION)
    assert sorted(output["Value"]["Fn::GetAtt"] for output in outputs.values()) == [
        [version, "ImageVersionArn"],
        [version, "Version"],
    ]


def test_an_image_without_a_name_gets_one_that_sagemaker_takes(app: cdk.App, only_of: OnlyOf) -> None:
    # GIVEN a long path
    parent = cdk.Stack(app, "P" * 128)
    nested = cdk.NestedStack(cdk.NestedStack(parent, "Nested"), "N" * 64)

    # WHEN
    Image(nested, "Image")

    # THEN
    name = only_of(nested, "AWS::SageMaker::Image")["Properties"]["ImageName"]
    assert IMAGE_NAME.accepts(name)
    assert name.endswith("Image-DB1D8788")


@pytest.fixture
def parted(stack: cdk.Stack) -> tuple[cdk.NestedStack, ImageVersion]:
    """A nested stack, and a version in it of an image above it."""
    nested = cdk.NestedStack(stack, "Nested")
    image = Image.from_image_name(stack, "Image", "data-science")
    base_image = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")
    return nested, ImageVersion(nested, "Version", image=image, base_image=base_image)


def test_an_alias_is_declared_where_its_version_is(
    stack: cdk.Stack, parted: tuple[cdk.NestedStack, ImageVersion]
) -> None:
    nested, version = parted

    with pytest.raises(ValueError, match="version") as raised:
        ImageAlias(stack, "Stable", alias_name="stable", version=version)
    assert str(raised.value) == (
        "version 'Stack/Nested/Version' must be in stack 'Stack', as the alias is: declare both in one stack, "
        "since a version whose number another stack imports could not be replaced"
    )
    ImageAlias(nested, "Stable", alias_name="stable", version=version)


def test_a_retention_is_declared_where_its_versions_are(
    stack: cdk.Stack, parted: tuple[cdk.NestedStack, ImageVersion]
) -> None:
    nested, version = parted

    with pytest.raises(ValueError, match="version") as raised:
        ImageRetention(stack, "Retention", image=version.image, keep=1, versions=[version])
    assert str(raised.value) == (
        "version 'Stack/Nested/Version' must be in stack 'Stack', as the retention is: declare both in one stack, "
        "since a version whose number another stack imports could not be replaced"
    )
    ImageRetention(nested, "Retention", image=version.image, keep=1, versions=[version])


def test_the_provider_of_the_parent_is_none_of_the_nested_stack(stack: cdk.Stack) -> None:
    # GIVEN
    provider, nested = ImageVersionProvider(stack, "Provider"), cdk.NestedStack(stack, "Nested")
    image = Image.from_image_name(nested, "Image", "data-science")

    # THEN
    with pytest.raises(ValueError, match="provider") as raised:
        ImageRetention(nested, "Retention", image=image, keep=1, provider=provider)
    assert str(raised.value) == (
        "provider 'Stack/Provider' must be in stack 'Stack/Nested': create one there, or leave it out"
    )
