"""Aspects: rules that an app sets for all of its resources apply to the library's as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from imgver_constructs import BaseImage, ImageVersion, ImageVersionPolicy

FUNCTION = "AWS::Lambda::Function"
LOG_GROUP = "AWS::Logs::LogGroup"
ROLE = "AWS::IAM::Role"
VERSION = "Custom::SageMakerImageVersion"
TAGGABLE = {"AWS::ECR::Repository", "AWS::KMS::Key", "AWS::EC2::SecurityGroup", FUNCTION, LOG_GROUP, ROLE} | {
    "AWS::SageMaker::AppImageConfig",
    "AWS::SageMaker::Image",
}
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"

ResourcesOf = Callable[..., dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


@jsii.implements(cdk.IAspect)
class CompanyRules:
    """The rules of a platform team for all apps."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, lambda_.CfnFunction):
            node.runtime = "python3.13"
        elif isinstance(node, logs.CfnLogGroup):
            node.retention_in_days = 7
        elif isinstance(node, iam.Role):
            node.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name("AWSDenyAll"))


def properties_of(resources: dict[str, Any], name: str) -> list[Any]:
    return [resource.get("Properties", {}).get(name) for resource in resources.values()]


@pytest.mark.parametrize("mutating", [False, True], ids=["older priorities", "newer priorities"])
def test_aspects(
    new_app: Callable[..., cdk.App], declare_everything: Declare, resources_of: ResourcesOf, mutating: bool
) -> None:
    # GIVEN a stack of an app with aspects of all kinds
    app = new_app(**{"@aws-cdk/core:aspectPrioritiesMutating": mutating})
    stack, plain = cdk.Stack(app, "Stack"), cdk.Stack(new_app(), "Stack")
    declare_everything(stack)
    declare_everything(plain)
    cdk.Tags.of(app).add("team", "data-science")
    iam.PermissionsBoundary.of(app).apply(iam.ManagedPolicy.from_aws_managed_policy_name("Boundary"))
    cdk.Aspects.of(app).add(CompanyRules())
    resources = resources_of(stack)

    # THEN they apply to all resources, and change no logical id
    assert resources.keys() == resources_of(plain).keys()
    tagged = {found["Type"]: found["Properties"]["Tags"] for found in resources.values() if "Tags" in str(found)}
    assert tagged.keys() == TAGGABLE
    assert {tag["Key"] for tags in tagged.values() for tag in tags} == {"team"}
    roles = resources_of(stack, ROLE)
    boundaries, policies = properties_of(roles, "PermissionsBoundary"), properties_of(roles, "ManagedPolicyArns")
    assert [each["Fn::Join"][1][-1] for each in boundaries] == [":iam::aws:policy/Boundary"] * 5
    assert [arns[0]["Fn::Join"][1][-1] for arns in policies] == [":iam::aws:policy/AWSDenyAll"] * 5
    assert properties_of(resources_of(stack, FUNCTION), "Runtime") == ["python3.13"] * 2
    assert properties_of(resources_of(stack, LOG_GROUP), "RetentionInDays") == [7] * 2


@pytest.mark.parametrize(
    ("context", "boundary", "name"),
    [
        ({"@aws-cdk/core:permissionsBoundary": {"name": "cdk-${Qualifier}-boundary"}}, None, "cdk-hnb659fds-boundary"),
        ({}, "team-boundary", "team-boundary"),
    ],
    ids=["of the bootstrap", "of the stack"],
)
def test_permissions_boundary_of_the_app(
    new_app: Callable[..., cdk.App],
    declare_some: Declare,
    resources_of: ResourcesOf,
    context: dict[str, Any],
    boundary: str | None,
    name: str,
) -> None:
    permissions_boundary = boundary and cdk.PermissionsBoundary.from_name(boundary)
    stack = cdk.Stack(new_app(**context), "Stack", permissions_boundary=permissions_boundary or None)

    declare_some(stack)

    boundaries = properties_of(resources_of(stack, ROLE), "PermissionsBoundary")
    assert [found["Fn::Join"][1][-1] for found in boundaries] == [f":policy/{name}"] * 2


def policies_of(resources: dict[str, Any]) -> set[tuple[str | None, str | None]]:
    return {(found.get("DeletionPolicy"), found.get("UpdateReplacePolicy")) for found in resources.values()}


def test_removal_policies(app: cdk.App, declare_some: Declare, resources_of: ResourcesOf) -> None:
    retained, destroyed, versions = (cdk.Stack(app, name) for name in ("Retained", "Destroyed", "Versions"))
    declare_some(retained)
    declare_some(versions)
    image, base_image, policy = declare_some(destroyed).image, BaseImage.from_uri(URI), ImageVersionPolicy.RETAIN
    ImageVersion(destroyed, "Retained", image=image, base_image=base_image, deletion_policy=policy)

    cdk.RemovalPolicies.of(retained).retain()
    cdk.RemovalPolicies.of(destroyed).destroy()
    cdk.RemovalPolicies.of(versions).retain(apply_to_resource_types=[VERSION])

    assert policies_of(resources_of(retained)) == {("Retain", "Retain")}
    assert policies_of(resources_of(destroyed)) == {("Delete", "Delete")}
    types = {found["Type"] for found in resources_of(versions).values() if found.get("DeletionPolicy") == "Retain"}
    assert types == {VERSION, "AWS::Logs::LogGroup"}


def test_missing_removal_policies(app: cdk.App, declare_some: Declare, resources_of: ResourcesOf) -> None:
    # GIVEN versions with and without policies
    stack = cdk.Stack(app, "Stack")
    image, base_image = declare_some(stack).image, BaseImage.from_uri(URI)
    for policy in ImageVersionPolicy:
        ImageVersion(stack, policy.value.title(), image=image, base_image=base_image, deletion_policy=policy)

    cdk.MissingRemovalPolicies.of(stack).destroy()

    # THEN the declared policies hold
    policies = {
        logical_id: (found["DeletionPolicy"], found["UpdateReplacePolicy"])
        for logical_id, found in resources_of(stack, VERSION).items()
    }
    assert policies == {
        "Version6A868472": ("RetainExceptOnCreate", "Retain"),
        "DeleteEE298834": ("Delete", "Retain"),
        "Retain9C36A9DA": ("RetainExceptOnCreate", "Retain"),
        "ArchiveDA4CB258": ("Delete", "Retain"),
    }
    assert policies_of(resources_of(stack, "AWS::SageMaker::Image")) == {("RetainExceptOnCreate", "Retain")}
