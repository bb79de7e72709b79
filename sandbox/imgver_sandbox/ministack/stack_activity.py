"""The stacks of MiniStack's CloudFormation, as the page shows them."""

from collections.abc import Mapping
from typing import Any

from imgver_sandbox.api.activity import StackActivity, StackEvent
from imgver_sandbox.ministack.hooks import CLOUDFORMATION, module

_MAX_STACKS = 20
_MAX_EVENTS = 8


def stack_activity() -> list[StackActivity]:
    """Return the 20 stacks of all accounts and regions that changed last, latest first, with 8 events each.

    A deleted stack stays in the list until another stack has its name.
    """
    cloudformation = module(CLOUDFORMATION)
    found = [
        _activity(stack, cloudformation._stack_events.get_scoped(account, region, stack["StackId"], []))
        for (account, region, _), stack in cloudformation._stacks.all_items()
    ]
    return sorted(found, key=lambda stack: stack.at, reverse=True)[:_MAX_STACKS]


def _activity(stack: Mapping[str, Any], events: list[Mapping[str, Any]]) -> StackActivity:
    latest = events[: -_MAX_EVENTS - 1 : -1]
    return StackActivity(
        arn=stack["StackId"],
        name=stack["StackName"],
        status=stack["StackStatus"],
        reason=stack["StackStatusReason"],
        at=latest[0]["Timestamp"] if latest else stack["CreationTime"],
        events=[
            StackEvent(
                id=event["EventId"],
                at=event["Timestamp"],
                logical_id=event["LogicalResourceId"],
                resource_type=event["ResourceType"],
                status=event["ResourceStatus"],
                reason=event["ResourceStatusReason"],
            )
            for event in latest
        ],
    )
