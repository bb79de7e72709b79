"""Stages and CDK Pipelines: the same stack for development and production, each in an account and a region."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import pipelines
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion

VERSION = "Custom::SageMakerImageVersion"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"

PIPELINE = cdk.Environment(account="111111111111", region="eu-west-1")
STAGES = {
    "Dev": cdk.Environment(account="222222222222", region="eu-west-1"),
    "Prod": cdk.Environment(account="333333333333", region="us-east-1"),
}

ResourcesOf = Callable[..., dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


@pytest.fixture(scope="module")
def pipeline(new_app: Callable[..., cdk.App], declare_some: Declare, docker_folder: Path) -> cdk.Stack:
    """A pipeline that deploys to two stages, with a base image that is built on the way."""
    stack = cdk.Stack(new_app(), "Pipeline", env=PIPELINE)
    source = pipelines.CodePipelineSource.s3(s3.Bucket.from_bucket_name(stack, "Source", "source"), "app.zip")
    pipeline = pipelines.CodePipeline(
        stack,
        "Pipeline",
        synth=pipelines.ShellStep("Synth", input=source, commands=["npx cdk synth"]),
        cross_account_keys=True,
    )
    for name, env in STAGES.items():
        stage = cdk.Stage(stack, name, env=env)
        data_science = cdk.Stack(stage, "DataScience")
        image = declare_some(data_science).image
        ImageVersion(data_science, "Built", image=image, base_image=BaseImage.from_asset(docker_folder))
        pipeline.add_stage(stage)
    return stack


@pytest.fixture(scope="module")
def assembly(pipeline: cdk.Stack) -> Path:
    app = cdk.Stage.of(pipeline)
    assert app is not None
    return Path(app.synth().directory)


@pytest.fixture(scope="module")
def templates(pipeline: cdk.Stack, assembly: Path) -> dict[str, dict[str, Any]]:
    """What each stage deploys."""
    return {
        name: json.loads(next((assembly / f"assembly-Pipeline-{name}").glob("*.template.json")).read_text())
        for name in STAGES
    }


def test_every_stage_has_the_same_logical_ids(templates: dict[str, dict[str, Any]]) -> None:
    assert templates["Dev"]["Resources"].keys() == templates["Prod"]["Resources"].keys()


def test_every_stage_names_its_own_account_and_region(
    templates: dict[str, dict[str, Any]], deployed: Callable[..., Any]
) -> None:
    for name, env in STAGES.items():
        resources = templates[name]["Resources"]
        uri = deployed(resources["Version"]["Properties"]["BaseImage"], region="none")
        assert uri == f"{env.account}.dkr.ecr.{env.region}.amazonaws.com/data-science:1.0.0"
        (policy,) = (found for key, found in resources.items() if key.startswith("ImageVersionProviderImage"))
        create = policy["Properties"]["PolicyDocument"]["Statement"][0]
        assert deployed(create["Resource"], region="none") == (
            f"arn:aws:sagemaker:{env.region}:{env.account}:image/data-science"
        )


def test_assets_are_published_once_for_all_stages(
    pipeline: cdk.Stack, templates: dict[str, dict[str, Any]], resources_of: ResourcesOf
) -> None:
    # GIVEN the function's code and the base image
    keys = {
        template["Resources"]["ImageVersionProviderFunction124F3991"]["Properties"]["Code"]["S3Key"]
        for template in templates.values()
    }
    assert len(keys) == 1

    # THEN the pipeline has an action for each of them
    (resource,) = resources_of(pipeline, "AWS::CodePipeline::Pipeline").values()
    stages = {
        stage["Name"]: sorted(action["Name"] for action in stage["Actions"])
        for stage in resource["Properties"]["Stages"]
    }
    assert list(stages) == ["Source", "Build", "UpdatePipeline", "Assets", "Dev", "Prod"]
    assert stages["Assets"] == ["Built-Asset", "ImageVersionProvider_Function_Code"]


@pytest.mark.parametrize("named", ["by the library", "by a parameter"])
def test_every_stage_has_the_same_logical_ids_whatever_names_the_image(
    app: cdk.App, resources_of: ResourcesOf, named: str
) -> None:
    # GIVEN
    stacks = [cdk.Stack(cdk.Stage(app, name), "DataScience") for name in STAGES]
    for stack in stacks:
        name = cdk.CfnParameter(stack, "Name").value_as_string if named == "by a parameter" else None
        image = Image(stack, "Image", image_name=name)
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=["latest"])

    # THEN
    dev, prod = map(resources_of, stacks)
    assert dev.keys() == prod.keys()


def test_a_stage_does_not_use_the_image_of_another(app: cdk.App) -> None:
    # GIVEN
    dev, prod = (cdk.Stack(cdk.Stage(app, name), "DataScience") for name in STAGES)
    image = Image(dev, "Image", image_name="data-science")

    # WHEN a version is declared in one stage for an image of the other
    declare_version(prod, image)

    # THEN the CDK says which of them, and what is wrong about it
    with pytest.raises(RuntimeError, match="dependency cannot cross stage boundaries") as raised:
        app.synth()
    assert (
        "'Prod/DataScience/Version/Default' (in Stage 'Prod') to 'Dev/DataScience/Image/Resource' (in Stage 'Dev')"
        in str(raised.value)
    )


def declare_version(scope: Construct, image: Image) -> ImageVersion:
    return ImageVersion(scope, "Version", image=image, base_image=BaseImage.from_uri(URI))
