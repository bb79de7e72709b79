"""Synthesizers: they determine where the function's code and the built base images come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from imgver_constructs import AppImageConfig, BaseImage, Image, ImageVersion, StudioApp

FUNCTION = "AWS::Lambda::Function"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
BUCKET, REPOSITORY = "cdk-{}-assets-123456789012-eu-west-1", "cdk-{}-container-assets-123456789012-eu-west-1"

SYNTHESIZERS: dict[str, tuple[Callable[[], cdk.IStackSynthesizer], str | None, str]] = {
    "Default": (cdk.DefaultStackSynthesizer, BUCKET.format("hnb659fds"), REPOSITORY.format("hnb659fds")),
    "Qualified": (
        lambda: cdk.DefaultStackSynthesizer(qualifier="custom"),
        BUCKET.format("custom"),
        REPOSITORY.format("custom"),
    ),
    "Named": (
        lambda: cdk.DefaultStackSynthesizer(
            file_assets_bucket_name="assets-${AWS::AccountId}",
            bucket_prefix="code/",
            image_assets_repository_name="images",
        ),
        "assets-123456789012",
        "images",
    ),
    "Credentials": (cdk.CliCredentialsStackSynthesizer, BUCKET.format("hnb659fds"), REPOSITORY.format("hnb659fds")),
    # It declares the bucket as a parameter of the template.
    "Legacy": (cdk.LegacyStackSynthesizer, None, "aws-cdk/assets"),
}
"""The synthesizers with the bucket of the function's code and the repository of built images."""

ResourcesOf = Callable[..., dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


@pytest.fixture(scope="module")
def stacks(new_app: Callable[..., cdk.App], declare_some: Declare, docker_folder: Path) -> dict[str, cdk.Stack]:
    """The same stack with each of the synthesizers."""
    app = new_app()
    stacks = {name: cdk.Stack(app, name, synthesizer=create()) for name, (create, *_) in SYNTHESIZERS.items()}
    for stack in stacks.values():
        image = declare_some(stack).image
        ImageVersion(stack, "Built", image=image, base_image=BaseImage.from_asset(docker_folder))
    return stacks


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_function_and_built_base_image(
    stacks: dict[str, cdk.Stack], resources_of: ResourcesOf, deployed: Callable[..., Any], name: str
) -> None:
    _, bucket, repository = SYNTHESIZERS[name]
    resources = resources_of(stacks[name])
    assert resources.keys() == resources_of(stacks["Default"]).keys()

    (code,) = (each["Properties"]["Code"] for each in resources.values() if each["Type"] == FUNCTION)
    if bucket is None:
        assert code["S3Bucket"]["Ref"] in Template.from_stack(stacks[name]).to_json()["Parameters"]
    else:
        assert deployed(code["S3Bucket"], region="eu-west-1") == bucket
        assert code["S3Key"].startswith("code/") is (name == "Named")

    (built,) = (resource for logical_id, resource in resources.items() if logical_id.startswith("Built"))
    uri = deployed(built["Properties"]["BaseImage"], region="eu-west-1")
    assert uri.rpartition(":")[0] == f"{REGISTRY}/{repository}"

    # The image's role can pull it, and the function can describe it.
    policies = deployed([each for each in resources.values() if each["Type"] == "AWS::IAM::Policy"], region="eu-west-1")
    statements = [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    arn = f"arn:aws:ecr:eu-west-1:123456789012:repository/{repository}"
    permitted = [statement["Action"] for statement in statements if arn in statement["Resource"]]
    assert len(permitted) == 2
    assert "ecr:DescribeImages" in permitted


def test_a_stack_without_bootstrapping_has_no_versions(app: cdk.App, resources_of: ResourcesOf) -> None:
    # GIVEN constructs that need no function
    stack = cdk.Stack(app, "Stack", synthesizer=cdk.BootstraplessSynthesizer())
    image = Image(stack, "Image", image_name="data-science")
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    assert {found["Type"] for found in resources_of(stack).values()} == {
        "AWS::IAM::Role",
        "AWS::SageMaker::Image",
        "AWS::SageMaker::AppImageConfig",
    }

    # THEN the CDK refuses a version, whose function has an asset
    with pytest.raises(RuntimeError, match="Cannot add assets to a Stack that uses the BootstraplessSynthesizer"):
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(f"{REGISTRY}/data-science:1.0.0"))
