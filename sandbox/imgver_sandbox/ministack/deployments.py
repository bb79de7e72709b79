"""The stacks of MiniStack's CloudFormation, to be looked at."""

from collections.abc import Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import CLOUDFORMATION, module
from imgver_sandbox.runtime.activity import Deployment, StackEvent

_STACKS = 20
_EVENTS = 8


def deployments() -> list[Deployment]:
    """The 20 stacks of all accounts and regions that changed last, the latest first, with 8 events each.

    A deleted stack stays until there is another one of its name.
    """
    cloudformation = module(CLOUDFORMATION)
    found = [
        _deployment(stack, cloudformation._stack_events.get_scoped(account, region, stack["StackId"], []))
        for (account, region, _), stack in cloudformation._stacks.all_items()
    ]
    return sorted(found, key=lambda deployment: deployment.at, reverse=True)[:_STACKS]


def _deployment(stack: Mapping[str, Any], events: list[Mapping[str, Any]]) -> Deployment:
    latest = events[: -_EVENTS - 1 : -1]
    return Deployment(
        arn=stack["StackId"],
        name=stack["StackName"],
        status=stack["StackStatus"],
        reason=stack["StackStatusReason"],
        at=latest[0]["Timestamp"] if latest else stack["LastUpdatedTime"],
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
