"""Custom::SageMakerImageAlias: an alias of an image version.

An alias is a resource of its own, so that CloudFormation moves it to a new version, and back again in a rollback. The
physical id is ``<ImageName>/<Alias>``, or ``<ImageName>/<Alias>/<N>`` when Create found the alias on version N. Delete
then gives the alias back to that version, so that a rollback loses no alias. N is the declared version itself when that
version already had the alias, for example because it was adopted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from imgver_handler.aws.arn import ImageVersionArn, format_time, is_same_time
from imgver_handler.aws.gateway import ImageVersionDescription
from imgver_handler.cloudformation.operation import CLOCK_TOLERANCE, OperationState
from imgver_handler.cloudformation.properties import ImageAliasProperties
from imgver_handler.cloudformation.request import CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import POLL_INTERVAL
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.resources.resource import Resource, deletion_advice
from imgver_handler.resources.stack_operation import StackOperation, not_waited_for

NEW = 60.0
"""Seconds after its creation for which a version is new. Nobody can have replaced it by then."""

_NOT_CHANGEABLE = ("CREATE_FAILED", "DELETE_FAILED", "DELETING")
"""The statuses of versions that SageMaker does not update. Their aliases are deleted with them."""

_PHYSICAL_ID = re.compile(
    r"(?P<image_name>[^/]+)/(?P<alias>[^/]+)(?:/(?P<found_on>[0-9]+)(?:#(?P<created_at>[0-9.]+))?)?", re.ASCII
)


class _Owner(NamedTuple):
    """A version that had the alias."""

    version: int
    created_at: float | None

    def has(self, declared: ImageAliasProperties) -> bool:
        """Whether it is the declared version, as far as the creation times are known."""
        is_same = declared.created_at is None or is_same_time(self.created_at, declared.created_at)
        return self.version == declared.version and is_same


class ImageAliasResource(Resource):
    """Handles the events of one invocation."""

    def create(self, request: CustomResourceRequest) -> Result:
        """Move the alias to the declared version, from whichever version has it."""
        return self._create(request, ImageAliasProperties.parse(request.properties), self._operation(request))

    def update(self, request: CustomResourceRequest) -> Result:
        """Move the alias to the declared version. Another image or another alias is a replacement."""
        declared = ImageAliasProperties.parse(request.properties)
        operation = self._operation(request)
        if not self._is_same_alias(request, declared, operation):
            return self._create(request, declared, operation)
        old = ImageAliasProperties.parse(request.old_properties)
        self._move(request, declared, operation, expected=_Owner(old.version, old.created_at))
        operation.wait_for_cancelled_replacement("ImageName")
        return _result(request.physical_resource_id, declared)

    def delete(self, request: CustomResourceRequest) -> Result:
        """Remove the alias if the declared version still has it, and give it back to its previous owner."""
        declared = ImageAliasProperties.parse(request.properties)
        result = Result(physical_id=request.physical_resource_id)
        operation = self._operation(request)
        if not _identifies(request, declared):
            self._log.info("nothing to delete: the physical id is not this alias", physical_id=result.physical_id)
            operation.wait_for_cancelled_create()
            return result
        found_on = _found_on(request)
        if found_on is not None and found_on.has(declared):
            self._log.info("retained: the version had the alias before this resource", alias=declared.alias)
            return result
        operation.refuse_late_event(is_of_rollback=lambda _: False)
        with deletion_advice(request):
            self._hand_back(request, declared, found_on)
        return result

    def _hand_back(
        self, request: CustomResourceRequest, declared: ImageAliasProperties, found_on: _Owner | None
    ) -> None:
        """Remove the alias from the declared version, and give it to the version that had it before."""
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is None and self._deadline.wait(POLL_INTERVAL):
            # Reads may lag behind writes.
            owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None and not _is(owner, declared.version, declared.created_at):
            self._log.info("retained: another version has the alias now", alias=declared.alias, owner=owner.arn.value)
            return
        if owner is not None and owner.status in _NOT_CHANGEABLE:
            self._log.info("retained: the version cannot be changed, only deleted", alias=declared.alias)
            return
        if owner is not None:
            self._remove(owner.arn, declared.alias)
        if found_on is not None:
            self._give_back(request, declared, found_on)

    def _create(
        self, request: CustomResourceRequest, declared: ImageAliasProperties, operation: StackOperation
    ) -> Result:
        owner = self._move(request, declared, operation, expected=None)
        is_of_rollback = operation.rolls_back()

        def move_back_if_cancelled() -> None:
            if operation.was_cancelled(is_of_rollback=lambda _: False):
                self._log.warning("moved back: the stack is rolling back", alias=declared.alias)
                self._move_back(request, declared, owner)

        has_moved = owner is None or not _is(owner, declared.version, declared.created_at)
        may_be_cancelled = has_moved and not is_of_rollback
        return _result(
            _physical_id(declared, found_on=owner),
            declared,
            after_response=move_back_if_cancelled if may_be_cancelled else None,
        )

    def _move(
        self,
        request: CustomResourceRequest,
        declared: ImageAliasProperties,
        operation: StackOperation,
        *,
        expected: _Owner | None,
    ) -> ImageVersionDescription | None:
        """Move the alias to the declared version. Returns the version that had it before.

        Args:
            request: the event.
            declared: the declared state.
            operation: the stack operation of the event.
            expected: the version to which this resource gave the alias before. None before a Create.
        """
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None and _is(owner, declared.version, declared.created_at):
            return owner
        # Before an Update, the status tells whether the event belongs to a rollback. A Create never does.
        if request.type == "Update" or operation.is_late():
            operation.read_once()
            as_read = operation.state_as_read(lambda _: True)
            # The status may lag behind an event that was just sent.
            if as_read is OperationState.ROLLED_BACK or (as_read is OperationState.OVER and operation.is_late()):
                raise not_waited_for()
        is_of_rollback = operation.rolls_back()
        state = partial(operation.state, is_of_rollback=lambda _: is_of_rollback)
        if is_of_rollback and self._may_be_cancelled(request, operation, declared) and operation.outlives_rollback():
            raise not_waited_for()
        target = _arn(request, declared, declared.version)
        self._refuse_foreign_version(target, declared)
        # It is not documented whether adding an alias that another version has moves it or fails.
        if owner is not None:
            if expected is None or not _is(owner, *expected):
                self._log.warning(
                    "the alias is taken from a version that another stack or person gave it to",
                    alias=declared.alias,
                    arn=owner.arn.value,
                )
            self._remove(owner.arn, declared.alias)
        try:
            # The rollback may have found the alias where it belongs before this event removed it.
            if owner is not None and operation.is_outdated and state() is OperationState.ROLLED_BACK:
                raise not_waited_for()
            return self._take(target, declared, state) or owner
        except HandlerError as error:
            if owner is None:
                raise
            physical_id = self._restore(request, owner, declared)
            raise HandlerError(error.reason, physical_id=physical_id) from error

    def _take(
        self, target: ImageVersionArn, declared: ImageAliasProperties, state: Callable[[], OperationState]
    ) -> ImageVersionDescription | None:
        """Add the alias, as long as no other event does it. Returns the version from which it had to be removed.

        While the image is busy, the stack may roll back, and its rollback may give the alias to another version. A
        cancelled event, on the other hand, may have moved it in the meantime, and a read may have missed its owner.
        """
        backoff = self._deadline.backoff()
        removed_from: ImageVersionDescription | None = None
        while True:
            try:
                self._gateway.update(target, {"AliasesToAdd": [declared.alias]}, retries_busy=False)
            except AwsServiceError as error:
                is_busy = error.kind is ErrorKind.BUSY
                if is_busy and not backoff.wait():
                    raise
                # Right before the next attempt, which may move the alias.
                rival = self._gateway.describe_alias(declared.image_name, declared.alias)
                if rival is not None and rival.arn.version != target.version:
                    if removed_from is not None or state() is not OperationState.RUNNING:
                        raise
                    removed_from = rival
                    self._remove(rival.arn, declared.alias)
                elif not is_busy:
                    raise
            else:
                return removed_from

    def _move_back(
        self, request: CustomResourceRequest, declared: ImageAliasProperties, previous: ImageVersionDescription | None
    ) -> None:
        """Undo a move that nobody waits for, unless a later event has moved the alias since."""
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None:
            if not _is(owner, declared.version, declared.created_at):
                return
            self._remove(owner.arn, declared.alias)
        if previous is not None:
            self._give_back(request, declared, _Owner(previous.arn.version, previous.created_at))

    def _refuse_foreign_version(self, target: ImageVersionArn, declared: ImageAliasProperties) -> None:
        if declared.created_at is None or self._deadline.now() - declared.created_at < NEW + CLOCK_TOLERANCE:
            return
        version = self._gateway.describe(target)
        if version is not None and not is_same_time(declared.created_at, version.created_at):
            raise HandlerError(
                f"{target} is not the version that this stack created: its creation time differs, because the image or "
                "the version was created again. Change the declaration of the version, for example its "
                "release_notes, so that it gets a new version."
            )

    def _may_be_cancelled(
        self, request: CustomResourceRequest, operation: StackOperation, declared: ImageAliasProperties
    ) -> bool:
        """Whether an Update, in a stack that rolls back, may belong to the update that failed.

        That update moves the alias from an older version to one that it has created. The rollback only does the same
        if it has to create a version again.
        """
        old = ImageAliasProperties.parse(request.old_properties)
        is_new, was_new = (operation.had_begun(self._creation_time(request, one)) for one in (declared, old))
        return is_new and not was_new

    def _creation_time(self, request: CustomResourceRequest, declared: ImageAliasProperties) -> float | None:
        if declared.created_at is not None:
            return declared.created_at
        version = self._gateway.describe(_arn(request, declared, declared.version))
        return None if version is None else version.created_at

    def _is_same_alias(
        self, request: CustomResourceRequest, declared: ImageAliasProperties, operation: StackOperation
    ) -> bool:
        """Whether the physical id is that of the declared alias, also if the spelling of the image's name changed."""
        if not _identifies(request, declared):
            return False
        spelling = request.physical_resource_id.partition("/")[0]
        if spelling == declared.image_name:
            return True
        operation.read_once()
        # Whether names that differ in case name the same image is not documented.
        arn = _arn(request, declared, declared.version)
        new, old = (self._find(arn.with_image_name(name)) for name in (declared.image_name, spelling))
        return (
            new is not None and old is not None and (new.image_arn, new.created_at) == (old.image_arn, old.created_at)
        )

    def _restore(
        self, request: CustomResourceRequest, owner: ImageVersionDescription, declared: ImageAliasProperties
    ) -> str:
        """Give the alias back to its owner. Returns the physical id for the Delete that follows."""
        try:
            self._give_back(request, declared, _Owner(owner.arn.version, owner.created_at))
        except HandlerError as error:
            self._log.error(
                "could not give the alias back", alias=declared.alias, arn=owner.arn.value, reason=error.reason
            )
            return _physical_id(declared, found_on=owner)
        return _physical_id(declared)

    def _give_back(self, request: CustomResourceRequest, declared: ImageAliasProperties, previous: _Owner) -> None:
        """Give the alias to the version that had it before."""
        arn = _arn(request, declared, previous.version)
        version = self._find(arn)
        if version is None or version.status != "CREATED" or not _is(version, *previous):
            self._log_gone(declared, previous)
            return
        try:
            self._gateway.update(version.arn, {"AliasesToAdd": [declared.alias]})
        except AwsServiceError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            self._log_gone(declared, previous)

    def _log_gone(self, declared: ImageAliasProperties, previous: _Owner) -> None:
        self._log.info("not given back: the previous version is gone", alias=declared.alias, version=previous.version)

    def _find(self, arn: ImageVersionArn) -> ImageVersionDescription | None:
        """Describe a version. One that is not found is described again, because reads may lag behind writes."""
        version = self._gateway.describe(arn)
        if version is None and self._deadline.wait(POLL_INTERVAL):
            version = self._gateway.describe(arn)
        return version

    def _remove(self, arn: ImageVersionArn, alias: str) -> None:
        try:
            self._gateway.update(arn, {"AliasesToDelete": [alias]})
        except AwsServiceError as error:
            # The version was deleted in the meantime, which also removed its aliases.
            if error.kind is not ErrorKind.NOT_FOUND:
                raise


