"""Whether CloudFormation still waits for the response to an event.

CloudFormation cancels what is running when another resource fails, when an update is cancelled, or when a stack is
deleted during its creation: it then sends the next event while the first one is still handled. Lambda may also deliver
an event again when the stack has moved on. DescribeStacks tells what the stack does now.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from imgver_handler.aws.gateway import StackDescription
from imgver_handler.cloudformation.request import CustomResourceRequest

SIGNING_TOLERANCE = 5.0
"""Seconds by which an operation may begin later than the signature of its events: signatures have whole seconds, and
CloudFormation may sign before it sends."""

CLOCK_TOLERANCE = 15.0
"""Seconds by which the clocks of two services may differ."""


class OperationState(Enum):
    """The state of the stack operation that an event belongs to."""

    RUNNING = "running"
    """CloudFormation waits for the response, or it cannot be told."""
    ROLLED_BACK = "rolled back"
    """The operation is being rolled back, or was. Everything that the event created belongs to nobody."""
    OVER = "over"
    """The operation is complete, or a later one is running. What the event created may belong to the stack."""


def operation_state(
    request: CustomResourceRequest, stack: StackDescription, *, is_of_rollback: Callable[[float], bool]
) -> OperationState:
    """The state of the operation that an event belongs to.

    Args:
        request: the event.
        stack: the stack of the event.
        is_of_rollback: whether an Update, in a stack that rolls back, is an event of the rollback itself and not of
            the update that failed. It gets the time at which the update began.
    """
    began_at = stack.began_at
    if began_at is not None and began_at > request.sent_at + SIGNING_TOLERANCE:
        return OperationState.OVER
    status = stack.status
    if request.type == "Delete":
        return OperationState.RUNNING if status.endswith("_IN_PROGRESS") else OperationState.OVER
    if status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "IMPORT_IN_PROGRESS"):
        return OperationState.RUNNING
    if (
        request.type == "Update"
        and status.startswith("UPDATE_ROLLBACK")
        and (began_at is None or is_of_rollback(began_at))
    ):
        return OperationState.RUNNING if status == "UPDATE_ROLLBACK_IN_PROGRESS" else OperationState.OVER
    if status.startswith(("ROLLBACK", "UPDATE_ROLLBACK", "DELETE")):
        return OperationState.ROLLED_BACK
    # With rollback disabled, a stack with a failed operation keeps what was complete, and not what was running.
    if status in ("CREATE_FAILED", "UPDATE_FAILED") and request.logical_resource_id in stack.failed_resources:
        return OperationState.ROLLED_BACK
    return OperationState.OVER


def began_before(operation_began_at: float, created_at: float) -> bool:
    """Whether an operation had begun when a version was created, as far as two clocks can tell."""
    return created_at >= operation_began_at - CLOCK_TOLERANCE
