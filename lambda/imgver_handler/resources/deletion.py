"""Deleting a version until it is gone, for whoever has decided that it goes."""

from __future__ import annotations

import math

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersion
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError


def delete_version(
    arn: ImageVersionArn, *, gateway: AwsGateway, deadline: Deadline, patience: float = math.inf
) -> None:
    """Delete a version and wait until it is gone; one that is missing, or being deleted already, is fine.

    Args:
        arn: the version.
        gateway: AWS.
        deadline: the deadline.
        patience: seconds for which it may be in use, by default until the deadline.

    Raises:
        HandlerError: it is still there.
    """
    backoff = deadline.backoff()
    while True:
        try:
            gateway.delete(arn)
            break
        except AwsServiceError as failure:
            version = _seen_after(failure, arn, gateway)
            if version is None:
                return
            if version.status == "DELETING":
                break
            if backoff.seconds > patience or not backoff.wait():
                raise
    created_at: float | None = None
    for _ in deadline.polls(throttled=gateway.is_throttled):
        version = gateway.describe(arn)
        # Between two looks its number may have been given to a new version.
        if version is None or created_at not in (None, version.created_at):
            return
        created_at = version.created_at
        if version.status == "DELETE_FAILED":
            raise HandlerError(
                f"{arn} could not be deleted: {version.failure_reason.removesuffix('.')}. "
                "Remove what uses it, then delete it."
            )
    raise HandlerError(f"{arn} was not gone before the function's time was up. Look at it in SageMaker and delete it.")


def _seen_after(failure: AwsServiceError, arn: ImageVersionArn, gateway: AwsGateway) -> ImageVersion | None:
    """The version whose write was refused: in use by its own deletion, or by something that has to let go first."""
    if failure.kind is ErrorKind.NOT_FOUND:
        return None
    if failure.kind is not ErrorKind.BUSY:
        raise failure
    return gateway.describe(arn)
