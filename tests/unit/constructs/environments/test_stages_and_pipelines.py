"""Stages and CDK Pipelines: the same stack for development and production, in different accounts and regions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import pipelines

from imgver_constructs import BaseImage, Image, ImageVersion

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
PIPELINE = cdk.Environment(account="111111111111", region="eu-west-1")
STAGES = {
    "Dev": cdk.Environment(account="222222222222", region="eu-west-1"),
    "Prod": cdk.Environment(account="333333333333", region="us-east-1"),
}

ResourcesOf = Callable[..., dict[str, Any]]


def test_a_pipeline_with_two_stages(
    app: cdk.App,
    declare_some: Callable[[cdk.Stack], ImageVersion],
    docker_folder: Path,
    deployed: Callable[..., Any],
) -> None:
    # GIVEN a pipeline that builds a base image, and deploys it to two stages
    stack = cdk.Stack(app, "Pipeline", env=PIPELINE)
    source = pipelines.CodePipelineSource.s3(s3.Bucket.from_bucket_name(stack, "Source", "source"), "app.zip")
    synth = pipelines.ShellStep("Synth", input=source, commands=["npx cdk synth"])
    pipeline = pipelines.CodePipeline(stack, "Pipeline", synth=synth, cross_account_keys=True)
    for name, env in STAGES.items():
        stage = cdk.Stage(stack, name, env=env)
        data_science = cdk.Stack(stage, "DataScience")
        image = declare_some(data_science).image
        ImageVersion(data_science, "Built", image=image, base_image=BaseImage.from_asset(docker_folder))
        pipeline.add_stage(stage)

    assembly = Path(app.synth().directory)
    dev, prod = (
        json.loads(next((assembly / f"assembly-Pipeline-{name}").glob("*.template.json")).read_text())["Resources"]
        for name in STAGES
    )

    # THEN both have the same logical ids, each with its own account and region
    assert dev.keys() == prod.keys()
    for resources, env in zip((dev, prod), STAGES.values(), strict=True):
        uri = deployed(resources["Version6A868472"]["Properties"]["BaseImage"], region="none")
        assert uri == f"{env.account}.dkr.ecr.{env.region}.amazonaws.com/data-science:1.0.0"
        (policy,) = (found for key, found in resources.items() if key.startswith("ImageVersionProviderImage"))
        create = policy["Properties"]["PolicyDocument"]["Statement"][0]
        assert deployed(create["Resource"], region="none") == (
            f"arn:aws:sagemaker:{env.region}:{env.account}:image/data-science"
        )

    # THEN the function's code and the base image are published once for both
    (template,) = assembly.glob("Pipeline.template.json")
    (resource,) = (
        each
        for each in json.loads(template.read_text())["Resources"].values()
        if each["Type"] == "AWS::CodePipeline::Pipeline"
    )
    (assets,) = (stage for stage in resource["Properties"]["Stages"] if stage["Name"] == "Assets")
    assert sorted(action["Name"] for action in assets["Actions"]) == [
        "Built-Asset",
        "ImageVersionProvider_Function_Code",
    ]


@pytest.mark.parametrize("named_by_parameter", [False, True])
def test_logical_ids_are_the_same_in_every_stage_without_a_known_name(
    app: cdk.App, resources_of: ResourcesOf, named_by_parameter: bool
) -> None:
    stacks = [cdk.Stack(cdk.Stage(app, name), "DataScience") for name in STAGES]
    for stack in stacks:
        name = cdk.CfnParameter(stack, "Name").value_as_string if named_by_parameter else None
        image = Image(stack, "Image", image_name=name)
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=["latest"])

    dev, prod = map(resources_of, stacks)
    assert dev.keys() == prod.keys()


def test_the_cdk_refuses_an_image_of_another_stage(app: cdk.App) -> None:
    dev, prod = (cdk.Stack(cdk.Stage(app, name), "DataScience") for name in STAGES)
    image = Image(dev, "Image", image_name="data-science")
    ImageVersion(prod, "Version", image=image, base_image=BaseImage.from_uri(URI))

    with pytest.raises(RuntimeError, match="dependency cannot cross stage boundaries"):
        app.synth()
