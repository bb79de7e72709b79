"""The custom resource of an image version: its policies, and the uses of its attributes.

The attributes may be used only where a replacement can change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import aws_cdk as cdk
import jsii
from constructs import IConstruct, IValidation

from imgver_constructs._validation.checks import check_choice
from imgver_constructs._validation.warnings import POLICY_OVERRIDDEN
from imgver_constructs.enums import ImageVersionPolicy

_COMMON_ATTRIBUTES = ("ImageArn", "ImageName")
"""The attributes that a version has in common with the version that replaces it."""

RETAINING = (cdk.CfnDeletionPolicy.RETAIN, cdk.CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE)
"""The policies with which CloudFormation does not delete a resource."""


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The declared policies of a version; None if a policy is not declared."""

    update_replace: ImageVersionPolicy | None
    deletion: ImageVersionPolicy | None

    @property
    def are_told_apart(self) -> bool:
        """Return whether the function must tell the deletion of a replaced version from that of a removed one."""
        return {self.update_replace, self.deletion} == {ImageVersionPolicy.ARCHIVE, ImageVersionPolicy.DELETE}


def check_policy(parameter: str, value: object) -> ImageVersionPolicy | None:
    """Return the policy that ``value`` is or names; None for no declaration.

    Raises:
        ValueError: ``value`` is not a policy.
    """
    return None if value is None else check_choice(parameter, value, ImageVersionPolicy)


@jsii.implements(IValidation)
class VersionResource(cdk.CfnResource):
    """A custom resource that refuses an app in which another stack uses an attribute that a replacement changes.

    The references between stacks are known only when the CDK resolves the tokens, and the policies when all aspects,
    such as those of ``RemovalPolicies``, were applied.
    """

    _policies: Policies | None = None
    _is_validated = False

    def apply_policies(self, policies: Policies) -> None:
        """Set the policies of CloudFormation. It sends the same event for ARCHIVE as for DELETE."""
        retained = (None, ImageVersionPolicy.RETAIN)
        # CloudFormation deletes a version that a failed deployment created.
        self.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if policies.deletion in retained else cdk.RemovalPolicy.DESTROY
        )
        if (policies.update_replace in retained) != (policies.deletion in retained):
            self.cfn_options.update_replace_policy = (
                cdk.CfnDeletionPolicy.RETAIN if policies.update_replace in retained else cdk.CfnDeletionPolicy.DELETE
            )
        if policies != Policies(update_replace=None, deletion=None):
            self._policies = policies
            self._validate_at_synth()

    @property
    def physical_id(self) -> str:
        """The physical ID of the version, for resources of the same stack; a token."""
        return super().ref

    @property
    def ref(self) -> str:
        """The physical ID of the version; a token."""
        return _Attribute("Ref", cdk.Token.as_any(super().ref), self, self._uses).to_string()

    def get_att(self, attribute_name: str, type_hint: cdk.ResolutionTypeHint | None = None) -> cdk.Reference:
        """Return an attribute of the version; a token.

        Args:
            attribute_name: the name of the attribute.
            type_hint: the type of the attribute. Default: a string.
        """
        attribute = super().get_att(attribute_name, type_hint)
        if attribute_name in _COMMON_ATTRIBUTES:
            return attribute
        return _Attribute(attribute_name, attribute, self, self._uses)

    @cached_property
    def _uses(self) -> dict[tuple[str, str], None]:
        """The attributes with the users that are errors, in the order in which the CDK resolves them."""
        self._validate_at_synth()
        return {}

    def _validate_at_synth(self) -> None:
        # Most versions have no attribute that is used and no declared policy, so they need no validation.
        if not self._is_validated:
            self.node.add_validation(self)
            self._is_validated = True

    @cached_property
    def own_stack(self) -> cdk.Stack:
        """The stack that the version is declared in."""
        return cdk.Stack.of(self)

    def validate(self) -> list[str]:
        """Return the errors. The CDK calls this method after it has found all references between stacks."""
        if self._policies is not None:
            self._warn_of_overridden(self._policies)
        return [
            f"attribute {attribute} of version {self.node.path.rpartition('/')[0]!r} must be used only in stack "
            f"{outermost_stack(self)!r}, not by {user}, since a replacement could not change it there: use an "
            "alias of the version, whose name does not change, or write the value to an SSM parameter and read that by "
            "its name, with StringParameter.value_for_string_parameter, or declare both in one stack"
            for attribute, user in self._uses
        ]

    @property
    def outlives_its_stack(self) -> bool:
        """Whether the version is not deleted with its stack. Aspects may change this until the app is synthesized."""
        archives = self._policies is not None and self._policies.deletion is ImageVersionPolicy.ARCHIVE
        return archives or self.cfn_options.deletion_policy in RETAINING

    def _warn_of_overridden(self, policies: Policies) -> None:
        options = self.cfn_options
        for parameter, declared, applied in (
            ("update_replace_policy", policies.update_replace, options.update_replace_policy),
            ("deletion_policy", policies.deletion, options.deletion_policy),
        ):
            if declared is not None and (declared is ImageVersionPolicy.RETAIN) != (applied in RETAINING):
                cdk.Annotations.of(self).add_warning_v2(
                    POLICY_OVERRIDDEN,
                    f"{parameter} {declared.value} should not be overridden with {_name_of(applied)} by "
                    f"RemovalPolicies or another aspect: leave {parameter} out, or exclude {self.cfn_resource_type} "
                    "from the aspect",
                )


def _name_of(policy: cdk.CfnDeletionPolicy | None) -> str:
    return "DELETE" if policy is None else policy.name


class _Attribute(cdk.Reference):
    """An attribute of a version, which records the uses that are errors."""

    def __init__(
        self, name: str, value: cdk.IResolvable, resource: VersionResource, uses: dict[tuple[str, str], None]
    ) -> None:
        super().__init__(value, resource, name)
        self._name = name
        self._value = value
        self._resource = resource
        self._uses = uses

    def resolve(self, context: cdk.IResolveContext) -> Any:  # noqa: ANN401 (the type of the CDK)
        """Return the attribute as the CDK created it."""
        # The CDK prepares all templates before it validates the constructs.
        if context.preparing:
            self._check(context.scope)
        return self._value

    def _check(self, user: IConstruct) -> None:
        # In most cases the stack is the same object, and no other call into jsii is necessary.
        is_elsewhere = cdk.Stack.of(user) is not self._resource.own_stack
        if is_elsewhere and (stack := outermost_stack(user)) != outermost_stack(self._resource):
            self._uses[self._name, f"{user.node.path!r} in stack {stack!r}"] = None
        elif isinstance(user, cdk.CfnOutput) and user.export_name is not None:
            self._uses[self._name, f"the export of {user.node.path!r}"] = None


def outermost_stack(construct: IConstruct) -> str:
    """Return the path of the stack of a construct; for a nested stack, the path of its outermost parent."""
    stack = cdk.Stack.of(construct)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack.node.path
