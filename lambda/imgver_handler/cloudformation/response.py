"""The response to CloudFormation: its fields, its size limit, and the request that delivers it."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from start_failure import attempt_put

from imgver_handler.deadline import Deadline
from imgver_handler.logging import JsonLogger

MAX_BYTES = 4096
"""The size limit of a response. CloudFormation ignores a longer one."""

SEND_TIMEOUT = 10.0
"""Seconds that one attempt to deliver the response may take."""

DELIVERY_LIMIT = 300.0
"""Seconds that all attempts may take together. Lambda then delivers the event again, if it is young enough by then."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of an event that succeeded.

    Args:
        physical_id: the physical id of the resource.
        data: the attributes that ``Fn::GetAtt`` returns. Default: none.
        after_response: what remains to be done after the response was sent. Default: nothing.
    """

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    after_response: Callable[[], None] | None = None


def success(event: Mapping[str, Any], result: Result) -> bytes:
    """The body of a SUCCESS response."""
    return _body(event, "SUCCESS", result.physical_id, "", result.data)


def failed(event: Mapping[str, Any], physical_id: str, reason: str) -> bytes:
    """The body of a FAILED response. The reason is shortened when the body exceeds ``MAX_BYTES``."""
    return _body(event, "FAILED", physical_id, reason, {})


def _body(event: Mapping[str, Any], status: str, physical_id: str, reason: str, data: Mapping[str, str]) -> bytes:
    def encoded(reason: str) -> bytes:
        response = {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": physical_id,
            "StackId": event.get("StackId", ""),
            "RequestId": event.get("RequestId", ""),
            "LogicalResourceId": event.get("LogicalResourceId", ""),
            "Data": data,
        }
        # A string that another service shortened may end with half a surrogate pair, which UTF-8 cannot encode.
        return json.dumps(response, ensure_ascii=False).encode(errors="replace")

    body = encoded(reason)
    if len(body) > MAX_BYTES and reason:
        fitting = bisect_right(range(len(reason)), MAX_BYTES, key=lambda length: len(encoded(f"{reason[:length]}…")))
        body = encoded(f"{reason[: fitting - 1]}…" if fitting else "")
    return body


def send(url: str, body: bytes, deadline: Deadline, log: JsonLogger) -> None:
    """Send ``body`` to CloudFormation, and retry until it is delivered.

    HTTP 403 is not retried: the signed URL has expired, so that no response can be delivered any more.

    Raises:
        ConnectionError: the response could not be delivered. Lambda then delivers the event again.
    """
    backoff = deadline.backoff()
    last_start = deadline.now() + DELIVERY_LIMIT - SEND_TIMEOUT
    while True:
        outcome = attempt_put(url, body, min(SEND_TIMEOUT, deadline.time_left()))
        if outcome is None:
            return
        if outcome == f"HTTP {HTTPStatus.FORBIDDEN}":
            log.error("CloudFormation refused the response", outcome=outcome)
            return
        log.warning("the response was not delivered", outcome=outcome)
        if not backoff.wait(not_after=last_start):
            raise ConnectionError(f"the response could not be delivered: {outcome}")
