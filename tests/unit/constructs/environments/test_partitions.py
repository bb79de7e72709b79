"""Partitions: ARNs, addresses and principals are right in GovCloud, in China, and where the region is not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Annotations, Match, Template

from imgver_constructs import BaseImage, Image, ImageVersion

ACCOUNT = "123456789012"
PLACES = {
    "Ireland": ("eu-west-1", "aws", "amazonaws.com"),
    "GovCloud": ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    "China": ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
}
"""Regions with their partitions and the suffixes of their addresses."""

Templates = dict[str, dict[str, Any]]


def strings(value: object) -> Iterator[str]:
    """All strings in a template, without the names of properties."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings(item)
        case dict():
            yield from strings(list(value.values()))


@pytest.fixture(scope="module", params=[False, True], ids=["partition by reference", "partition by name"])
def templates(
    request: pytest.FixtureRequest,
    new_app: Callable[..., cdk.App],
    declare_everything: Callable[[cdk.Stack], ImageVersion],
) -> Templates:
    """The templates for each region, and for any region."""
    app = new_app(**{"@aws-cdk/core:enablePartitionLiterals": request.param})
    stacks = [cdk.Stack(app, "Any")]
    for name, (region, *_) in PLACES.items():
        stacks.append(cdk.Stack(app, name, env=cdk.Environment(account=ACCOUNT, region=region)))
    for stack in stacks:
        declare_everything(stack)
    return {stack.node.id: dict(Template.from_stack(stack).to_json()) for stack in stacks}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("known", [True, False], ids=["region known", "region not known"])
def test_arns_and_addresses(templates: Templates, deployed: Callable[..., Any], name: str, known: bool) -> None:
    region, partition, suffix = PLACES[name]
    template = deployed(templates[name if known else "Any"], region=region, partition=partition, suffix=suffix)
    found = list(strings(template))

    arns = {string for string in found if string.startswith("arn")}
    assert {arn.split(":")[1] for arn in arns} == {partition}
    assert {arn.split(":")[2] for arn in arns if arn.split(":")[3] == region} == {"sagemaker", "ecr", "made-up"}
    assert f"arn:{partition}:sagemaker:{region}:{ACCOUNT}:image-version/data-science/*" in arns
    # No string contains the ARN of another partition.
    assert [each for each in found if re.search("arn:aws[a-z-]*:", each) and f"arn:{partition}:" not in each] == []
    addresses = {string.partition("/")[0] for string in found if ".dkr.ecr." in string}
    assert addresses == {f"{ACCOUNT}.dkr.ecr.{region}.{suffix}"}


def test_no_partition_is_written_out_where_the_region_is_not_known(templates: Templates) -> None:
    assert [each for each in strings(templates["Any"]) if re.search("arn:aws|amazonaws[.]com[.]cn", each)] == []


def test_service_principals_are_the_same_in_all_partitions(templates: Templates) -> None:
    resources = [resource for template in templates.values() for resource in template["Resources"].values()]
    roles = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::IAM::Role"]

    statements = [statement for role in roles for statement in role["AssumeRolePolicyDocument"]["Statement"]]
    assert {statement["Principal"]["Service"] for statement in statements} == {
        "lambda.amazonaws.com",
        "sagemaker.amazonaws.com",
    }


@pytest.mark.parametrize(
    ("region", "registry"),
    [
        ("cn-north-1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
    ],
)
def test_addresses_of_other_partitions(
    app: cdk.App, resources_of: Callable[..., Any], deployed: Callable[..., Any], region: str, registry: str
) -> None:
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(account=ACCOUNT, region=region))
    image = Image(stack, "Image", image_name="data-science")

    ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(f"{registry}/team/data-science:1.0.0"))

    # The image's role can pull, the function can describe the image, and there is no warning.
    policies = deployed(resources_of(stack, "AWS::IAM::Policy"), region=region, partition="aws-x").values()
    statements = [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    arn = f"arn:aws-x:ecr:{region}:{ACCOUNT}:repository/team/data-science"
    assert [statement["Action"] for statement in statements if statement["Resource"] == arn] == [
        ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
        "ecr:DescribeImages",
    ]
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def test_imported_version_of_another_partition(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(account=ACCOUNT, region="cn-north-1"))
    place = f"arn:aws-cn:sagemaker:cn-north-1:{ACCOUNT}"

    version = ImageVersion.from_image_version_arn(stack, "Version", f"{place}:image-version/data-science/7")

    assert (version.image_arn, version.image_version_number) == (f"{place}:image/data-science", 7)