def _is(version: ImageVersionDescription, number: int, created_at: float | None) -> bool:
    """Whether a version has this number and, if it is known, this creation time."""
    return version.arn.version == number and is_same_time(created_at, version.created_at)


def _physical_id(declared: ImageAliasProperties, *, found_on: ImageVersionDescription | None = None) -> str:
    alias = f"{declared.image_name}/{declared.alias}"
    return alias if found_on is None else f"{alias}/{found_on.arn.version}#{format_time(found_on.created_at)}"


def _found_on(request: CustomResourceRequest) -> _Owner | None:
    """The version that had the alias before Create, from the physical id."""
    match = _PHYSICAL_ID.fullmatch(request.physical_resource_id)
    if match is None or match["found_on"] is None:
        return None
    created_at = match["created_at"]
    return _Owner(int(match["found_on"]), None if created_at is None else float(created_at))


def _identifies(request: CustomResourceRequest, declared: ImageAliasProperties) -> bool:
    """Whether the physical id is that of the declared alias, in any spelling of the image's name."""
    match = _PHYSICAL_ID.fullmatch(request.physical_resource_id)
    return (
        match is not None
        and match["image_name"].lower() == declared.image_name.lower()
        and match["alias"] == declared.alias
    )


def _arn(request: CustomResourceRequest, declared: ImageAliasProperties, version: int) -> ImageVersionArn:
    return ImageVersionArn.from_parts(
        partition=request.partition,
        region=request.region,
        account=request.account,
        image_name=declared.image_name,
        version=version,
    )


def _result(
    physical_id: str, declared: ImageAliasProperties, after_response: Callable[[], None] | None = None
) -> Result:
    data = {"Alias": declared.alias, "Version": str(declared.version)}
    return Result(physical_id=physical_id, data=data, after_response=after_response)
