"""The stacks of MiniStack's CloudFormation, as the page shows them: JSON objects with times in ISO 8601, in UTC."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from imgver_sandbox.ministack.hooks import CLOUDFORMATION, STACKS, module

_MAX_STACKS = 20
_MAX_EVENTS = 8
_STARTED = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_PATHS = "_construct_paths"


def record_construct_paths() -> None:
    """Keep the path of a construct with its stack: a rollback also restores the template, which has the paths."""
    stacks = module(STACKS)
    add = stacks._add_event

    def add_event(stack_id: str, stack_name: str, logical_id: str, *details: Any, **options: Any) -> None:  # noqa: ANN401  MiniStack has no types
        stack = module(CLOUDFORMATION)._stacks.get(stack_name, {})
        path = _paths(stack.get("_template_body") or "").get(logical_id)
        if path:
            stack.setdefault(_PATHS, {})[logical_id] = path
        add(stack_id, stack_name, logical_id, *details, **options)

    stacks._add_event = add_event


@functools.lru_cache
def _paths(template: str) -> dict[str, str]:
    """Return the paths that the CDK CLI adds to a template, by logical ids."""
    try:
        resources = json.loads(template)["Resources"].items()
        return {name: resource["Metadata"]["aws:cdk:path"] for name, resource in resources if "Metadata" in resource}
    except (ValueError, KeyError, TypeError, AttributeError):  # YAML, or not a template of the CDK
        return {}


def stack_activity() -> list[dict[str, Any]]:
    """Return the 20 stacks of all accounts and regions that changed last, latest first, with 8 events each.

    A stack whose operation failed has all events of that operation.

    A deleted stack stays in the list until another stack has its name.
    """
    cloudformation = module(CLOUDFORMATION)
    found = [
        _activity(stack, cloudformation._stack_events.get_scoped(account, region, stack["StackId"], []))
        for (account, region, _), stack in cloudformation._stacks.all_items()
    ]
    return sorted(found, key=lambda stack: str(stack["at"]), reverse=True)[:_MAX_STACKS]


def _activity(stack: Mapping[str, Any], events: list[Mapping[str, Any]]) -> dict[str, Any]:
    status, paths = stack["StackStatus"], stack.get(_PATHS, {})
    has_failed = "FAILED" in status or "ROLLBACK" in status
    latest = _operation(events) if has_failed else events[: -_MAX_EVENTS - 1 : -1]
    return {
        "arn": stack["StackId"],
        "name": stack["StackName"],
        "status": status,
        "reason": stack["StackStatusReason"],
        # The time of the last change.
        "at": latest[0]["Timestamp"] if latest else stack["CreationTime"],
        # The latest events, or all events of an operation that failed, newest first.
        "events": [
            {
                "id": event["EventId"],
                "at": event["Timestamp"],
                "logical_id": event["LogicalResourceId"],
                # The path of the construct, or an empty string.
                "path": paths.get(event["LogicalResourceId"], ""),
                "resource_type": event["ResourceType"],
                "status": event["ResourceStatus"],
                "reason": event["ResourceStatusReason"],
            }
            for event in latest
        ],
    }


def _operation(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the events of the last operation, latest first."""
    found = []
    for event in reversed(events):
        found.append(event)
        if event["PhysicalResourceId"] == event["StackId"] and event["ResourceStatus"] in _STARTED:
            break
    return found
