"""cdk-nag's AwsSolutions rules hold, but for wildcards that there is no way around: each is acknowledged here."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import IConstruct

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageRetention,
    ImageVersion,
    ImageVersionMonitoring,
    ImageVersionProvider,
    StudioApp,
)

RULE = "AwsSolutions-IAM5"
ARN = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>"
HERE = "arn:aws:sagemaker:eu-west-1:123456789012"
NO_RESOURCE = "ecr:GetAuthorizationToken is for all registries; IAM knows no resource for it"
NUMBERS = "SageMaker numbers the versions of an image, so their ARNs are not known before"
PATTERN = "What the user of permitted_images asks for"
NETWORK = "Lambda documents these actions on network interfaces for all resources"

# By construct: what it permits, and why.
ACKNOWLEDGED = {
    "EverythingOfOneImage/Image/Role/DefaultPolicy": {"Resource::*": NO_RESOURCE},
    "EverythingOfOneImage/ImageVersionProvider/Image970677B8156D0AAD": {
        f"Resource::{ARN}:image-version/data-science/*": NUMBERS,
    },
    "FunctionOfOnesOwn/Provider/Images3D8D580CA77DDF9B": {
        f"Resource::{ARN}:image/team-*": PATTERN,
        f"Resource::{ARN}:image-version/team-*/*": PATTERN,
    },
    "FunctionOfOnesOwn/Provider/Network": {"Resource::*": NETWORK},
}


def declare_everything_of_one_image(stack: cdk.Stack, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\n")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    image = Image(stack, "Image", image_name="data-science")
    version = ImageVersion(
        stack,
        "Version",
        image=image,
        base_image=BaseImage.from_ecr_repository(repository, tag="1.0.0"),
        aliases=["latest"],
        follow_tag="1",
    )
    ImageVersion(stack, "Built", image=image, base_image=BaseImage.from_asset(folder))
    ImageAlias(stack, "Stable", alias_name="stable", version=version)
    ImageRetention(stack, "Retention", image=image, keep=5)
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    ImageVersionMonitoring(stack, "Monitoring")
    image.on_version_state_change("Changes")


def declare_a_function_of_ones_own(stack: cdk.Stack) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"], private_subnet_ids=["subnet-12345678"]
    )
    provider = ImageVersionProvider(
        stack,
        "Provider",
        vpc=vpc,
        role=iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")),
        environment_encryption=kms.Key(stack, "Key", enable_key_rotation=True),
        permitted_images=["team-*"],
    )
    repository = ecr.Repository.from_repository_name(stack, "Repository", "team-a")
    image = Image.from_image_name(stack, "Image", "team-a")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"], provider=provider)
    ImageRetention(stack, "Retention", image=image, keep=5, provider=provider)


@pytest.fixture
def nagged(app: cdk.App, tmp_path: Path) -> cdk.App:
    """An app with one of everything, which cdk-nag looks at."""
    declare_everything_of_one_image(cdk.Stack(app, "EverythingOfOneImage"), tmp_path)
    declare_a_function_of_ones_own(cdk.Stack(app, "FunctionOfOnesOwn"))
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    return app


@pytest.fixture
def acknowledged(nagged: cdk.App) -> cdk.App:
    """The same, with all that is acknowledged above."""
    for path, findings in ACKNOWLEDGED.items():
        validations = cdk.Validations.of(construct_at(nagged, path))
        for finding, reason in findings.items():
            validations.acknowledge(cdk.Acknowledgment(id=f"AwsSolutions::{RULE}[{finding}]", reason=reason))
    return nagged


def construct_at(app: cdk.App, path: str) -> IConstruct:
    return functools.reduce(lambda construct, step: construct.node.find_child(step), path.split("/"), app)


def reported(app: cdk.App, kind: str) -> set[tuple[str, str]]:
    """What cdk-nag has found, by construct and rule: ``violations`` or ``suppressedViolations``."""
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    return {
        (construct["constructPath"], violation["ruleName"])
        for plugin in report["pluginReports"]
        for violation in plugin[kind]
        for construct in violation["violatingConstructs"]
    }


EXPECTED = {
    (f"{path}/Resource", f"{RULE}[{finding}]") for path, findings in ACKNOWLEDGED.items() for finding in findings
}


def test_nothing_but_these_wildcards_is_found(nagged: cdk.App) -> None:
    with pytest.raises(RuntimeError, match=re.escape(f"{RULE}[Resource::*]")):
        nagged.synth()

    assert reported(nagged, "violations") == EXPECTED


def test_with_these_acknowledged_the_app_passes(acknowledged: cdk.App) -> None:
    acknowledged.synth()

    assert reported(acknowledged, "violations") == set()
    # Nothing is acknowledged that is not there.
    assert reported(acknowledged, "suppressedViolations") == EXPECTED


@pytest.mark.parametrize(
    ("action", "resource", "finding"),
    [
        ("sagemaker:*", f"{HERE}:image/data-science", "Action::sagemaker:*"),
        ("sagemaker:ListAliases", f"{HERE}:image/*", f"Resource::{HERE}:image/*"),
        ("ecr:DescribeImages", "*", "Resource::*"),
    ],
)
def test_a_broader_policy_is_found(acknowledged: cdk.App, action: str, resource: str, finding: str) -> None:
    # GIVEN a policy of the provider that permits one thing more
    path = "EverythingOfOneImage/ImageVersionProvider/Image970677B8156D0AAD"
    policy = construct_at(acknowledged, path)
    policy.add_statements(iam.PolicyStatement(actions=[action], resources=[resource]))

    # WHEN
    with pytest.raises(RuntimeError, match=re.escape(f"Acknowledge with 'AwsSolutions::{RULE}[{finding}]'")):
        acknowledged.synth()

    # THEN
    assert reported(acknowledged, "violations") == {(f"{path}/Resource", f"{RULE}[{finding}]")}
