"""Deletes an image version and waits until it is gone."""

from __future__ import annotations

import math

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersionDescription
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError


def delete_version(
    arn: ImageVersionArn,
    *,
    gateway: AwsGateway,
    deadline: Deadline,
    created_at: float | None = None,
    in_use_retry_limit: float = math.inf,
) -> None:
    """Delete a version and wait until it is gone. A version that is missing or already being deleted is not an error.

    Args:
        arn: the version.
        gateway: the gateway to AWS.
        deadline: the time limit.
        created_at: the creation time of the version, in seconds since the epoch. Default: that of the first poll. A
            version with another time has the number of the deleted version.
        in_use_retry_limit: the seconds for which "in use" is retried. Default: until the deadline.

    Raises:
        HandlerError: the version still exists.
    """
    backoff = deadline.backoff()
    while True:
        try:
            gateway.delete(arn)
            break
        except AwsServiceError as error:
            version = _describe_after(error, arn, gateway)
            if version is None:
                return
            if version.status == "DELETING":
                break
            if backoff.seconds > in_use_retry_limit or not backoff.wait():
                raise
    for _ in deadline.polls(throttled=gateway.is_throttled):
        version = gateway.describe(arn)
        if version is None or created_at not in (None, version.created_at):
            return
        created_at = version.created_at
        if version.status == "DELETE_FAILED":
            raise HandlerError(
                f"{arn} could not be deleted: {version.failure_reason.removesuffix('.')}. "
                "Remove what uses it, then delete it."
            )
    raise HandlerError(
        f"{arn} was not gone before the function's time was up. Check the version in SageMaker, and delete it."
    )


def _describe_after(
    error: AwsServiceError, arn: ImageVersionArn, gateway: AwsGateway
) -> ImageVersionDescription | None:
    """Describe a version that the service refused to delete because it is in use or being deleted already."""
    if error.kind is ErrorKind.NOT_FOUND:
        return None
    if error.kind is not ErrorKind.BUSY:
        raise error
    return gateway.describe(arn)
