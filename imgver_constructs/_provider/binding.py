"""The link between a provider and the custom resources that its function handles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IDependable

from imgver_constructs._provider.policies import Permissions
from imgver_constructs._stack_registry import StackRegistry
from imgver_constructs.base_image import BoundBaseImage
from imgver_constructs.image import IImage, identity_of

Resource = TypeVar("Resource", bound=cdk.CfnResource)


@dataclass(kw_only=True)
class ProviderBinding:
    """The parts of a provider that the other constructs of this package use."""

    registry: StackRegistry
    """The registry of the stack in which the provider is declared."""

    function: lambda_.Function
    log_group: logs.ILogGroup
    permissions: Permissions
    dead_letter_queue: sqs.IQueue | None

    service_timeout: int
    """Seconds for which CloudFormation waits for a response."""

    working_seconds: int | None
    """Seconds that the handler has for one event; None if the timeout of the function is a token."""

    service_token: str = field(init=False)
    """The ARN of the function."""

    _dependencies: dict[tuple[IImage, str | None, bool], _Dependencies] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Read the ARN of the function once."""
        # Function.function_arn would search for its stack on each use.
        self.service_token = cast("lambda_.CfnFunction", self.function.node.default_child).attr_arn

    def create_resource(
        self,
        scope: Construct,
        construct_id: str,
        resource_type: str,
        *,
        path: str,
        image: IImage | None,
        properties: Mapping[str, object],
        resource_class: type[Resource],
        base_image: BoundBaseImage | None = None,
        lists_aliases: bool = False,
        needs_dependencies: bool = True,
        policies: Sequence[IDependable] = (),
    ) -> Resource:
        """Create a custom resource that depends on everything that its events need.

        CloudFormation then creates the function's policies before the resource, and deletes them after it.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            resource_type: the CloudFormation type.
            path: the path of ``scope``, which the reason of a failure names.
            image: the image whose versions the resource describes and changes; None if it changes no version.
            properties: the properties as the handler receives them.
            resource_class: the class of the resource.
            base_image: the base image that the resource creates a version from. Default: none.
            lists_aliases: whether the resource also lists the aliases of versions.
            needs_dependencies: False if the properties refer to a resource that has the dependencies.
            policies: other policies that the events of the resource need. Default: none.
        """
        # CustomResource would create a second construct, and each takes a call into jsii.
        resource = resource_class(
            scope,
            construct_id,
            type=resource_type,
            properties={
                "ServiceToken": self.service_token,
                "ServiceTimeout": str(self.service_timeout),
                "ConstructPath": path,
                **properties,
            },
        )
        if image is not None and needs_dependencies:
            dependencies = self._dependencies_of(image, base_image, lists_aliases=lists_aliases)
            for policy in dependencies.policies:
                # The second name is the one of older releases of aws-cdk-lib.
                getattr(resource, "add_resource_dependency", resource.add_dependency)(policy)
            if dependencies.constructs:
                resource.node.add_dependency(*dependencies.constructs)
        if policies:
            resource.node.add_dependency(self.function.node.find_child("EventInvokeConfig"), *policies)
        return resource

    def _dependencies_of(
        self, image: IImage, base_image: BoundBaseImage | None, *, lists_aliases: bool
    ) -> _Dependencies:
        """Return what must exist before the resource and outlive it, read once for equal resources."""
        identity = identity_of(image)
        repository_arn = None if base_image is None else base_image.repository_arn
        key = (image, repository_arn, lists_aliases)
        if key not in self._dependencies:
            permitted = self.permissions.permit(identity, repository_arn=repository_arn, lists_aliases=lists_aliases)
            policies: list[cdk.CfnResource] = []
            constructs: list[IDependable] = []
            if self.permissions.are_resources:
                # The policies depend on the rest of the function. One dependency is one call into jsii.
                policies = [cast("cdk.CfnResource", policy.node.default_child) for policy in permitted]
            else:
                constructs = [self.permissions.event_invoke_config, *permitted]
            if base_image is not None and image.role is not None:
                constructs += [*identity.dependencies, *base_image.pull_permission]
            self._dependencies[key] = _Dependencies(policies, constructs)
        return self._dependencies[key]


class _Dependencies(NamedTuple):
    """What must exist before a custom resource, and outlive it."""

    policies: Sequence[cdk.CfnResource]
    constructs: Sequence[IDependable]
