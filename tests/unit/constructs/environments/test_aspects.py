"""Aspects and property injectors: what an app says about all of its resources holds for the library's, too."""

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

from imgver_constructs import BaseImage, ImageVersion, Superseded

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
OnlyOf = Callable[[cdk.Stack, str], dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


@jsii.implements(cdk.IAspect)
class HousePolicy:
    """What a company's platform team may ask of all of its apps."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, lambda_.CfnFunction):
            node.runtime = "python3.13"
            node.memory_size = 1024
        elif isinstance(node, logs.CfnLogGroup):
            node.retention_in_days = 7
        elif isinstance(node, iam.Role):
            node.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name("AWSDenyAll"))


@pytest.fixture(scope="module", params=[False, True], ids=["older priorities", "newer priorities"])
def governed(request: pytest.FixtureRequest, new_app: Callable[..., cdk.App], declare_everything: Declare) -> cdk.Stack:
    """A stack of an app with aspects of all kinds."""
    app = new_app(**{"@aws-cdk/core:aspectPrioritiesMutating": request.param})
    stack = cdk.Stack(app, "Stack")
    declare_everything(stack)
    cdk.Tags.of(app).add("team", "data-science")
    iam.PermissionsBoundary.of(app).apply(iam.ManagedPolicy.from_aws_managed_policy_name("Boundary"))
    cdk.Aspects.of(app).add(HousePolicy())
    return stack


def properties_of(resources: dict[str, Any], name: str) -> list[Any]:
    return [resource.get("Properties", {}).get(name) for resource in resources.values()]


def test_what_is_taggable_is_tagged(governed: cdk.Stack, resources_of: ResourcesOf) -> None:
    resources = resources_of(governed)

    tagged = {found["Type"] for found in resources.values() if "Tags" in found.get("Properties", {})}
    assert tagged == TAGGABLE
    assert {tag["Key"] for tags in properties_of(resources, "Tags") for tag in tags or []} == {"team"}


def test_every_role_has_the_permissions_boundary(governed: cdk.Stack, resources_of: ResourcesOf) -> None:
    boundaries = properties_of(resources_of(governed, ROLE), "PermissionsBoundary")

    assert len(boundaries) == 5
    assert all(boundary["Fn::Join"][1][-1] == ":iam::aws:policy/Boundary" for boundary in boundaries)


def test_every_role_has_the_managed_policy(governed: cdk.Stack, resources_of: ResourcesOf) -> None:
    managed = properties_of(resources_of(governed, ROLE), "ManagedPolicyArns")

    assert all(arns[0]["Fn::Join"][1][-1] == ":iam::aws:policy/AWSDenyAll" for arns in managed)


def test_every_function_has_the_runtime_and_the_memory(governed: cdk.Stack, resources_of: ResourcesOf) -> None:
    functions = resources_of(governed, FUNCTION)

    assert properties_of(functions, "Runtime") == ["python3.13"] * 2
    assert properties_of(functions, "MemorySize") == [1024] * 2


def test_every_log_group_has_the_retention(governed: cdk.Stack, resources_of: ResourcesOf) -> None:
    assert properties_of(resources_of(governed, LOG_GROUP), "RetentionInDays") == [7] * 2


def test_aspects_change_no_logical_id(
    governed: cdk.Stack, new_app: Callable[..., cdk.App], declare_everything: Declare, resources_of: ResourcesOf
) -> None:
    # GIVEN
    plain = cdk.Stack(new_app(), "Stack")
    declare_everything(plain)

    # THEN
    assert resources_of(governed).keys() == resources_of(plain).keys()


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
    # GIVEN
    app = new_app(**context)
    stack = cdk.Stack(app, "Stack", permissions_boundary=boundary and cdk.PermissionsBoundary.from_name(boundary))

    # WHEN
    declare_some(stack)

    # THEN the image's role and the function's have it
    boundaries = properties_of(resources_of(stack, ROLE), "PermissionsBoundary")
    assert [found["Fn::Join"][1][-1] for found in boundaries] == [f":policy/{name}"] * 2


def policies(resources: dict[str, Any]) -> set[tuple[str | None, str | None]]:
    """What becomes of resources that leave the stack, and of those that are replaced."""
    return {(found.get("DeletionPolicy"), found.get("UpdateReplacePolicy")) for found in resources.values()}


def test_removal_policies_of_all(app: cdk.App, declare_some: Declare, resources_of: ResourcesOf) -> None:
    # GIVEN
    kept, removed = cdk.Stack(app, "Kept"), cdk.Stack(app, "Removed")
    declare_some(kept)
    image = declare_some(removed).image
    base_image, keep = BaseImage.from_uri(URI), cdk.RemovalPolicy.RETAIN
    ImageVersion(removed, "Precious", image=image, base_image=base_image, removal_policy=keep)

    # WHEN
    cdk.RemovalPolicies.of(kept).retain()
    cdk.RemovalPolicies.of(removed).destroy()

    # THEN
    assert policies(resources_of(kept)) == {("Retain", "Retain")}
    assert policies(resources_of(removed)) == {("Delete", "Delete")}


def test_removal_policies_of_versions(app: cdk.App, declare_some: Declare, resources_of: ResourcesOf) -> None:
    # GIVEN
    stack = cdk.Stack(app, "Stack")
    declare_some(stack)

    # WHEN
    cdk.RemovalPolicies.of(stack).retain(apply_to_resource_types=[VERSION])

    # THEN
    kept = {found["Type"] for found in resources_of(stack).values() if found.get("DeletionPolicy") == "Retain"}
    assert kept == {VERSION}


def test_missing_removal_policies(app: cdk.App, declare_some: Declare, resources_of: ResourcesOf) -> None:
    # GIVEN a version that is to be deleted, as any custom resource of the CDK's, and some of which something is said
    stack = cdk.Stack(app, "Stack")
    image, base_image = declare_some(stack).image, BaseImage.from_uri(URI)
    keep, replace = cdk.RemovalPolicy.RETAIN, Superseded.RETAIN
    ImageVersion(stack, "Kept", image=image, base_image=base_image, removal_policy=keep, superseded=Superseded.DELETE)
    ImageVersion(stack, "Replaced", image=image, base_image=base_image, superseded=replace)

    # WHEN
    cdk.MissingRemovalPolicies.of(stack).retain()

    # THEN what was said holds
    said = {
        logical_id[:4]: (found["DeletionPolicy"], found["UpdateReplacePolicy"])
        for logical_id, found in resources_of(stack, VERSION).items()
    }
    assert said == {"Vers": ("Delete", "Delete"), "Kept": ("Retain", "Delete"), "Repl": ("Delete", "Retain")}
    assert policies(resources_of(stack, "AWS::SageMaker::Image")) == {("Delete", "Delete")}


@pytest.mark.parametrize("superseded", [Superseded.DELETE, Superseded.ARCHIVE])
def test_missing_removal_policies_leave_what_becomes_of_superseded_versions(
    app: cdk.App, declare_some: Declare, resources_of: ResourcesOf, superseded: Superseded
) -> None:
    # GIVEN versions that are to be deleted, or archived, which takes a Delete, too
    stack = cdk.Stack(app, "Stack")
    image, base_image = declare_some(stack).image, BaseImage.from_uri(URI)
    ImageVersion(stack, "Replaced", image=image, base_image=base_image, superseded=superseded)

    # WHEN
    cdk.MissingRemovalPolicies.of(stack).retain()

    # THEN
    (version,) = (found for key, found in resources_of(stack, VERSION).items() if key.startswith("Replaced"))
    assert version["UpdateReplacePolicy"] == "Delete"


@jsii.implements(cdk.IPropertyInjector)
class TracedFunctions:
    """What an app wants of all functions, before they are made."""

    @property
    def construct_unique_id(self) -> str:
        return lambda_.Function.PROPERTY_INJECTION_ID

    # The names are jsii's.
    def inject(self, original_props: dict[str, Any], *, scope: IConstruct, id: str) -> dict[str, Any]:  # noqa: A002
        return original_props | {"tracing": lambda_.Tracing.ACTIVE}


@jsii.implements(cdk.IPropertyInjector)
class RolesUnderAPath:
    """What an app wants of all roles, before they are made."""

    @property
    def construct_unique_id(self) -> str:
        return iam.Role.PROPERTY_INJECTION_ID

    def inject(self, original_props: dict[str, Any], *, scope: IConstruct, id: str) -> dict[str, Any]:  # noqa: A002
        return original_props | {"path": "/team/"}


def test_property_injectors(app: cdk.App, declare_some: Declare, resources_of: ResourcesOf, only_of: OnlyOf) -> None:
    # GIVEN
    cdk.PropertyInjectors.of(app).add(TracedFunctions(), RolesUnderAPath())
    stack = cdk.Stack(app, "Stack")

    # WHEN
    declare_some(stack)

    # THEN
    assert only_of(stack, FUNCTION)["Properties"]["TracingConfig"] == {"Mode": "Active"}
    assert properties_of(resources_of(stack, ROLE), "Path") == ["/team/"] * 2
