"""Whether CloudFormation still waits for the response to an event, by the status of the stack."""

import math

import pytest
from imgver_handler.aws.gateway import StackDescription
from imgver_handler.cloudformation.operation import OperationState, began_before, operation_state
from imgver_handler.cloudformation.request import parse

BEGAN = 1_700_000_000.0
RUNNING, ROLLED_BACK, OVER = OperationState.RUNNING, OperationState.ROLLED_BACK, OperationState.OVER

STATES = {
    # status: (Create, Update of the deployment, Update of its rollback, Delete)
    "REVIEW_IN_PROGRESS": (RUNNING, RUNNING, RUNNING, RUNNING),
    "CREATE_IN_PROGRESS": (RUNNING, RUNNING, RUNNING, RUNNING),
    "CREATE_COMPLETE": (OVER, OVER, OVER, OVER),
    "CREATE_FAILED": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, OVER),
    "ROLLBACK_IN_PROGRESS": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, RUNNING),
    "ROLLBACK_COMPLETE": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, OVER),
    "ROLLBACK_FAILED": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, OVER),
    "UPDATE_IN_PROGRESS": (RUNNING, RUNNING, RUNNING, RUNNING),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": (OVER, OVER, OVER, RUNNING),
    "UPDATE_COMPLETE": (OVER, OVER, OVER, OVER),
    "UPDATE_FAILED": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, OVER),
    "UPDATE_ROLLBACK_IN_PROGRESS": (ROLLED_BACK, ROLLED_BACK, RUNNING, RUNNING),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": (ROLLED_BACK, ROLLED_BACK, OVER, RUNNING),
    "UPDATE_ROLLBACK_COMPLETE": (ROLLED_BACK, ROLLED_BACK, OVER, OVER),
    "UPDATE_ROLLBACK_FAILED": (ROLLED_BACK, ROLLED_BACK, OVER, OVER),
    "DELETE_IN_PROGRESS": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, RUNNING),
    "DELETE_COMPLETE": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, OVER),
    "DELETE_FAILED": (ROLLED_BACK, ROLLED_BACK, ROLLED_BACK, OVER),
    "IMPORT_IN_PROGRESS": (RUNNING, RUNNING, RUNNING, RUNNING),
    "IMPORT_COMPLETE": (OVER, OVER, OVER, OVER),
    "IMPORT_ROLLBACK_IN_PROGRESS": (OVER, OVER, OVER, RUNNING),
    "IMPORT_ROLLBACK_COMPLETE": (OVER, OVER, OVER, OVER),
    "IMPORT_ROLLBACK_FAILED": (OVER, OVER, OVER, OVER),
}


@pytest.mark.parametrize("status", STATES)
def test_the_state_of_an_operation(event, status):
    events = [("create", False), ("update", False), ("update", True), ("delete", False)]
    stack = StackDescription(status, BEGAN, failed_resources=frozenset({"Version"}))
    states = []
    for action, of_rollback in events:
        request = parse(event(f"image_version_{action}", sent_at=BEGAN))
        asked = []

        def is_of_rollback(began_at, asked=asked, of_rollback=of_rollback):
            asked.append(began_at)
            return of_rollback

        states.append(operation_state(request, stack, is_of_rollback=is_of_rollback))
        assert asked in ([], [BEGAN])

    assert tuple(states) == STATES[status]


@pytest.mark.parametrize(
    ("began_at", "sent_at", "state"),
    [
        (BEGAN, BEGAN, RUNNING),
        # A signature has whole seconds and may be some seconds old when the event is sent.
        (BEGAN + 5, BEGAN, RUNNING),
        (BEGAN + 6, BEGAN, OVER),
        (BEGAN, math.inf, RUNNING),
        (None, BEGAN, RUNNING),
    ],
)
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_r54_a_later_operation_is_running(event, action, began_at, sent_at, state):
    request = parse(event(f"image_version_{action}"))._replace(sent_at=sent_at)
    stack = StackDescription("UPDATE_IN_PROGRESS", began_at)

    assert operation_state(request, stack, is_of_rollback=lambda _: False) is state


def test_an_update_in_a_rollback_counts_as_the_rollbacks_own_if_the_start_is_not_known(event):
    stack = StackDescription("UPDATE_ROLLBACK_IN_PROGRESS", None)

    assert operation_state(parse(event("image_version_update")), stack, is_of_rollback=lambda _: False) is RUNNING


@pytest.mark.parametrize(("created_at", "before"), [(BEGAN - 15, True), (BEGAN - 16, False), (BEGAN + 1, True)])
def test_r60_a_version_of_an_operation_may_seem_older_than_it(created_at, before):
    assert began_before(BEGAN, created_at) is before
