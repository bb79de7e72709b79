"""Custom::SageMakerImageRetention: deletes the old versions of an image that are no longer needed.

================  =================================================================================================
retained version  reason
================  =================================================================================================
newest            ``Keep`` is the number of newest versions to retain
declared          the stack declares the version, or did so before this deployment, which may still roll back
predecessor       it is the version before a declared one, and a rollback needs it
with alias        an alias names it
in use            the service refuses to delete it, and the next deployment tries again
================  =================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.cloudformation.properties import ImageRetentionProperties, declared_versions
from imgver_handler.cloudformation.request import CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources.delete_version import delete_version

IN_USE_RETRY_LIMIT = 10.0
"""Seconds for which "in use" is retried, because it may mean another write to the image, which is temporary."""

_COUNTED_STATUSES = ("CREATED", "DELETE_FAILED")
"""The other statuses belong to versions that are being created or deleted, or that failed: they are neither counted nor
deleted."""


class ImageRetentionResource:
    """Handles the events of one invocation."""

    def __init__(self, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> None:
        """Handle the events through ``gateway``, until ``deadline``."""
        self._gateway = gateway
        self._deadline = deadline
        self._log = log

    def create(self, request: CustomResourceRequest) -> Result:
        """Delete the versions that the declared retention does not retain."""
        declared = ImageRetentionProperties.parse(request.properties)
        of_stack = declared_versions(request.properties) | declared_versions(request.old_properties)
        statuses = {each.arn: each.status for each in self._gateway.list_versions(declared.image_name)}
        for arn in superseded(statuses, declared.keep, of_stack):
            if not self._deadline.wait(0):
                self._log.warning("left for the next deployment: the function's time is up", arn=arn.value)
                break
            self._delete_unless_needed(arn)
        return Result(physical_id=f"{declared.image_name}/retention")

    def update(self, request: CustomResourceRequest) -> Result:
        """Do the same as for a Create, since only the current versions matter."""
        return self.create(request)

    def delete(self, request: CustomResourceRequest) -> Result:
        """Do nothing: the versions are retained when their retention is removed."""
        return Result(physical_id=request.physical_resource_id)

    def _delete_unless_needed(self, arn: ImageVersionArn) -> None:
        aliases = self._gateway.list_aliases(arn)
        if aliases:
            self._log.info("retained: the version has aliases", arn=arn.value, aliases=aliases)
            return
        try:
            delete_version(arn, gateway=self._gateway, deadline=self._deadline, in_use_retry_limit=IN_USE_RETRY_LIMIT)
        except HandlerError as error:
            if isinstance(error, AwsServiceError) and error.kind is not ErrorKind.BUSY:
                raise
            self._log.warning("left for the next deployment", arn=arn.value, reason=error.reason)
        else:
            self._log.info("deleted by the retention", arn=arn.value)


def superseded(versions: Mapping[ImageVersionArn, str], keep: int, of_stack: set[int]) -> list[ImageVersionArn]:
    """Select the versions to delete: neither among the newest nor declared nor the predecessor of a declared one.

    Args:
        versions: all versions of the image, with their statuses.
        keep: the number of newest versions to retain.
        of_stack: the numbers of the versions that the stack declares, or declared before this deployment.

    Returns:
        The versions, oldest first. Aliases are not considered here.
    """
    counted = sorted((arn for arn, status in versions.items() if status in _COUNTED_STATUSES), key=lambda a: a.version)
    needed = set(of_stack)
    for number in of_stack:
        needed |= {arn.version for arn in [arn for arn in counted if arn.version < number][-1:]}
    return [arn for arn in counted[: max(0, len(counted) - keep)] if arn.version not in needed]
