"""The stack operation that an event belongs to: what a resource asks CloudFormation about it.

An event that nobody waits for must neither change nor leave anything. See ``cloudformation/operation.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from imgver_handler.aws.gateway import AwsGateway, StackDescription
from imgver_handler.cloudformation.operation import OperationState, operation_state
from imgver_handler.cloudformation.request import NOT_CREATED, CustomResourceRequest
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, HandlerError
from imgver_handler.logging import JsonLogger

LATE = 30.0
"""Seconds after which an event is late: Lambda queued it, or delivers it again."""

CANCELLED_CREATE_TIME = 60.0
"""Seconds that a cancelled Create gets to delete its version. After the Delete, CloudFormation removes the permissions
of the function."""


class StackOperation:
    """The stack operation of one event."""

    def __init__(
        self, request: CustomResourceRequest, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger
    ) -> None:
        """Ask about the operation of ``request`` through ``gateway``."""
        self._request = request
        self._gateway = gateway
        self._deadline = deadline
        self._log = log

    def state_when_late(self, *, is_of_rollback: Callable[[float], bool]) -> OperationState:
        """The state of the operation if the event is late. Only a late event costs a call.

        Args:
            is_of_rollback: see :func:`operation_state`.
        """
        if self._request.sent_at is None or self._deadline.now() - self._request.sent_at < LATE:
            return OperationState.RUNNING
        return self._state(is_of_rollback)

    def refuse_late_event(self, *, is_of_rollback: Callable[[float], bool]) -> None:
        """Refuse an event that Lambda delivers late and that CloudFormation does not wait for.

        Args:
            is_of_rollback: see :func:`operation_state`.

        Raises:
            HandlerError: CloudFormation does not wait for the event.
        """
        if self.state_when_late(is_of_rollback=is_of_rollback) is not OperationState.RUNNING:
            raise late_event()

    def is_rolled_back(self, *, is_of_rollback: Callable[[float], bool]) -> bool:
        """Whether the operation of the event was rolled back, so that its result belongs to nobody.

        Args:
            is_of_rollback: see :func:`operation_state`.
        """
        return self._state(is_of_rollback) is OperationState.ROLLED_BACK

    def status(self) -> str:
        """The status of the stack, or an empty string if it cannot be told."""
        stack = self._stack()
        return "" if stack is None else stack.status

    def wait_for_cancelled_create(self) -> None:
        """Wait until a cancelled Create has removed what it created.

        A Delete with a physical id that CloudFormation invented means that the Create did not send a response. It may
        still be running.
        """
        if not self._request.physical_resource_id.startswith(NOT_CREATED):
            self._deadline.wait(CANCELLED_CREATE_TIME)

    def _state(self, is_of_rollback: Callable[[float], bool]) -> OperationState:
        stack = self._stack()
        if stack is None:
            return OperationState.RUNNING
        return operation_state(self._request, stack, is_of_rollback=is_of_rollback)

    def _stack(self) -> StackDescription | None:
        try:
            return self._gateway.describe_stack(self._request.stack_id)
        except AwsServiceError as error:
            self._log.warning("could not read the status of the stack", reason=error.reason)
            return None


def late_event() -> HandlerError:
    """The error for an event that CloudFormation does not wait for."""
    return HandlerError(
        "nothing was changed: Lambda delivered the event late, and CloudFormation does not wait for it any more."
    )
