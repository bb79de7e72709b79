"""Custom::SageMakerImageRetention: deletes what is old enough of an image, and only what nobody can miss.

=============  ====================================================================================================
kept           why
=============  ====================================================================================================
the newest     as many as ``Keep`` says
declared       a resource of the stack stands for it, or did before this deployment, which may still roll back
predecessor    the version before a declared one: a deployment that rolls back needs it
named          an alias points at it
in use         the service refuses to delete it; the next deployment tries again
=============  ====================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.cloudformation.properties import ImageRetentionProperties, declared_versions
from imgver_handler.cloudformation.request import Request
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources.deletion import delete_version

IN_USE_RETRY_LIMIT = 10.0
"""Seconds for which "in use" may be another write to the image, which goes away by itself."""

_USABLE = ("CREATED", "DELETE_FAILED")
"""What is being made or deleted, or never came to be, is left to those who do it."""


class ImageRetentionResource:
    """Handles the events of one invocation."""

    def __init__(self, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> None:
        self._gateway = gateway
        self._deadline = deadline
        self._log = log

    def create(self, request: Request) -> Result:
        """Delete the versions that the declared retention does not keep."""
        declared = ImageRetentionProperties.parse(request.properties)
        of_stack = declared_versions(request.properties) | declared_versions(request.old_properties)
        for arn in superseded(self._gateway.versions(declared.image_name), declared.keep, of_stack):
            if not self._deadline.wait(0):
                self._log.warning("left for the next deployment: the time is up", arn=arn.text)
                break
            self._delete_unless_needed(arn)
        return Result(physical_id=f"{declared.image_name}/retention")

    def update(self, request: Request) -> Result:
        """As a Create: what is kept follows from what there is, not from the time before."""
        return self.create(request)

    def delete(self, request: Request) -> Result:
        """Nothing: versions stay when their retention goes."""
        return Result(physical_id=request.physical_resource_id)

    def _delete_unless_needed(self, arn: ImageVersionArn) -> None:
        aliases = self._gateway.aliases(arn)
        if aliases:
            self._log.info("kept: it has aliases", arn=arn.text, aliases=aliases)
            return
        try:
            delete_version(arn, gateway=self._gateway, deadline=self._deadline, patience=IN_USE_RETRY_LIMIT)
        except HandlerError as failure:
            if isinstance(failure, AwsServiceError) and failure.kind is not ErrorKind.BUSY:
                raise
            self._log.warning("left for the next deployment", arn=arn.text, reason=failure.reason)
        else:
            self._log.info("deleted by the retention", arn=arn.text)


def superseded(versions: Mapping[ImageVersionArn, str], keep: int, of_stack: set[int]) -> list[ImageVersionArn]:
    """The versions that are neither new nor the stack's nor the predecessor of one of the stack's, oldest first.

    Args:
        versions: every version of the image with its status.
        keep: how many count as new.
        of_stack: the numbers of the versions that the stack declares or declared.
    """
    usable = sorted((arn for arn, status in versions.items() if status in _USABLE), key=lambda arn: arn.version)
    needed = set(of_stack)
    for number in of_stack:
        needed |= {arn.version for arn in [arn for arn in usable if arn.version < number][-1:]}
    return [arn for arn in usable[: max(0, len(usable) - keep)] if arn.version not in needed]
