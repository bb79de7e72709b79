"""Custom::SageMakerImageAttachment: offers an image version in the settings of a Studio domain or a user profile.

The API replaces the list of custom images as a whole, and has no conditional write. Each change therefore reads the
settings, and sends those of the application back exactly as they came, with the entry of this image and this app image
config changed. While the change takes effect, the service refuses other changes. Afterwards the settings are read
again, and the change is repeated if somebody who had read the old list has overwritten it.

The physical id is ``<DomainId>/<target>/<App>/<ImageName>/<AppImageConfigName>``, followed by ``/<N>`` when Create
found an entry with version N. A rollback then gives that number back. Names are compared without case, because it is
not documented how the service spells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from imgver_handler.aws.gateway import AwsGateway, StudioSettings, is_temporary
from imgver_handler.cloudformation.operation import OperationState
from imgver_handler.cloudformation.properties import ImageAttachmentProperties
from imgver_handler.cloudformation.request import NOT_CREATED, CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Backoff, Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources.resource import Resource, deletion_advice
from imgver_handler.resources.stack_operation import ROLLBACK_TIME, STATUS_LAG, StackOperation, not_waited_for

MAX_ENTRIES = 200
"""The largest number of custom images of an application.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_JupyterLabAppSettings.html"""

MAX_AGE = 1.0
"""Seconds after which settings that were read are too old to be sent back. A change of a domain takes longer, so that
nobody can have begun and ended one since then."""

MISSING_RETRY_LIMIT = 30.0
"""Seconds for which a change is repeated that names a missing version. A new version may not be found yet, and another
attachment may be about to remove its entry."""

_CHANGEABLE = ("InService", "Update_Failed")
"""The statuses in which a domain or a user profile can be changed."""
_NOT_CHANGEABLE = ("Failed", "Delete_Failed")
"""The statuses that do not end. In any other status, the domain or the user profile is being changed."""

_PHYSICAL_ID = re.compile(r"(?P<place>[^/]+/[^/]+/[^/]+/[^/]+/[^/]+?)(?:/(?P<found_on>[0-9]+))?", re.ASCII)

Entries = Sequence[Mapping[str, Any]]
"""Items of CustomImages: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CustomImage.html"""


class ImageAttachmentResource(Resource):
    """Handles the events of one invocation."""

    def create(self, request: CustomResourceRequest) -> Result:
        """Offer the declared version, in place of the version that the settings offer so far."""
        declared = ImageAttachmentProperties.parse(request.properties)
        change = self._change(declared)
        try:
            is_of_rollback = self._attach(request, declared, change, previous=None)
        except HandlerError as error:
            if not change.is_sent:
                raise
            # The change may have taken effect: CloudFormation's Delete undoes it.
            raise HandlerError(error.reason, physical_id=_physical_id(declared, found_on=change.before)) from error

        def undo_if_cancelled() -> None:
            if self._operation(request).was_cancelled(is_of_rollback=lambda _: False):
                self._log.warning("undone: the stack is rolling back", target=str(declared.target))
                self._undo(declared, change, None)

        may_be_cancelled = change.is_sent and not is_of_rollback
        return _result(
            _physical_id(declared, found_on=change.before),
            declared,
            after_response=undo_if_cancelled if may_be_cancelled else None,
        )

    def update(self, request: CustomResourceRequest) -> Result:
        """Offer the declared version. Another domain, user, application, image or config is a replacement."""
        declared = ImageAttachmentProperties.parse(request.properties)
        if not _identifies(request, declared):
            return self.create(request)
        previous = ImageAttachmentProperties.parse(request.old_properties)
        change = self._change(declared)
        places = _place(previous), _place(declared)
        change.is_respelled = places[0] != places[1] and places[0].lower() == places[1].lower()
        self._attach(request, declared, change, previous=previous)
        self._operation(request).wait_for_cancelled_replacement("DomainId", "UserProfileName")
        return _result(request.physical_resource_id, declared)

    def delete(self, request: CustomResourceRequest) -> Result:
        """Remove the entry if it still has the declared version. A rollback restores the entry that Create found."""
        declared = ImageAttachmentProperties.parse(request.properties)
        result = Result(physical_id=request.physical_resource_id)
        operation = self._operation(request)
        if not _identifies(request, declared):
            self._log.info("nothing to delete: the physical id is not this attachment", physical_id=result.physical_id)
            operation.wait_for_cancelled_create()
            # The response to the cancelled Create may have been under way.
            if not result.physical_id.startswith(NOT_CREATED) and _is_version_of(operation, declared):
                self._change(declared).make(lambda entries: _detached(entries, declared))
            return result
        operation.refuse_late_event(is_of_rollback=lambda _: False)
        with deletion_advice(request):
            self._detach(declared, operation, _found_on(request))
        return result

    def _detach(self, declared: ImageAttachmentProperties, operation: StackOperation, found_on: int | None) -> None:
        """Remove the entry, or restore the one that Create found if the deployment failed."""
        # A status that cannot be read may be that of a rollback.
        if found_on is not None and not operation.status().startswith(("DELETE", "UPDATE_COMPLETE")):
            try:
                self._change(declared).make(lambda entries: _restored(entries, declared, found_on))
            except AwsServiceError as error:
                if error.kind not in (ErrorKind.FINAL, ErrorKind.NOT_FOUND):
                    raise
                self._log.warning("not given back", version=found_on, reason=error.reason)
            else:
                return
        self._change(declared).make(lambda entries: _detached(entries, declared))

    def _change(self, declared: ImageAttachmentProperties) -> _SettingsChange:
        return _SettingsChange(declared, gateway=self._gateway, deadline=self._deadline, log=self._log)

    def _attach(
        self,
        request: CustomResourceRequest,
        declared: ImageAttachmentProperties,
        change: _SettingsChange,
        *,
        previous: ImageAttachmentProperties | None,
    ) -> bool:
        """Offer the declared version, unless CloudFormation does not wait for it.

        A Create asks for the status of the stack after its response, and an Update before it, because the rollback's
        Update would undo what an Update does later.

        Args:
            request: the event.
            declared: the declared state.
            change: the change of the settings.
            previous: the state before an Update.

        Returns:
            Whether the event belongs to a rollback.
        """
        operation = self._operation(request)
        is_first, is_of_rollback, waits_until = True, False, 0.0

        def may_write() -> bool:
            nonlocal is_first, is_of_rollback, waits_until
            if not is_first:
                if operation.state(is_of_rollback=lambda _: is_of_rollback) is OperationState.ROLLED_BACK:
                    raise not_waited_for()
            elif request.type == "Update" or operation.is_late():
                state = _state(operation)
                # The status may lag behind an event that was just sent.
                if state is OperationState.ROLLED_BACK or (state is OperationState.OVER and operation.is_late()):
                    raise not_waited_for()
                if _may_be_cancelled(operation, declared, previous):
                    if waits_until and state is not OperationState.RUNNING:
                        raise not_waited_for()
                    # The status may change, and the event that was cancelled restores the entry.
                    waits_until = waits_until or self._deadline.now() + ROLLBACK_TIME
                    if self._deadline.now() < waits_until and self._deadline.wait(STATUS_LAG):
                        return False
                is_of_rollback = operation.rolls_back()
            is_first = False
            return True

        # While the domain is busy, the stack may begin to roll back.
        read_early = operation.read_once if request.type == "Update" else lambda: None
        if not change.make(lambda entries: _attached(entries, declared), may_write=may_write, if_busy=read_early):
            raise HandlerError(
                f"{declared.target} does not exist, or is being deleted: correct domain_id or user_profile_name, or "
                "remove the attachment."
            )
        if request.type == "Create" and not change.is_sent and _is_version_of(operation, declared):
            change.before = ()
        if change.is_sent and previous is None:
            return is_of_rollback
        if change.is_sent:
            state = operation.state(is_of_rollback=lambda _: is_of_rollback)
            if state is OperationState.ROLLED_BACK and operation.has_succeeded():
                # Another delivery has responded, and the rollback sends an Update.
                return is_of_rollback
        elif operation.is_late():
            # An earlier delivery of this event may have written the entry.
            state = _state(operation)
            if operation.is_deleted():
                # The deletion of a stack does not roll back its last update.
                raise not_waited_for()
            if _may_be_cancelled(operation, declared, previous) and operation.outlives_rollback():
                state = OperationState.ROLLED_BACK
        else:
            return is_of_rollback
        if state is OperationState.ROLLED_BACK:
            self._undo(declared, change, previous)
            raise HandlerError(
                f"{declared.target} offers what it offered before, because CloudFormation does not wait for the change "
                "any more: the stack is rolling back."
            )
        return is_of_rollback

    def _undo(
        self, declared: ImageAttachmentProperties, change: _SettingsChange, previous: ImageAttachmentProperties | None
    ) -> None:
        """Undo a change that nobody waits for, unless a later event has changed the entry since."""
        written = _numbers(change.after)
        # An earlier delivery of an Update may have written the entry.
        before = change.before if change.is_sent or previous is None else _attached(change.before, previous)
        self._change(declared).make(lambda entries: before if _numbers(entries) == written else entries)


class _SettingsChange:
    """One change of the entries of an image and its config: read, write, wait, and read again."""

    def __init__(
        self, declared: ImageAttachmentProperties, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger
    ) -> None:
        """Prepare a change of the entries of ``declared``."""
        self.before: Entries = ()
        """The entries before the change."""
        self.after: Entries = ()
        """The entries that the change is to result in."""
        self.is_sent = False
        """Whether the service may have performed the change."""
        self.is_respelled = False
        """Whether the stack declares a name in another spelling than before."""
        self._declared = declared
        self._gateway = gateway
        self._deadline = deadline
        self._log = log

    def make(
        self,
        change: Callable[[Entries], Entries],
        *,
        may_write: Callable[[], bool] = lambda: True,
        if_busy: Callable[[], None] = lambda: None,
    ) -> bool:
        """Change the entries, and wait until the change has taken effect.

        Args:
            change: returns the entries that are wanted in place of those that are found.
            may_write: returns False if the settings must be read again first, and raises HandlerError if the change
                must not be sent.
            if_busy: is called when somebody else changes the settings.

        Returns:
            Whether the domain or the user profile exists.

        Raises:
            HandlerError: the entries could not be changed.
        """
        declared, backoff = self._declared, self._deadline.backoff()
        is_written = is_checked = False
        while True:
            current, read_at = self._read(if_busy), self._deadline.now()
            if current is None:
                return False
            app_settings = current.settings.get(f"{declared.app}AppSettings") or {}
            images = app_settings.get("CustomImages") or []
            found = [image for image in images if _is_of(image, declared)]
            self.after = change(found)
            if not self.is_sent:
                self.before = found
            # How the service spells names is not documented, so that only a change of the declaration is sent.
            if _numbers(found) == _numbers(self.after) and (self.is_sent or not self.is_respelled):
                return True
            if is_written:
                self._check_overwritten(found, current)
                is_written = False
                if not backoff.wait():
                    raise HandlerError(
                        f"{declared.target} did not keep image {declared.image_name}, because others changed its "
                        "settings at the same time, until the function's time was up: deploy again."
                    )
                continue
            if not is_checked:
                is_checked = may_write()
                if not is_checked or self._deadline.now() - read_at > MAX_AGE:
                    continue
            is_checked = False
            error = self._write({**app_settings, "CustomImages": _replaced(images, declared, self.after)}, backoff)
            is_written = error is None
            if error is not None and not backoff.wait():
                raise error

    def _read(self, if_busy: Callable[[], None] = lambda: None) -> StudioSettings | None:
        """Read the settings when nobody changes them. Returns None if they do not exist, or are being deleted."""
        target = self._declared.target
        status = "not InService"
        is_missing = False
        for _ in self._deadline.polls(throttled=self._gateway.is_throttled):
            current = self._gateway.describe_settings(target)
            if current is None and not is_missing:
                # Reads may lag behind writes.
                is_missing = True
                continue
            if current is None or current.status == "Deleting":
                return None
            if current.status in _CHANGEABLE:
                return current
            status = current.status
            if status in _NOT_CHANGEABLE:
                raise HandlerError(
                    f"{target} cannot be changed, because its status is {status}: "
                    f"{current.failure_reason.removesuffix('.')}. Repair or delete it, then deploy again."
                )
            if_busy()
        raise HandlerError(
            f"{target} was still {status} when the function's time was up: deploy again when its status is InService."
        )

    def _write(self, app_settings: Mapping[str, Any], backoff: Backoff) -> AwsServiceError | None:
        """Send the settings of the application. Returns a temporary error, after which they must be read again."""
        target, app = self._declared.target, self._declared.app
        images = app_settings["CustomImages"]
        if len(images) > MAX_ENTRIES:
            raise HandlerError(
                f"{target} would offer {len(images)} images in {app}, and at most {MAX_ENTRIES} are possible: detach "
                "an image, then deploy again."
            )
        try:
            self._gateway.update_settings(target, {f"{app}AppSettings": _without_empty(app_settings)})
        except AwsServiceError as error:
            self.is_sent |= error.kind is ErrorKind.UNREACHABLE
            is_missing = error.kind is ErrorKind.NOT_FOUND and (
                backoff.seconds <= MISSING_RETRY_LIMIT or self._read() is None
            )
            if is_missing or is_temporary(error, backoff.seconds):
                return error
            raise
        self.is_sent = True
        return None

    def _check_overwritten(self, found: Entries, current: StudioSettings) -> None:
        """Check that the entries are as before the change: somebody who had read them then wrote them again."""
        declared = self._declared
        if current.status == "Update_Failed":
            raise HandlerError(
                f"{declared.target} could not be changed: {current.failure_reason.removesuffix('.')}. Deploy again."
            )
        if found and _numbers(found) != _numbers(self.before):
            raise HandlerError(
                f"{declared.target} offers version {_listed(found)} of image {declared.image_name}, because somebody "
                f"else replaced version {_listed(self.after)} while it was attached: declare this image and app image "
                "config in one place only."
            )
        self._log.warning("attached again: somebody else has overwritten the change", target=str(declared.target))


def _is_version_of(operation: StackOperation, declared: ImageAttachmentProperties) -> bool:
    """Whether the operation created the version, so that only an earlier event of it can have offered the version."""
    if declared.created_at is None:
        return False
    operation.status()
    return operation.had_begun(declared.created_at)


def _state(operation: StackOperation) -> OperationState:
    """The state of the operation, before the event has changed anything."""
    state = operation.state(is_of_rollback=lambda _: True)
    return OperationState.ROLLED_BACK if operation.rolls_back() and operation.is_of_rollback() is False else state


def _may_be_cancelled(
    operation: StackOperation, declared: ImageAttachmentProperties, previous: ImageAttachmentProperties | None
) -> bool:
    """Whether an Update, in a stack that rolls back, may belong to the update that failed.

    That update offers a version that it created in place of an older one, and its rollback does not. If both versions
    are older, or both are new, the reason of the rollback may tell it.
    """
    if not operation.rolls_back():
        return False
    is_new = operation.had_begun(declared.created_at)
    was_new = previous is not None and operation.had_begun(previous.created_at)
    return (is_new and not was_new) or (is_new is was_new and operation.is_of_rollback() is None)


def _attached(found: Entries, declared: ImageAttachmentProperties) -> Entries:
    """The entries that offer the declared version, and the superseded ones that stay beside it."""
    by_number = {image["ImageVersionNumber"]: image for image in found if "ImageVersionNumber" in image}
    older = sorted((number for number in by_number if number < declared.version), reverse=True)
    entry = by_number.get(declared.version) or (found[0] if found else {})
    declared_entry = _numbered(entry, declared, declared.version)
    return [declared_entry, *(by_number[number] for number in older[: declared.keep])]


def _detached(found: Entries, declared: ImageAttachmentProperties) -> Entries:
    """The entries without those that the resource offers. All stay if somebody else has replaced the version."""
    own = _numbers(_attached(found, declared))
    if str(declared.version) not in _numbers(found):
        return found
    return [image for image in found if not set(_numbers([image])) & set(own)]


def _restored(found: Entries, declared: ImageAttachmentProperties, number: int) -> Entries:
    """The entries with the number that Create found."""
    rest = _detached(found, declared)
    return found if rest is found else [*rest, _numbered(found[0], declared, number)]


def _numbered(entry: Mapping[str, Any], declared: ImageAttachmentProperties, number: int) -> Mapping[str, Any]:
    names = {"ImageName": declared.image_name, "AppImageConfigName": declared.app_image_config_name}
    return {**entry, **names, "ImageVersionNumber": number}


def _replaced(images: Entries, declared: ImageAttachmentProperties, entries: Entries) -> Entries:
    """All custom images, with ``entries`` in the place of those of the declared image and config."""
    first = next((position for position, image in enumerate(images) if _is_of(image, declared)), len(images))
    return [*images[:first], *entries, *(image for image in images[first:] if not _is_of(image, declared))]


def _is_of(image: Mapping[str, Any], declared: ImageAttachmentProperties) -> bool:
    return (str(image.get("ImageName")).lower(), str(image.get("AppImageConfigName")).lower()) == (
        declared.image_name.lower(),
        declared.app_image_config_name.lower(),
    )


def _numbers(entries: Entries) -> list[str]:
    """The numbers of entries. One without a number stands for the latest version."""
    return sorted(str(image.get("ImageVersionNumber", "latest")) for image in entries)


def _listed(entries: Entries) -> str:
    return ", ".join(_numbers(entries))


def _without_empty(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """A value without the empty strings in it: the service returns them, and refuses them."""
    if isinstance(value, Mapping):
        return {name: _without_empty(member) for name, member in value.items() if member not in ("", None)}
    if isinstance(value, list | tuple):
        return [_without_empty(item) for item in value if item not in ("", None)]
    return value


def _place(declared: ImageAttachmentProperties) -> str:
    target = declared.target
    user = f"user-profile:{target.user_profile_name}" if target.user_profile_name else target.member
    return "/".join((target.domain_id, user, declared.app, declared.image_name, declared.app_image_config_name))


def _physical_id(declared: ImageAttachmentProperties, *, found_on: Entries) -> str:
    numbers = [image["ImageVersionNumber"] for image in found_on if "ImageVersionNumber" in image]
    return f"{_place(declared)}/{max(numbers)}" if numbers else _place(declared)


def _identifies(request: CustomResourceRequest, declared: ImageAttachmentProperties) -> bool:
    """Whether the physical id is that of the declared attachment, in any spelling of its names."""
    match = _PHYSICAL_ID.fullmatch(request.physical_resource_id)
    return match is not None and match["place"].lower() == _place(declared).lower()


def _found_on(request: CustomResourceRequest) -> int | None:
    """The number of the version that Create found, from the physical id."""
    match = _PHYSICAL_ID.fullmatch(request.physical_resource_id)
    return None if match is None or match["found_on"] is None else int(match["found_on"])


def _result(
    physical_id: str, declared: ImageAttachmentProperties, after_response: Callable[[], None] | None = None
) -> Result:
    return Result(physical_id=physical_id, data={"Version": str(declared.version)}, after_response=after_response)
