"""What may become of a resource when it leaves its stack."""

import aws_cdk as cdk

from imgver_constructs._validation.checks import shown

_POLICIES = (
    cdk.RemovalPolicy.DESTROY,
    cdk.RemovalPolicy.RETAIN,
    cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
)


def check_removal_policy(value: object) -> None:
    """Check a removal policy of something that has no snapshots.

    Raises:
        ValueError: CloudFormation would refuse it.
    """
    if value not in _POLICIES:
        raise ValueError(
            f"removal_policy {shown(value)} must be RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE: "
            "to keep it, use RemovalPolicy.RETAIN"
        )
