"""The removal policies that CloudFormation accepts for resources without snapshots."""

import aws_cdk as cdk

from imgver_constructs._validation.checks import shown

_POLICIES = (
    cdk.RemovalPolicy.DESTROY,
    cdk.RemovalPolicy.RETAIN,
    cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
)


def check_removal_policy(value: object) -> None:
    """Check the removal policy of a resource without snapshots.

    Raises:
        ValueError: CloudFormation would reject the policy.
    """
    if value not in _POLICIES:
        raise ValueError(
            f"removal_policy {shown(value)} must be RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE: "
            "to keep the resource, use RemovalPolicy.RETAIN"
        )
