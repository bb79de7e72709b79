"""Synthesizers: where the function's code and built base images come from is for the app to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from imgver_constructs import AppImageConfig, BaseImage, Image, ImageVersion, StudioApp

FUNCTION = "AWS::Lambda::Function"
POLICY = "AWS::IAM::Policy"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

SYNTHESIZERS: dict[str, Callable[[], cdk.IStackSynthesizer]] = {
    "Default": cdk.DefaultStackSynthesizer,
    "Qualified": lambda: cdk.DefaultStackSynthesizer(qualifier="custom"),
    "Named": lambda: cdk.DefaultStackSynthesizer(
        file_assets_bucket_name="assets-${AWS::AccountId}", bucket_prefix="code/", image_assets_repository_name="images"
    ),
    "Credentials": cdk.CliCredentialsStackSynthesizer,
    "Legacy": cdk.LegacyStackSynthesizer,
}

ResourcesOf = Callable[..., dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


@pytest.fixture(scope="module")
def stacks(new_app: Callable[..., cdk.App], declare_some: Declare, docker_folder: Path) -> dict[str, cdk.Stack]:
    """The same stack with each of the synthesizers."""
    app = new_app()
    stacks = {name: cdk.Stack(app, name, synthesizer=make()) for name, make in SYNTHESIZERS.items()}
    for stack in stacks.values():
        image = declare_some(stack).image
        ImageVersion(stack, "Built", image=image, base_image=BaseImage.from_asset(docker_folder))
    return stacks


def test_logical_ids_are_the_same(stacks: dict[str, cdk.Stack], resources_of: ResourcesOf) -> None:
    default = resources_of(stacks["Default"]).keys()

    assert [name for name, stack in stacks.items() if resources_of(stack).keys() != default] == []


@pytest.mark.parametrize(
    ("name", "bucket", "prefix"),
    [
        ("Default", "cdk-hnb659fds-assets-123456789012-eu-west-1", ""),
        ("Qualified", "cdk-custom-assets-123456789012-eu-west-1", ""),
        ("Named", "assets-123456789012", "code/"),
        ("Credentials", "cdk-hnb659fds-assets-123456789012-eu-west-1", ""),
    ],
)
def test_code_of_the_function(
    stacks: dict[str, cdk.Stack],
    only_of: Callable[..., Any],
    deployed: Callable[..., Any],
    name: str,
    bucket: str,
    prefix: str,
) -> None:
    code = deployed(only_of(stacks[name], FUNCTION)["Properties"]["Code"], region="eu-west-1")

    assert code["S3Bucket"] == bucket
    assert code["S3Key"].removesuffix(".zip").removeprefix(prefix).isalnum()


def test_code_of_the_function_as_a_parameter(stacks: dict[str, cdk.Stack], only_of: Callable[..., Any]) -> None:
    code = only_of(stacks["Legacy"], FUNCTION)["Properties"]["Code"]

    assert code["S3Bucket"]["Ref"] in Template.from_stack(stacks["Legacy"]).to_json()["Parameters"]


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("Default", "cdk-hnb659fds-container-assets-123456789012-eu-west-1"),
        ("Qualified", "cdk-custom-container-assets-123456789012-eu-west-1"),
        ("Named", "images"),
        ("Credentials", "cdk-hnb659fds-container-assets-123456789012-eu-west-1"),
        ("Legacy", "aws-cdk/assets"),
    ],
)
def test_base_image_that_is_built(
    stacks: dict[str, cdk.Stack], resources_of: ResourcesOf, deployed: Callable[..., Any], name: str, repository: str
) -> None:
    # GIVEN
    resources = resources_of(stacks[name])
    policies = deployed([found for found in resources.values() if found["Type"] == POLICY], region="eu-west-1")

    # THEN
    (built,) = (resource for logical_id, resource in resources.items() if logical_id.startswith("Built"))
    uri = deployed(built["Properties"]["BaseImage"], region="eu-west-1")
    assert uri.rpartition(":")[0] == f"{REGISTRY}/{repository}"

    # THEN the image's role may pull it, and the function may look at it
    arn = f"arn:aws:ecr:eu-west-1:123456789012:repository/{repository}"
    permitted = [
        statement["Action"]
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if arn in statement["Resource"]
    ]
    assert len(permitted) == 2
    assert "ecr:DescribeImages" in permitted


def test_qualifier_from_the_context(
    new_app: Callable[..., cdk.App], declare_some: Declare, only_of: Callable[..., Any], deployed: Callable[..., Any]
) -> None:
    # GIVEN
    stack = cdk.Stack(new_app(**{"@aws-cdk/core:bootstrapQualifier": "custom"}), "Stack")

    # WHEN
    declare_some(stack)

    # THEN
    bucket = only_of(stack, FUNCTION)["Properties"]["Code"]["S3Bucket"]
    assert deployed(bucket, region="eu-west-1") == "cdk-custom-assets-123456789012-eu-west-1"


def test_a_stack_without_bootstrapping_has_no_versions(app: cdk.App, resources_of: ResourcesOf) -> None:
    # GIVEN what needs no function
    stack = cdk.Stack(app, "Stack", synthesizer=cdk.BootstraplessSynthesizer())
    image = Image(stack, "Image", image_name="data-science")
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    assert [found["Type"] for found in resources_of(stack).values()] == [
        "AWS::IAM::Role",
        "AWS::SageMaker::Image",
        "AWS::SageMaker::AppImageConfig",
    ]

    # THEN a version, which needs its code, is refused by the CDK
    with pytest.raises(RuntimeError, match="Cannot add assets to a Stack that uses the BootstraplessSynthesizer"):
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI))
