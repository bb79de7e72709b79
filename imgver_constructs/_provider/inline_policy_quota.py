"""A check at synth of the quota for inline policies of a role. In the deployment, IAM would reject the policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import region_info
from constructs import IConstruct, IValidation

from imgver_constructs._validation.checks import shown

IAM_LIMIT = 10_240
"""Characters that IAM allows the inline policies of a role together, white space excluded."""

USABLE = 8_192
"""Characters that an app may use: an update creates new policies before it deletes the old ones."""

_UNKNOWN = "x" * 80
"""A placeholder for values that are unknown at synth; it is as long as a usual ARN."""


@jsii.implements(IValidation)
class InlinePolicyQuota:
    """Refuses an app in which the inline policies of a provider's role exceed the quota of IAM."""

    def __init__(self, role: iam.IRole, *, scopes: Sequence[IConstruct], remedy: str) -> None:
        """Create a validation for the CDK.

        Args:
            role: the role.
            scopes: the constructs with the policies of the role below them.
            remedy: the remedy for an exceeded quota, as the error states it.
        """
        self._role = role
        self._scopes = scopes
        self._remedy = remedy

    def validate(self) -> list[str]:
        """Return the error, if there is one."""
        characters = sum(_characters(construct) for scope in self._scopes for construct in scope.node.find_all())
        if characters <= USABLE:
            return []
        role = shown(self._role.node.path)
        return [
            (
                f"inline policies of role {role} must have at most {USABLE} characters, not about {characters}, since "
                f"IAM allows {IAM_LIMIT} and an update creates new policies before it deletes the old ones: "
                f"{self._remedy}"
            )
        ]


def _characters(construct: object) -> int:
    """Return the number of characters of inline policies in a construct."""
    if isinstance(construct, iam.CfnPolicy):
        stack = cdk.Stack.of(construct)
        # The CDK leaves a policy without roles out of the template.
        documents = [stack.resolve(construct.policy_document)] if stack.resolve(construct.roles) else []
    elif isinstance(construct, iam.CfnRole):
        stack = cdk.Stack.of(construct)
        documents = [policy["policyDocument"] for policy in stack.resolve(construct.policies) or []]
    else:
        return 0
    known = _known(stack)
    return sum(len(json.dumps(_filled(document, known), separators=(",", ":"))) for document in documents)


def _known(stack: cdk.Stack) -> Mapping[str, str]:
    """Return values for the pseudo parameters, as long as those of CloudFormation."""
    region = stack.resolve(stack.region)
    partition = region_info.RegionInfo.get(region).partition if isinstance(region, str) else None
    arn = f"arn:{partition or 'aws'}:cloudformation:ap-southeast-1:123456789012:stack/{stack.stack_name}/"
    return {
        "AWS::Partition": partition or "aws",
        "AWS::Region": "ap-southeast-1",
        "AWS::AccountId": "123456789012",
        "AWS::StackId": f"{arn}{'x' * 36}",
    }


def _filled(value: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401 (a policy document is any JSON)
    """Return a document with strings in place of everything that CloudFormation resolves."""
    match value:
        case list():
            return [_filled(item, known) for item in value]
        case {"Ref": name}:
            return known.get(name, _UNKNOWN)
        case {"Fn::Join": [separator, [*parts]]}:
            return separator.join(str(_filled(part, known)) for part in parts)
        case dict() if any(key.startswith("Fn::") for key in value):
            return _UNKNOWN
        case dict():
            return {key: _filled(item, known) for key, item in value.items()}
        case _:
            return value
