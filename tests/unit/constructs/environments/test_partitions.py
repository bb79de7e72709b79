"""Partitions: every ARN, address and principal is right in GovCloud, in China, and where the region is not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Annotations, Match, Template

from imgver_constructs import BaseImage, Image, ImageVersion

VERSION = "Custom::SageMakerImageVersion"
ACCOUNT = "123456789012"

PLACES = {
    "Ireland": ("eu-west-1", "aws", "amazonaws.com"),
    "GovCloud": ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    "China": ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
}
"""Regions, their partitions, and the suffix of their addresses."""

ResourcesOf = Callable[..., dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


def texts(value: object) -> Iterator[str]:
    """All texts in a template, or in a part of it; names of properties are none."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            yield from texts(list(value.values()))


@pytest.fixture(scope="module", params=[False, True], ids=["partition by reference", "partition by name"])
def templates(
    request: pytest.FixtureRequest, new_app: Callable[..., cdk.App], declare_everything: Declare
) -> dict[str, dict[str, Any]]:
    """What is deployed to each place, and to any."""
    app = new_app(**{"@aws-cdk/core:enablePartitionLiterals": request.param})
    stacks = [cdk.Stack(app, "Any")]
    for name, (region, *_) in PLACES.items():
        stacks.append(cdk.Stack(app, name, env=cdk.Environment(account=ACCOUNT, region=region)))
    for stack in stacks:
        declare_everything(stack)
    return {stack.node.id: Template.from_stack(stack).to_json() for stack in stacks}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("known", [True, False], ids=["region known", "region not known"])
def test_arns_and_addresses(
    templates: dict[str, dict[str, Any]], deployed: Callable[..., Any], name: str, known: bool
) -> None:
    # GIVEN what CloudFormation makes of the template there
    region, partition, suffix = PLACES[name]
    template = deployed(templates[name if known else "Any"], region=region, partition=partition, suffix=suffix)
    found = list(texts(template))

    # THEN every ARN is of that partition, and those of this library's resources of that region
    arns = {text for text in found if text.startswith("arn")}
    assert {arn.split(":")[1] for arn in arns} == {partition}
    services = {arn.split(":")[2] for arn in arns if arn.split(":")[3] == region}
    assert services == {"sagemaker", "ecr", "made-up"}
    assert f"arn:{partition}:sagemaker:{region}:{ACCOUNT}:image-version/data-science/*" in arns

    # THEN no text holds the ARN of another partition anywhere
    assert [text for text in found if re.search("arn:aws[a-z-]*:", text) and f"arn:{partition}:" not in text] == []

    # THEN addresses in ECR end as they do there
    addresses = {text.partition("/")[0] for text in found if ".dkr.ecr." in text}
    assert addresses == {f"{ACCOUNT}.dkr.ecr.{region}.{suffix}"}


def test_no_partition_is_written_out_where_the_region_is_not_known(templates: dict[str, dict[str, Any]]) -> None:
    assert [text for text in texts(templates["Any"]) if re.search("arn:aws|amazonaws[.]com[.]cn", text)] == []


@pytest.mark.parametrize("name", [*PLACES, "Any"])
def test_service_principals(templates: dict[str, dict[str, Any]], name: str) -> None:
    # GIVEN
    roles = [found for found in templates[name]["Resources"].values() if found["Type"] == "AWS::IAM::Role"]

    # THEN they have the same name in all partitions
    assert {
        statement["Principal"]["Service"]
        for role in roles
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    } == {"lambda.amazonaws.com", "sagemaker.amazonaws.com"}


@pytest.mark.parametrize(
    ("region", "registry"),
    [
        ("cn-north-1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
    ],
)
def test_addresses_of_other_partitions(
    app: cdk.App, resources_of: ResourcesOf, deployed: Callable[..., Any], region: str, registry: str
) -> None:
    # GIVEN
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(account=ACCOUNT, region=region))
    image = Image(stack, "Image", image_name="data-science")

    # WHEN
    ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(f"{registry}/team/data-science:1.0.0"))

    # THEN the function may look at it and the image's role may pull it there, and nobody is warned
    repository = f"arn:aws-x:ecr:{region}:{ACCOUNT}:repository/team/data-science"
    resources = deployed(resources_of(stack, "AWS::IAM::Policy"), region=region, partition="aws-x")
    assert [
        statement["Action"]
        for policy in resources.values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Resource"] == repository
    ] == [["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"], "ecr:DescribeImages"]
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_versions_of_other_partitions(app: cdk.App, partition: str) -> None:
    # GIVEN
    region = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[partition]
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(account=ACCOUNT, region=region))
    place = f"arn:{partition}:sagemaker:{region}:{ACCOUNT}"

    # WHEN
    version = ImageVersion.from_image_version_arn(stack, "Version", f"{place}:image-version/data-science/7")

    # THEN
    assert version.image_arn == f"{place}:image/data-science"
    assert version.version == 7
