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

from collections.abc import Sequence

from imgver_handler.aws.arn import VersionId, is_same_time
from imgver_handler.aws.gateway import AwsGateway, ListedVersion
from imgver_handler.cloudformation.properties import ImageRetentionProperties, declared_versions
from imgver_handler.cloudformation.request import CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.resources.delete_version import delete_version
from imgver_handler.resources.resource import Resource

TIME_BUDGET = 300.0
"""Seconds that a retention takes at most in one deployment. The next deployment deletes the rest."""

DELETION_TIME = 10.0
"""Seconds that the deletion of a version usually takes at most. It is not started when less time is left."""

IN_USE_RETRY_LIMIT = 10.0
"""Seconds for which "in use" is retried, because it may mean another write to the image, which is temporary."""

_LEFT = (ErrorKind.BUSY, ErrorKind.THROTTLED, ErrorKind.UNREACHABLE)
"""The errors after which a version is left for the next deployment, since its deletion is not worth a rollback."""

_COUNTED_STATUSES = ("CREATED", "DELETE_FAILED")
"""The other statuses belong to versions that are being created or deleted, or that failed: they are neither counted nor
deleted."""


class ImageRetentionResource(Resource):
    """Handles the events of one invocation."""

    def create(self, request: CustomResourceRequest) -> Result:
        """Delete the versions that the declared retention does not retain, if the stack is new.

        A Create does not contain the versions that the stack declared before this deployment. In a stack that is
        updated, a rollback may need them, so that the next Update is the first to delete versions. The same holds if
        the status of the stack cannot be read.
        """
        declared = ImageRetentionProperties.parse(request.properties)
        of_stack = declared_versions(request.properties)
        is_new_stack = self._operation(request).status() == "CREATE_IN_PROGRESS"
        self._apply(declared, of_stack, deletes=is_new_stack)
        return Result(physical_id=f"{declared.image_name}/retention")

    def update(self, request: CustomResourceRequest) -> Result:
        """Delete the versions that the declared retention does not retain."""
        declared = ImageRetentionProperties.parse(request.properties)
        of_stack = declared_versions(request.properties) | declared_versions(request.old_properties)
        self._operation(request).refuse_late_event(is_of_rollback=lambda _: True)
        # As in a Create, the versions that the stack declared of another image before are not known.
        is_same_image = str(request.old_properties.get("ImageName")).lower() == declared.image_name.lower()
        self._apply(declared, of_stack, deletes=is_same_image)
        return Result(physical_id=f"{declared.image_name}/retention")

    def delete(self, request: CustomResourceRequest) -> Result:
        """Do nothing: the versions are retained when their retention is removed."""
        return Result(physical_id=request.physical_resource_id)

    def _apply(self, declared: ImageRetentionProperties, of_stack: set[int], *, deletes: bool) -> None:
        deadline = self._deadline.within(TIME_BUDGET)
        gateway = self._gateway.until(deadline)
        left = superseded(gateway.list_versions(declared.image_name), declared.keep, of_stack)
        last_start = deadline.reserving(DELETION_TIME)
        # A version in use takes its time only after all others are deleted.
        for in_use_retry_limit in (0.0, IN_USE_RETRY_LIMIT) if deletes else ():
            candidates, left = left, []
            for version in candidates:
                if not last_start.wait(0) or not self._delete_unless_needed(
                    version, gateway, deadline, in_use_retry_limit
                ):
                    left.append(version)
        if left:
            self._log.warning("left for the next deployment", image_name=declared.image_name, versions=len(left))

    def _delete_unless_needed(
        self, version: ListedVersion, gateway: AwsGateway, deadline: Deadline, in_use_retry_limit: float
    ) -> bool:
        """Delete a version, unless an alias names it. Returns False if it could not be deleted."""
        arn = version.arn
        try:
            aliases = gateway.list_aliases(arn)
            if aliases:
                self._log.info("retained: the version has aliases", arn=arn.value, aliases=aliases)
                return True
            current = gateway.describe(arn)
            if current is None or not is_same_time(version.created_at, current.created_at):
                return True
            delete_version(
                VersionId(arn, version.created_at),
                gateway=gateway,
                deadline=deadline,
                in_use_retry_limit=in_use_retry_limit,
            )
        except HandlerError as error:
            kind = error.kind if isinstance(error, AwsServiceError) else ErrorKind.BUSY
            if kind is ErrorKind.NOT_FOUND:
                return True
            if kind not in _LEFT:
                raise
            self._log.warning("could not delete a version", arn=arn.value, reason=error.reason)
            return False
        self._log.info("deleted by the retention", arn=arn.value)
        return True


def superseded(versions: Sequence[ListedVersion], keep: int, of_stack: set[int]) -> list[ListedVersion]:
    """Select the versions to delete: neither among the newest nor declared nor the predecessor of a declared one.

    Args:
        versions: all versions of the image.
        keep: the number of newest versions to retain.
        of_stack: the numbers of the versions that the stack declares, or declared before this deployment.

    Returns:
        The versions, oldest first. Aliases are not considered here.
    """
    counted = sorted(
        (version for version in versions if version.status in _COUNTED_STATUSES), key=lambda one: one.arn.version
    )
    needed = set(of_stack)
    for number in of_stack:
        older = [version.arn.version for version in counted if version.arn.version < number]
        needed |= set(older[-1:])
    return [version for version in counted[: max(0, len(counted) - keep)] if version.arn.version not in needed]
