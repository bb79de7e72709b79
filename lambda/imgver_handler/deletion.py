"""Deleting a version until it is gone, for whoever has decided that it goes."""

from __future__ import annotations

import math

from imgver_handler.arn import ImageVersionArn
from imgver_handler.failures import Failure, Kind, ServiceFailure
from imgver_handler.gateway import AwsGateway, ImageVersion
from imgver_handler.timing import Timing


def delete_version(arn: ImageVersionArn, *, gateway: AwsGateway, timing: Timing, patience: float = math.inf) -> None:
    """Delete a version and wait until it is gone; one that is missing, or being deleted already, is fine.

    Args:
        arn: the version.
        gateway: AWS.
        timing: the deadline.
        patience: seconds for which it may be in use, by default until the deadline.

    Raises:
        Failure: it is still there.
    """
    backoff = timing.backoff()
    while True:
        try:
            gateway.delete(arn)
            break
        except ServiceFailure as failure:
            version = _seen_after(failure, arn, gateway)
            if version is None:
                return
            if version.status == "DELETING":
                break
            if backoff.seconds > patience or not backoff.wait():
                raise
    created_at: float | None = None
    for _ in timing.polls(crowded=gateway.is_crowded):
        version = gateway.describe(arn)
        # Between two looks its number may have been given to a new version.
        if version is None or created_at not in (None, version.created_at):
            return
        created_at = version.created_at
        if version.status == "DELETE_FAILED":
            raise Failure(
                f"{arn} could not be deleted: {version.failure_reason.removesuffix('.')}. "
                "Remove what uses it, then delete it."
            )
    raise Failure(f"{arn} was not gone before the function's time was up. Look at it in SageMaker and delete it.")


def _seen_after(failure: ServiceFailure, arn: ImageVersionArn, gateway: AwsGateway) -> ImageVersion | None:
    """The version whose write was refused: in use by its own deletion, or by something that has to let go first."""
    if failure.kind is Kind.NOT_FOUND:
        return None
    if failure.kind is not Kind.BUSY:
        raise failure
    return gateway.describe(arn)
