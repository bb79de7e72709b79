"""Deletes an image version and waits until it is gone."""

from __future__ import annotations

from imgver_handler.aws.arn import ImageVersionArn, VersionId, is_same_time
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError

IN_USE_RETRY_LIMIT = 180.0
"""Seconds for which the deletion of a version in use is retried. A space may run for days, and the deployment waits."""

POLLS_PER_DELETION = 4
"""Polls after which a version that is still CREATED is deleted again."""

_OTHER_WRITES = ("being deleted", "modified concurrently")
"""Parts of the messages that mean another write to the image, which ends by itself."""


def delete_version(
    identity: VersionId,
    *,
    gateway: AwsGateway,
    deadline: Deadline,
    in_use_retry_limit: float = IN_USE_RETRY_LIMIT,
) -> None:
    """Delete a version and wait until it is gone. A version that is missing or already being deleted is not an error.

    Args:
        identity: the version. If its creation time is not known, it is that of the first poll. A version with another
            creation time is not deleted: it has the number of a version that is gone.
        gateway: the gateway to AWS.
        deadline: the time limit.
        in_use_retry_limit: the seconds for which "in use" is retried. Other writes to the image are waited for until
            the deadline.

    Raises:
        HandlerError: the version still exists.
    """
    arn, created_at = identity
    backoff = deadline.backoff()
    while True:
        try:
            gateway.delete(arn)
            break
        except AwsServiceError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return
            if error.kind is not ErrorKind.BUSY:
                raise
            # The version is in use, being created or being deleted, or there is another write to the image.
            version = gateway.describe(arn)
            if version is not None:
                if not is_same_time(created_at, version.created_at):
                    return
                created_at = version.created_at
                if version.status == "DELETING":
                    break
            is_in_use = not any(text in error.message for text in _OTHER_WRITES)
            if (is_in_use and backoff.seconds > in_use_retry_limit) or not backoff.wait():
                raise
    _wait_until_gone(VersionId(arn, created_at), gateway, deadline)


def _wait_until_gone(identity: VersionId, gateway: AwsGateway, deadline: Deadline) -> None:
    arn, created_at = identity
    misses = 0
    for poll, _ in enumerate(deadline.polls(throttled=gateway.is_throttled)):
        version = gateway.describe(arn)
        if version is None:
            misses += 1
            # A deletion takes longer than one poll, and a new version may not be readable for a moment.
            if misses > 1 or (poll > 0 and not VersionId(arn, created_at).is_new(deadline.now())):
                return
            continue
        if not is_same_time(created_at, version.created_at):
            return
        misses, created_at = 0, version.created_at
        if version.status == "CREATED" and poll % POLLS_PER_DELETION == POLLS_PER_DELETION - 1:
            # A proxy may have responded in the place of the service.
            _repeat(arn, gateway)
        if version.status == "DELETE_FAILED":
            raise HandlerError(
                f"{arn} could not be deleted: {version.failure_reason.removesuffix('.')}. "
                "Remove what uses it, then delete it."
            )
    raise HandlerError(
        f"{arn} was not gone before the function's time was up. Check the version in SageMaker, and delete it."
    )


def _repeat(arn: ImageVersionArn, gateway: AwsGateway) -> None:
    try:
        gateway.delete(arn)
    except AwsServiceError as error:
        if error.kind not in (ErrorKind.BUSY, ErrorKind.NOT_FOUND):
            raise
