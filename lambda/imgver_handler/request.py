"""The CloudFormation side of the door: a custom-resource event, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from imgver_handler.failures import Failure

RequestType = Literal["Create", "Update", "Delete"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One event, as https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html has it.

    ``properties`` and ``old_properties`` hold what the template says: every scalar is a string.
    """

    type: RequestType
    resource_type: str
    stack_id: str
    request_id: str
    logical_resource_id: str
    physical_resource_id: str
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any]

    @property
    def partition(self) -> str:
        """The partition of the stack, such as aws."""
        return self.stack_id.split(":")[1]

    @property
    def region(self) -> str:
        """The region of the stack."""
        return self.stack_id.split(":")[3]

    @property
    def account(self) -> str:
        """The account of the stack."""
        return self.stack_id.split(":")[4]


def parse(event: Mapping[str, Any]) -> Request:
    """The event as a :class:`Request`.

    Raises:
        Failure: a field is missing or not what CloudFormation sends. Nothing was called.
    """
    request_type = _text(event, "RequestType")
    if request_type not in get_args(RequestType):
        raise Failure(f"malformed event: RequestType is {request_type!r}, not one of Create, Update, Delete")
    stack_id = _text(event, "StackId")
    if len(stack_id.split(":")) < 6:  # noqa: PLR2004 (arn:partition:cloudformation:region:account:stack/…)
        raise Failure(f"malformed event: StackId {stack_id!r} is no ARN")
    return Request(
        type=cast("RequestType", request_type),
        resource_type=_text(event, "ResourceType"),
        stack_id=stack_id,
        request_id=_text(event, "RequestId"),
        logical_resource_id=_text(event, "LogicalResourceId"),
        physical_resource_id="" if request_type == "Create" else _text(event, "PhysicalResourceId"),
        properties=_mapping(event, "ResourceProperties"),
        old_properties=_mapping(event, "OldResourceProperties") if request_type == "Update" else {},
    )


def _text(event: Mapping[str, Any], field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise Failure(f"malformed event: {field} is missing or no text")
    return value


def _mapping(event: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = event.get(field)
    if not isinstance(value, Mapping):
        raise Failure(f"malformed event: {field} is missing or no map")
    return value
