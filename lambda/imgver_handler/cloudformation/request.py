"""The request from CloudFormation: a custom-resource event, validated and typed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast, get_args

from imgver_handler.errors import HandlerError

RequestType = Literal["Create", "Update", "Delete"]

NOT_CREATED = "not-created:"
"""The prefix of the physical id in the response to a Create that failed before it created anything."""

_SIGNED_AT = re.compile(r"[?&]X-Amz-Date=(\d{8}T\d{6}Z)", re.ASCII)


class CustomResourceRequest(NamedTuple):
    """One event of CloudFormation.

    ``properties`` and ``old_properties`` hold the template's values, of which every scalar is a string.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
    """

    type: RequestType
    resource_type: str
    stack_id: str
    request_id: str
    logical_resource_id: str
    physical_resource_id: str
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any]
    sent_at: float
    """The time at which CloudFormation signed the ResponseURL, in seconds since the epoch; infinite if the event
    contains no time. CloudFormation sends the event up to some seconds later."""

    @property
    def stack_name(self) -> str:
        """The name of the stack."""
        return self.stack_id.partition("/")[2].partition("/")[0]

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


def parse(event: Mapping[str, Any]) -> CustomResourceRequest:
    """Validate an event.

    Raises:
        HandlerError: a field is missing or has a value that CloudFormation does not send.
    """
    request_type = _string(event, "RequestType")
    if request_type not in get_args(RequestType):
        raise HandlerError(f"malformed event: RequestType is {request_type!r}, not one of Create, Update, Delete")
    stack_id = _string(event, "StackId")
    if len(stack_id.split(":")) < 6:  # noqa: PLR2004 (arn:partition:cloudformation:region:account:stack/…)
        raise HandlerError(f"malformed event: StackId {stack_id!r} is not an ARN")
    return CustomResourceRequest(
        type=cast("RequestType", request_type),
        resource_type=_string(event, "ResourceType"),
        stack_id=stack_id,
        request_id=_string(event, "RequestId"),
        logical_resource_id=_string(event, "LogicalResourceId"),
        physical_resource_id="" if request_type == "Create" else _string(event, "PhysicalResourceId"),
        properties=_mapping(event, "ResourceProperties"),
        old_properties=_mapping(event, "OldResourceProperties") if request_type == "Update" else {},
        sent_at=_sent_at(event),
    )


def _sent_at(event: Mapping[str, Any]) -> float:
    # The only time in an event is in the signature of the ResponseURL, in whole seconds.
    signed_at = _SIGNED_AT.search(str(event.get("ResponseURL")))
    if signed_at is None:
        return math.inf
    try:
        return datetime.strptime(f"{signed_at[1]}+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    except ValueError:
        return math.inf


def _string(event: Mapping[str, Any], field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise HandlerError(f"malformed event: {field} is missing or not a string")
    return value


def _mapping(event: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = event.get(field)
    if not isinstance(value, Mapping):
        raise HandlerError(f"malformed event: {field} is missing or not an object")
    return value
