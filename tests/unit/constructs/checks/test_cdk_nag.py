"""The AwsSolutions rules of cdk-nag hold, except for the wildcards that are acknowledged here with a reason."""

from __future__ import annotations

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
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionMonitoring,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)

RULE = "AwsSolutions-IAM5"
ARN = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>"
PATTERN = "The user asks for it with permitted_images"
POLICY = "DefaultProvider/ImageVersionProvider/Image970677B8156D0AAD"

# The reasons, by the path of the construct and the finding.
ACKNOWLEDGED = {
    ("DefaultProvider/Image/Role/DefaultPolicy", "Resource::*"): "ecr:GetAuthorizationToken supports no resources",
    (POLICY, f"Resource::{ARN}:image-version/data-science/*"): "SageMaker numbers versions when it creates them",
    ("NamedProvider/Provider/Images3D8D580CA77DDF9B", f"Resource::{ARN}:image/team-*"): PATTERN,
    ("NamedProvider/Provider/Images3D8D580CA77DDF9B", f"Resource::{ARN}:image-version/team-*/*"): PATTERN,
    ("NamedProvider/Provider/Network", "Resource::*"): "The network interfaces of a function are not known before",
}


@pytest.fixture
def nagged(app: cdk.App, tmp_path: Path) -> cdk.App:
    """An app with every construct of this library, checked by cdk-nag."""
    stack = cdk.Stack(app, "DefaultProvider")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    image = Image(stack, "Image", image_name="data-science")
    version = ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"], follow_tag="1")
    ImageVersion(stack, "Built", image=image, base_image=BaseImage.from_asset(tmp_path))
    ImageAlias(stack, "Stable", alias_name="stable", version=version)
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    ImageVersionMonitoring(stack, "Monitoring")
    image.on_version_state_change("Changes")

    stack = cdk.Stack(app, "NamedProvider")
    provider = ImageVersionProvider(
        stack,
        "Provider",
        vpc=ec2.Vpc.from_vpc_attributes(
            stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"], private_subnet_ids=["subnet-12345678"]
        ),
        role=iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")),
        environment_encryption=kms.Key(stack, "Key", enable_key_rotation=True),
        dead_letter_queue=sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:123456789012:some"),
        permitted_images=["team-*"],
    )
    imported = Image.from_image_name(stack, "Image", "team-a")
    ImageVersion(stack, "Version", image=imported, base_image=base_image, aliases=["latest"], provider=provider)
    ImageVersionRetention(stack, "Retention", image=imported, max_version_count=5, provider=provider)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    return app


def acknowledge_all(app: cdk.App) -> None:
    for (path, finding), reason in ACKNOWLEDGED.items():
        acknowledgment = cdk.Acknowledgment(id=f"AwsSolutions::{RULE}[{finding}]", reason=reason)
        cdk.Validations.of(construct_at(app, path)).acknowledge(acknowledgment)


def construct_at(app: cdk.App, path: str) -> IConstruct:
    construct: IConstruct = app
    for construct_id in path.split("/"):
        construct = construct.node.find_child(construct_id)
    return construct


def reported(app: cdk.App, kind: str) -> set[tuple[str, str]]:
    """The ``violations`` or ``suppressedViolations`` of the report, by construct and rule."""
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    return {
        (construct["constructPath"].removesuffix("/Resource"), violation["ruleName"])
        for plugin in report["pluginReports"]
        for violation in plugin[kind]
        for construct in violation["violatingConstructs"]
    }


def test_all_findings_are_acknowledged(nagged: cdk.App) -> None:
    acknowledge_all(nagged)

    nagged.synth()

    assert reported(nagged, "violations") == set()
    assert reported(nagged, "suppressedViolations") == {(path, f"{RULE}[{finding}]") for path, finding in ACKNOWLEDGED}


def test_a_broader_policy_is_a_finding(nagged: cdk.App) -> None:
    acknowledge_all(nagged)
    statement = iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=["*"])
    policy = construct_at(nagged, POLICY)
    assert isinstance(policy, iam.Policy)
    policy.add_statements(statement)

    with pytest.raises(RuntimeError, match=re.escape(f"{RULE}[Resource::*]")):
        nagged.synth()

    assert reported(nagged, "violations") == {(POLICY, f"{RULE}[Resource::*]")}
