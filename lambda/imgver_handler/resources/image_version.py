"""Custom::SageMakerImageVersion: creates, updates, replaces, adopts, archives and deletes image versions.

=======  ==========================================================================================================
event    action
=======  ==========================================================================================================
Create   A version is created, or the version to adopt is checked. The response is sent when the version is CREATED.
Update   The declared state is compared with the version itself, never with the old properties: after a failed
         update CloudFormation sends a second Update with the two sets of properties swapped, and then the version
         already has the declared state. A change that the API does not allow leads to a new version with a new
         physical id, and CloudFormation deletes the old one. Only a Create adopts a version, so that no rollback has
         to undo an adoption.
Delete   The version is deleted or archived, but only if it belongs to this resource.
=======  ==========================================================================================================
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from imgver_handler.aws.arn import ImageVersionArn, VersionId
from imgver_handler.aws.gateway import ImageVersionDescription
from imgver_handler.cloudformation.operation import CLOCK_TOLERANCE, OperationState, began_before
from imgver_handler.cloudformation.properties import ARCHIVE, ImageVersionProperties, adopted_version, policy
from imgver_handler.cloudformation.request import CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import POLL_INTERVAL, Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.resources.delete_version import delete_version
from imgver_handler.resources.failure_hints import hint_for_failed_version, hint_for_refused_call
from imgver_handler.resources.resource import Resource, deletion_advice
from imgver_handler.resources.stack_operation import LATE, StackOperation, not_waited_for

CREATE_ATTEMPTS = 5
"""The number of client tokens that one event tries. The next token is tried after a failed or deleted version."""

READ_LAG = 30.0
"""Seconds for which a version that was just created may not be found, because reads may lag behind writes."""

UNREAD = 20.0
"""Seconds since its creation for which no read may have found a version yet. The clocks may differ."""

READ_TIME_BUDGET = 10.0
"""Seconds that a read may take before the deletion of a version that was just created."""

CLEANUP_TIME_BUDGET = 90.0
"""Seconds that are reserved for the deletion of a new version that failed or that nobody waits for."""

IN_USE_RETRY_LIMIT = 30.0
"""Seconds for which a version in use is retried when its image is deleted after it."""

_TOKEN_NAMESPACE = uuid.UUID("5f0a6f0e-6f5c-5d0c-9a53-0d2a3f5d6f5b")

_UNSET_VALUES: Mapping[str, str | bool] = {"VendorGuidance": "NOT_PROVIDED", "Horovod": False}
"""The values that unset metadata. Other metadata can only be removed together with its version."""

_DELETED = "was deleted while it was being created"

_NOT_ARCHIVED = ("CREATE_FAILED", "DELETE_FAILED", "DELETING")
"""The statuses of versions that are deleted even when OnReplace or OnDelete is ARCHIVE."""


class ImageVersionResource(Resource):
    """Handles the events of one invocation."""

    def create(self, request: CustomResourceRequest) -> Result:
        """Create the declared version, or adopt an existing one."""
        declared = ImageVersionProperties.parse(request.properties)
        if declared.adopted_version is not None:
            return self._adopt(request, declared, declared.adopted_version)
        return self._create(request, declared)

    def update(self, request: CustomResourceRequest) -> Result:
        """Bring the version to the declared state: in place where the API allows it, else by a replacement."""
        declared = ImageVersionProperties.parse(request.properties)
        identity = VersionId.parse(request.physical_resource_id)
        arn = None if identity is None or not identity.arn.belongs_to(declared.image_name) else identity.arn
        result = self._update(request, declared, identity, arn)
        if arn is not None:
            self._operation(request).wait_for_cancelled_replacement("ImageName")
        return result

    def _update(
        self,
        request: CustomResourceRequest,
        declared: ImageVersionProperties,
        identity: VersionId | None,
        arn: ImageVersionArn | None,
    ) -> Result:
        """Update or replace the version. ``arn`` is None if it is a version of another image."""
        adopted = declared.adopted_version
        allowed = () if arn is None else (arn.version, adopted_version(request.old_properties))
        # A rollback is not refused, because it may restore the declaration of an adopted version.
        if (
            adopted is not None
            and adopted not in allowed
            and not self._is_rolling_back(request, "AdoptVersion changed")
        ):
            raise HandlerError(
                f"cannot adopt version {adopted} of image {declared.image_name}: this resource already has "
                f"{request.physical_resource_id}, and would lose it. Declare another ImageVersion to adopt the version."
            )
        if identity is None or arn is None:
            return self._replace(request, declared, "ImageName changed")
        # A needless replacement costs more than a wait.
        read_lag = READ_LAG if identity.is_new(self._deadline.now()) else POLL_INTERVAL
        operation = self._operation(request)
        current = self._find(
            identity,
            declared.image_name,
            wait_while_creating=True,
            read_lag=read_lag,
            if_missing=operation.read_once,
        )
        if current is not None and _is_another(current, identity):
            self._log.warning("not touched: another version has this ARN", arn=arn.value)
            current = None
        if current is None or current.status != "CREATED":
            why = "the version is gone" if current is None else f"the version is {current.status}"
            operation.read_once()
            if operation.rolls_back():
                # The rollback needs a new version, and the update that it cancelled does not.
                is_recent = operation.was_read_at_once and not operation.is_late()
                if not is_recent and operation.state_as_read(_is_of_rollback(request)) is OperationState.ROLLED_BACK:
                    raise not_waited_for()
                return self._replace(request, declared, why, belongs_to_rollback=True)
            return self._replace(request, declared, why)
        reason = self._replacement_reason(request, declared, current)
        if reason is not None:
            return self._replace(request, declared, reason)
        changes = _metadata_changes(current, declared, request.old_properties)
        if operation.is_late():
            state = operation.state(is_of_rollback=_is_of_rollback(request))
            if state is OperationState.ROLLED_BACK and not operation.is_deleted():
                self._remove_left_behind(request, declared)
            if changes and operation.state_as_read(lambda _: True) is not OperationState.RUNNING:
                raise not_waited_for()
        if changes:
            # A late event of the rollback cannot be told from one of the update that is rolled back.
            if operation.rolls_back() and operation.outlives_rollback():
                raise not_waited_for()
            self._write(operation, current.arn, changes)
        return _result(request.physical_resource_id, current, declared)

    def _write(
        self, operation: StackOperation, arn: ImageVersionArn, changes: Mapping[str, str | bool | list[str]]
    ) -> None:
        """Change the metadata, unless CloudFormation stops waiting while the image is busy.

        An event that finds the stack rolling back when it arrives is one of the rollback. Some seconds later, the stack
        may roll back the update of the event.
        """
        backoff = self._deadline.backoff()
        may_be_cancelled: bool | None = None
        while True:
            try:
                self._gateway.update(arn, changes, retries_busy=False)
            except AwsServiceError as error:
                if error.kind is not ErrorKind.BUSY:
                    raise
                if may_be_cancelled is None:
                    operation.read_once()
                    may_be_cancelled = operation.was_read_at_once and not operation.rolls_back()
                if not backoff.wait():
                    raise
                if may_be_cancelled and operation.state(is_of_rollback=lambda _: False) is OperationState.ROLLED_BACK:
                    raise not_waited_for() from error
            else:
                return

    def delete(self, request: CustomResourceRequest) -> Result:
        """Delete or archive the version of the physical id, if it belongs to this resource."""
        result = Result(physical_id=request.physical_resource_id)
        identity = VersionId.parse(request.physical_resource_id)
        if identity is None:
            self._log.info("nothing to delete: the physical id is not an image version", physical_id=result.physical_id)
            self._operation(request).wait_for_cancelled_create()
            return result
        _refuse_foreign_version(identity.arn, request)
        on_replace, on_delete = (policy(request.properties, name) for name in ("OnReplace", "OnDelete"))
        if adopted_version(request.properties) == identity.arn.version:
            self._log.info("retained: the version was adopted, not created", arn=identity.arn.value)
            return result
        if ARCHIVE in (on_replace, on_delete):
            # A version that an earlier delivery has archived may belong to somebody else since.
            self._operation(request).refuse_late_event(is_of_rollback=lambda _: False)
        archive = ARCHIVE in (on_replace, on_delete) and self._archives(request, identity, on_replace, on_delete)
        image_name = request.properties.get("ImageName", identity.arn.image_name)
        # A write tells whether a version exists that cannot be read yet. No other one has its number so soon.
        is_unread = identity.is_new(self._deadline.now(), UNREAD) and not archive
        with deletion_advice(request):
            version = self._find(identity, image_name, wait_while_creating=archive)
            if version is None and is_unread:
                self._delete(request, VersionId(identity.arn.with_image_name(image_name), identity.created_at))
            elif version is None:
                self._log.info("nothing to delete: the version is gone", arn=identity.arn.value)
            elif _is_another(version, identity):
                self._log.warning("not touched: another version has this ARN", arn=identity.arn.value)
            elif archive and version.status not in _NOT_ARCHIVED:
                self._archive(version.arn)
            else:
                self._delete(request, version.identity)
        return result

    def _archives(self, request: CustomResourceRequest, identity: VersionId, on_replace: str, on_delete: str) -> bool:
        """Whether a Delete archives the version. Of the two policies, at least one is ARCHIVE.

        The event is the same for a version that was replaced, one that leaves the stack, and one that a failed
        deployment created, which is always deleted. If the case cannot be told, the version is archived, not lost.
        """
        operation = self._operation(request)
        status = operation.status()
        if "ROLLBACK" in status and operation.had_begun(identity.created_at):
            return False
        if on_replace == on_delete:
            return True
        is_replaced = operation.has_replaced()
        return is_replaced is None or (on_replace if is_replaced else on_delete) == ARCHIVE

    def _find(
        self,
        identity: VersionId,
        image_name: str,
        *,
        wait_while_creating: bool,
        read_lag: float = POLL_INTERVAL,
        if_missing: Callable[[], None] = lambda: None,
    ) -> ImageVersionDescription | None:
        """Describe the version that has the ARN of a resource. Returns None when no version has it.

        Args:
            identity: the version.
            image_name: the name of the image, as the template spells it.
            wait_while_creating: whether to wait while the version is CREATING.
            read_lag: seconds after which a version that is not found is gone. Default: one more poll, because a
                version that was found before may not be readable for a moment.
            if_missing: called when a poll does not find the version. Default: nothing.
        """
        arn = identity.arn.with_image_name(image_name)
        found_by: float | None = None
        for _ in self._deadline.polls(throttled=self._gateway.is_throttled):
            version = self._gateway.describe(arn)
            if version is None:
                if_missing()
                # The first poll is not sent at once while SageMaker throttles.
                found_by = found_by or self._deadline.now() + read_lag
                if self._deadline.now() >= found_by:
                    return None
            elif version.status != "CREATING" or not wait_while_creating or _is_another(version, identity):
                return version
        raise HandlerError(f"{arn} was still CREATING when the function's time was up. Deploy again.")

    def _delete(self, request: CustomResourceRequest, identity: VersionId) -> None:
        deletion = partial(delete_version, identity, gateway=self._gateway, deadline=self._deadline)
        if request.properties.get("DeletedWithImage") != "true":
            deletion()
            return
        try:
            deletion(in_use_retry_limit=IN_USE_RETRY_LIMIT)
        except HandlerError as error:
            is_in_use = not isinstance(error, AwsServiceError) or error.kind is ErrorKind.BUSY
            if not is_in_use:
                raise
            # CloudFormation deletes this function even if the Delete fails, so that it could never be repeated.
            if self._operation(request).status() in ("DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
                self._log.warning(
                    "left for the deletion of the image, which reports what uses the version",
                    arn=identity.arn.value,
                    reason=error.reason,
                )
                return
            self._log.warning("the deletion is tried again", arn=identity.arn.value, reason=error.reason)
            deletion()

    def _adopt(self, request: CustomResourceRequest, declared: ImageVersionProperties, number: int) -> Result:
        arn = ImageVersionArn.from_parts(
            partition=request.partition,
            region=request.region,
            account=request.account,
            image_name=declared.image_name,
            version=number,
        )
        version = self._gateway.describe(arn)
        if version is None:
            raise HandlerError(
                f"cannot adopt {arn}: it does not exist. Correct adopt_version, or omit it to create a version."
            )
        if version.status != "CREATED":
            raise HandlerError(
                f"cannot adopt {arn}: its status is {version.status}, not CREATED. Adopt another version."
            )
        if version.base_image != declared.base_image:
            raise HandlerError(
                f"cannot adopt {arn}: its base image is {version.base_image}, not {declared.base_image}. "
                "Declare the base image that the version has; change it in a later deployment."
            )
        differing = sorted(_metadata_changes(version, declared, {}))
        if differing:
            self._log.warning(
                "the adopted version differs from its declaration until the next update",
                arn=arn.value,
                metadata=differing,
            )
        return _result(str(version.identity), version, declared)

    def _create(
        self,
        request: CustomResourceRequest,
        declared: ImageVersionProperties,
        *,
        belongs_to_rollback: bool = False,
    ) -> Result:
        """Create the declared version. A version that fails, or that nobody waits for, is deleted again."""
        is_of_rollback = (lambda _: True) if belongs_to_rollback else _is_of_rollback(request)
        operation = self._operation(request)
        if operation.is_late():
            state = operation.state(is_of_rollback=is_of_rollback)
            # A deleted stack may have retained the version.
            if state is OperationState.ROLLED_BACK and not operation.is_deleted():
                self._remove_left_behind(request, declared)
            if state is not OperationState.RUNNING:
                raise not_waited_for()
        try:
            version = self._create_or_find(request, declared, self._deadline.reserving(CLEANUP_TIME_BUDGET))
        except HandlerError as error:
            # CloudFormation sends no Delete for the new version of an Update, nor for a resource that it retains.
            failed = VersionId.parse(error.physical_id)
            left_behind = "" if failed is None else self._remove(failed, declared)
            raise HandlerError(f"{error.reason}{left_behind}", physical_id=error.physical_id) from error
        identity = version.identity

        def remove_if_cancelled() -> None:
            if not operation.was_cancelled(is_of_rollback=is_of_rollback):
                return
            current = self._gateway.describe(identity.arn.with_image_name(declared.image_name))
            if current is not None and not _is_as_declared(current, declared):
                self._log.warning("retained: an event of the rollback has changed the version", arn=identity.arn.value)
                return
            self._log.warning("deleted again: the stack is rolling back", arn=identity.arn.value)
            self._remove(identity, declared)

        after_response = None if belongs_to_rollback else remove_if_cancelled
        return replace(_result(str(identity), version, declared), after_response=after_response)

    def _create_or_find(
        self, request: CustomResourceRequest, declared: ImageVersionProperties, deadline: Deadline
    ) -> ImageVersionDescription:
        """Create a version, or find the one that an earlier delivery of the event created, and wait for it."""
        start = deadline.now() - CLOCK_TOLERANCE
        failed: list[VersionId] = []
        try:
            for attempt in range(CREATE_ATTEMPTS):
                arn = self._start_creation(request, declared, attempt)
                version = self._wait_until_created(arn, declared, start, deadline)
                if version is None:
                    self._log.warning("the version of this client token is gone", arn=arn.value, attempt=attempt)
                elif version.status == "CREATED":
                    return version
                else:
                    failed.append(version.identity)
        finally:
            # Not earlier: the service may reuse the number of a deleted version, and its token returns that number.
            for identity in failed:
                self._remove(identity, declared)
        raise HandlerError(
            f"CreateImageVersion returned a failed or deleted version of image {declared.image_name} "
            f"{CREATE_ATTEMPTS} times. Deploy again."
        )

    def _remove_left_behind(self, request: CustomResourceRequest, declared: ImageVersionProperties) -> None:
        """Delete the version of an earlier delivery whose process ended before it could respond.

        Only the client token finds that version. It is not sent if no version of the image can be the one, since it
        might create another one.
        """
        listed = self._gateway.list_versions(declared.image_name, created_after=request.sent_at - CLOCK_TOLERANCE)
        in_time = [one for one in listed if one.created_at <= request.sent_at + LATE]
        candidates = [one for one in in_time if self._is_as_declared(one.arn, declared)]
        if not candidates:
            return
        called_at = self._deadline.now()
        arn = self._start_creation(request, declared, attempt=0)
        found = next((one for one in listed if one.arn.version == arn.version), None)
        if found is None:
            self._remove(VersionId(arn, None), declared)
        elif found in candidates:
            # If another delivery has just deleted the version, this call may have created one with its number.
            current = self._gateway.describe(arn)
            is_new = current is not None and current.created_at >= called_at - CLOCK_TOLERANCE
            self._remove(VersionId(arn, None if is_new else found.created_at), declared)

    def _is_as_declared(self, arn: ImageVersionArn, declared: ImageVersionProperties) -> bool:
        version = self._gateway.describe(arn)
        return version is not None and _is_as_declared(version, declared)

    def _start_creation(
        self, request: CustomResourceRequest, declared: ImageVersionProperties, attempt: int
    ) -> ImageVersionArn:
        try:
            returned = self._gateway.create(
                image_name=declared.image_name,
                base_image=declared.base_image,
                metadata=declared.metadata,
                client_token=client_token(request, attempt),
            )
        except AwsServiceError as error:
            hint = hint_for_refused_call(error, declared.base_image, self._gateway)
            raise HandlerError(f"{error.reason} {hint}".rstrip()) from error
        arn = ImageVersionArn.parse(returned)
        if arn is None:
            raise HandlerError(
                f"CreateImageVersion of image {declared.image_name} returned {returned!r}, which is not the ARN of an "
                "image version. Search for a new version of the image, and delete it."
            )
        return arn.with_image_name(declared.image_name)

    def _wait_until_created(
        self, arn: ImageVersionArn, declared: ImageVersionProperties, start: float, deadline: Deadline
    ) -> ImageVersionDescription | None:
        """Wait until the version is CREATED, and return it.

        An earlier delivery of the event may have created the version, which may have failed since. Such a version is
        returned if it must be deleted. None is returned if it is gone, or if its number now belongs to a version that
        this event did not create.
        """
        creating: VersionId | None = None
        found_at = deadline.now()
        for _ in deadline.polls(throttled=self._gateway.is_throttled):
            try:
                version = self._gateway.describe(arn)
            except AwsServiceError as error:
                # The version exists although it cannot be described, so CloudFormation must get its id.
                raise HandlerError(error.reason, physical_id=str(creating or arn)) from error
            if version is not None and (creating is None or creating.is_created_at(version.created_at)):
                found_at = deadline.now()
            elif deadline.now() - found_at < READ_LAG:
                continue
            elif creating is None and self._is_gone(arn):
                return None
            else:
                cause = "could not be read after it was created, and is deleted again" if creating is None else _DELETED
                raise HandlerError(f"{arn} {cause}. Deploy again.", physical_id=str(creating or arn))
            identity = version.identity
            is_earlier = creating is None and version.created_at < start
            if is_earlier and not _is_as_declared(version, declared):
                return None
            if version.status == "CREATED":
                return version
            if version.status in ("DELETING", "DELETE_FAILED"):
                if creating is None:
                    return version if version.status == "DELETE_FAILED" else None
                raise HandlerError(f"{arn} {_DELETED}. Deploy again.", physical_id=str(identity))
            if version.status == "CREATE_FAILED":
                if is_earlier:
                    return version
                hint = hint_for_failed_version(version, self._gateway)
                raise HandlerError(
                    f"{arn} could not be created: {version.failure_reason.removesuffix('.')}. {hint}".rstrip(),
                    physical_id=str(identity),
                )
            # The status is CREATING, or one that this release does not know.
            creating = identity
        raise HandlerError(
            f"{arn} was not CREATED before the function's time was up. Deploy again; if it happens again, check the "
            "version in SageMaker.",
            physical_id=str(creating or arn),
        )

    def _replace(
        self,
        request: CustomResourceRequest,
        declared: ImageVersionProperties,
        why: str,
        *,
        belongs_to_rollback: bool = False,
    ) -> Result:
        self._log.info("replacing the image version", physical_id=request.physical_resource_id, why=why)
        return self._create(request, declared, belongs_to_rollback=belongs_to_rollback)

    def _remove(self, identity: VersionId, declared: ImageVersionProperties) -> str:
        """Delete a version that no resource refers to. Returns a sentence for the reason if that fails."""
        arn = identity.arn.with_image_name(declared.image_name)
        try:
            if not self._is_replaced(identity, arn):
                delete_version(VersionId(arn, identity.created_at), gateway=self._gateway, deadline=self._deadline)
        except HandlerError as error:
            self._log.error("could not delete a version that nothing uses", arn=identity.arn.value, reason=error.reason)
            return f" The new version still exists and must be deleted by hand: {error.reason}"
        return ""

    def _is_gone(self, arn: ImageVersionArn) -> bool:
        """Whether no version has the ARN. A write tells, which deletes the version if reads do not find it yet."""
        try:
            self._gateway.delete(arn)
        except AwsServiceError as error:
            return error.kind is ErrorKind.NOT_FOUND
        return False

    def _is_replaced(self, identity: VersionId, arn: ImageVersionArn) -> bool:
        """Whether another version has the ARN of a version that this event created, as far as it can be read."""
        if identity.created_at is None:
            return False
        try:
            version = self._gateway.until(self._deadline.within(READ_TIME_BUDGET)).describe(arn)
        except AwsServiceError:
            return False
        return version is not None and not identity.is_created_at(version.created_at)

    def _replacement_reason(
        self, request: CustomResourceRequest, declared: ImageVersionProperties, current: ImageVersionDescription
    ) -> str | None:
        """The reason why the declared state requires a new version. None if the version can be updated."""
        if current.base_image != declared.base_image:
            return "BaseImage changed"
        permanent = [
            name
            for name in current.metadata
            if name in request.old_properties and name not in declared.metadata and name not in _UNSET_VALUES
        ]
        if permanent and not self._is_rolling_back(request, f"{', '.join(permanent)} cannot be unset"):
            return f"{', '.join(permanent)} cannot be unset"
        if declared.follows_tag and self._tag_moved(request, current):
            return "the tag names another container image"
        return None

    def _tag_moved(self, request: CustomResourceRequest, current: ImageVersionDescription) -> bool:
        try:
            image = self._gateway.describe_ecr_image(current.base_image)
        except AwsServiceError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                self._log.warning("the tag was not compared", base_image=current.base_image, reason=error.reason)
                return False
            if self._is_rolling_back(request, "the tag is gone"):
                return False
            raise HandlerError(
                f"cannot follow {current.base_image}: {error.message}. Push the tag again, or declare another one."
            ) from error
        if image is None:
            self._log.warning("the tag was not compared: it is not in Amazon ECR", base_image=current.base_image)
            return False
        moved = current.container_image != "" and not current.container_image.endswith(f"@{image.digest}")
        return moved and not self._is_rolling_back(request, "the tag names another container image")

    def _is_rolling_back(self, request: CustomResourceRequest, finding: str) -> bool:
        """Whether this update rolls back a failed one.

        A rollback must end with the version that the stack had before. A difference that does not come from the
        template, such as a moved tag, is then no reason for a new version: the resources that depend on the version
        would not be updated with its number.
        """
        rolling_back = self._operation(request).status().startswith("UPDATE_ROLLBACK")
        if rolling_back:
            self._log.warning("ignored because the stack is rolling back", finding=finding)
        return rolling_back

    def _archive(self, arn: ImageVersionArn) -> None:
        try:
            self._gateway.update(arn, {"VendorGuidance": "ARCHIVED"})
        except AwsServiceError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise


def client_token(request: CustomResourceRequest, attempt: int) -> str:
    """The client token of an attempt. It is the same for every delivery of one event, and differs between events."""
    name = f"{request.stack_id}|{request.logical_resource_id}|{request.request_id}|{attempt}"
    return str(uuid.uuid5(_TOKEN_NAMESPACE, name))


def _is_another(version: ImageVersionDescription, identity: VersionId) -> bool:
    """Whether a version has the ARN of another one that is gone."""
    return not identity.is_created_at(version.created_at)


def _is_as_declared(version: ImageVersionDescription, declared: ImageVersionProperties) -> bool:
    """Whether CreateImageVersion may have created a version from its declaration."""

    def metadata(of: ImageVersionDescription | ImageVersionProperties) -> dict[str, str | bool]:
        return {name: value for name, value in of.metadata.items() if value != _UNSET_VALUES.get(name)}

    return version.base_image == declared.base_image and metadata(version) == metadata(declared)


def _metadata_changes(
    current: ImageVersionDescription, declared: ImageVersionProperties, old_properties: Mapping[str, Any]
) -> dict[str, str | bool | list[str]]:
    """The metadata that UpdateImageVersion must set to reach the declared state."""
    unset = {
        name: value for name, value in _UNSET_VALUES.items() if name in old_properties and name in current.metadata
    }
    wanted = {**unset, **declared.metadata}
    return {name: value for name, value in wanted.items() if current.metadata.get(name) != value}


def _refuse_foreign_version(arn: ImageVersionArn, request: CustomResourceRequest) -> None:
    if (arn.partition, arn.region, arn.account) != (request.partition, request.region, request.account):
        raise HandlerError(
            f"{arn} belongs to another account or region than the stack {request.stack_id}: nothing was deleted."
        )
    image_name = request.properties.get("ImageName")
    if image_name is not None and not arn.belongs_to(image_name):
        raise HandlerError(
            f"{arn} is not a version of the image {image_name} that the resource declares: nothing was deleted."
        )


def _is_of_rollback(request: CustomResourceRequest) -> Callable[[float], bool]:
    """Whether an Update that creates a version is an event of the rollback, not of the update that is rolled back.

    The rollback restores the version that existed before the update, so it only replaces a newer one. An Update that
    replaces the older one belongs to the update.
    """
    identity = VersionId.parse(request.physical_resource_id)

    def is_of_rollback(began_at: float) -> bool:
        created_at = None if identity is None else identity.created_at
        return created_at is None or began_before(began_at, created_at)

    return is_of_rollback


def _result(physical_id: str, version: ImageVersionDescription, declared: ImageVersionProperties) -> Result:
    return Result(
        physical_id=physical_id,
        data={
            "ImageVersionArn": version.arn.value,
            "ImageArn": version.image_arn,
            "ImageName": declared.image_name,
            "Version": str(version.arn.version),
            "BaseImage": version.base_image,
            "ContainerImage": version.container_image,
        },
    )
