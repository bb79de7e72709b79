"""The stack operation that an event belongs to, as DescribeStacks shows it to the resources.

An event that nobody waits for must neither change nor leave anything. See ``cloudformation/operation.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from imgver_handler.aws.gateway import AwsGateway, StackDescription
from imgver_handler.cloudformation.operation import OperationState, began_before, operation_state
from imgver_handler.cloudformation.request import NOT_CREATED, CustomResourceRequest
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, HandlerError
from imgver_handler.logging import JsonLogger

LATE = 30.0
"""Seconds after which an event is late: Lambda queued it, or delivers it again."""

CANCELLED_EVENT_TIME = 60.0
"""Seconds that a cancelled event gets to undo what it did. After the event that follows it, CloudFormation removes the
permissions of the function."""

AT_ONCE = 1.0
"""Seconds in which CloudFormation does not both cancel an event and show it."""

STATUS_LAG = 3.0
"""Seconds after a cancellation by which DescribeStacks shows that the stack rolls back."""

ROLLBACK_TIME = 120.0
"""Seconds after which a rollback that is still running waits for an Update that may belong to it."""


class StackOperation:
    """The stack operation of one event."""

    def __init__(
        self, request: CustomResourceRequest, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger
    ) -> None:
        """Read the operation of ``request`` through ``gateway``."""
        self._request = request
        self._gateway = gateway
        self._deadline = deadline
        self._log = log
        self._stack: StackDescription | None = None
        self._began_handling = deadline.now()
        self._read_at: float | None = None
        self._status_on_arrival = ""

    def is_late(self) -> bool:
        """Whether Lambda delivers the event so late that CloudFormation may not wait for it any more."""
        return self._deadline.now() - self._request.sent_at >= LATE

    def state(self, *, is_of_rollback: Callable[[float], bool]) -> OperationState:
        """The state of the operation. It is RUNNING if it cannot be told.

        Args:
            is_of_rollback: see :func:`operation_state`.
        """
        self._read()
        return self.state_as_read(is_of_rollback)

    def state_as_read(self, is_of_rollback: Callable[[float], bool]) -> OperationState:
        """The state of the operation when the stack was last read."""
        if self._stack is None:
            return OperationState.RUNNING
        return operation_state(self._request, self._stack, is_of_rollback=is_of_rollback)

    def refuse_late_event(self, *, is_of_rollback: Callable[[float], bool]) -> None:
        """Refuse an event that is late, and that CloudFormation does not wait for. Only a late event costs a call.

        Args:
            is_of_rollback: see :func:`operation_state`.

        Raises:
            HandlerError: CloudFormation does not wait for the event.
        """
        if self.is_late() and self.state(is_of_rollback=is_of_rollback) is not OperationState.RUNNING:
            raise not_waited_for()

    def status(self) -> str:
        """The status of the stack, or an empty string if it cannot be told."""
        self._read()
        return "" if self._stack is None else self._stack.status

    def read_once(self) -> None:
        """Read the stack unless it was read before."""
        if self._read_at is None:
            self._read()

    @property
    def is_outdated(self) -> bool:
        """Whether the stack was last read so long ago that the event may have been cancelled since."""
        return self._read_at is not None and self._deadline.now() - self._read_at > AT_ONCE

    @property
    def was_read_at_once(self) -> bool:
        """Whether the stack was last read when the event arrived.

        If it rolled back then, the event is one of the rollback. Some seconds later it may be one that was cancelled.
        """
        return self._read_at is not None and self._read_at - self._began_handling <= AT_ONCE

    def rolls_back(self) -> bool:
        """Whether the stack rolled back an update when its status was last read."""
        return self._stack is not None and self._stack.status.startswith("UPDATE_ROLLBACK")

    def is_deleted(self) -> bool:
        """Whether the stack was deleted, or was being deleted, when its status was last read."""
        return self._stack is not None and self._stack.status.startswith("DELETE")

    def is_of_rollback(self) -> bool | None:
        """Whether an Update is an event of the rollback and not one that was cancelled. None if it cannot be told.

        To be called in a stack that rolls back. The reason of the status names each resource whose first Update failed
        or was cancelled, unless a user cancelled the update.
        """
        if self._status_on_arrival == "UPDATE_IN_PROGRESS":
            return False
        if self._failed_resources:
            return self.has_succeeded() or None
        return self._status_on_arrival == "UPDATE_ROLLBACK_IN_PROGRESS" or None

    def has_succeeded(self) -> bool:
        """Whether the resource had succeeded before the stack rolled back. False if it cannot be told.

        To be called in a stack that rolls back. The reason of the status names each resource that failed or was
        cancelled, unless a user cancelled the update.
        """
        return bool(self._failed_resources) and self._request.logical_resource_id not in self._failed_resources

    def has_replaced(self) -> bool | None:
        """Whether the resource of the event has another physical id now. None if it cannot be told."""
        request = self._request
        try:
            current = self._gateway.describe_stack_resource(request.stack_id, request.logical_resource_id)
        except AwsServiceError as error:
            self._log.warning("could not read the physical id of the resource", reason=error.reason)
            return None
        return current not in (None, request.physical_resource_id)

    def had_begun(self, created_at: float | None) -> bool:
        """Whether the operation had begun when a version was created, when the stack was last read.

        Args:
            created_at: the creation time of the version. None if the version is gone: it is then an old one.
        """
        began_at = None if self._stack is None else self._stack.began_at
        return began_at is not None and created_at is not None and began_before(began_at, created_at)

    def outlives_rollback(self) -> bool:
        """Wait for the end of the rollback. Returns whether it ended, which means that nobody waits for this event."""
        # A version and then its alias may each wait for a cancelled event.
        longest = ROLLBACK_TIME + 2 * CANCELLED_EVENT_TIME
        for _ in self._deadline.within(longest).polls(throttled=self._gateway.is_throttled):
            if self.state(is_of_rollback=lambda _: True) is not OperationState.RUNNING:
                return True
        return False

    def was_cancelled(self, *, is_of_rollback: Callable[[float], bool]) -> bool:
        """Whether CloudFormation had stopped to wait when it got the response, as far as it can be told.

        To be called after the response was sent, since the status of the stack lags behind a cancellation. A rollback
        has a reason that names the resources that failed or were cancelled, unless a user requested it.

        Args:
            is_of_rollback: see :func:`operation_state`.
        """
        self._deadline.wait(STATUS_LAG)
        state = self.state(is_of_rollback=is_of_rollback)
        stack = self._stack
        if stack is not None and stack.failed_resources and stack.status.startswith(("ROLLBACK", "UPDATE_ROLLBACK")):
            return not self.has_succeeded()
        return state is OperationState.ROLLED_BACK

    def wait_for_cancelled_create(self) -> None:
        """Wait until a cancelled Create has removed what it created.

        A Delete with a physical id that CloudFormation invented means that the Create did not send a response. It may
        still be running.
        """
        if not self._request.physical_resource_id.startswith(NOT_CREATED):
            self._deadline.wait(CANCELLED_EVENT_TIME)

    def wait_for_cancelled_replacement(self, *names: str) -> None:
        """Wait until a cancelled Update has removed what it created in another image or domain.

        To be called for an Update of which the physical id is that of the declared resource. If the old properties name
        another image or domain, the rollback has sent the event, and the Update that it rolls back may still run. The
        permissions for the other image or domain are removed at the end of the rollback.

        Args:
            names: the names of the properties that name the image or the domain.
        """
        request = self._request
        old, new = (
            [str(one.get(name)).lower() for name in names] for one in (request.old_properties, request.properties)
        )
        if old != new:
            self._deadline.wait(CANCELLED_EVENT_TIME)

    @property
    def _failed_resources(self) -> Collection[str]:
        return () if self._stack is None else self._stack.failed_resources

    def _read(self) -> None:
        try:
            self._stack = self._gateway.describe_stack(self._request.stack_id)
        except AwsServiceError as error:
            self._log.warning("could not read the status of the stack", reason=error.reason)
            self._stack = None
        is_first, self._read_at = self._read_at is None, self._deadline.now()
        if is_first and self._stack is not None and self.was_read_at_once and not self.is_late():
            self._status_on_arrival = self._stack.status


def not_waited_for() -> HandlerError:
    """The error for an event that CloudFormation does not wait for."""
    return HandlerError(
        "nothing was changed: CloudFormation does not wait for this event any more, because its deployment is over or "
        "rolls back."
    )
