"""The response to CloudFormation: its fields, its size limit, and the request that delivers it."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imgver_handler.deadline import Deadline
from imgver_handler.logging import JsonLogger

MAX_BYTES = 4096
"""The size limit of a response. CloudFormation ignores a longer one."""

SEND_TIMEOUT = 10.0
"""Seconds that one attempt to deliver the response may take."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of an event that succeeded.

    Args:
        physical_id: the physical id of the resource.
        data: the attributes that ``Fn::GetAtt`` returns. Default: none.
    """

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)


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
    """Send ``body`` to CloudFormation, and retry after temporary errors.

    A client error, such as 403 for a signed URL that has expired, is not retried, since no response can succeed then.

    Raises:
        ConnectionError: the response could not be delivered. Lambda then delivers the event again.
    """
    # CloudFormation signs the URL for an empty content type.
    message = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    backoff = deadline.backoff()
    while True:
        try:
            with urllib.request.urlopen(message, timeout=SEND_TIMEOUT):  # noqa: S310 (the URL is CloudFormation's)
                return
        except urllib.error.HTTPError as error:
            error.close()
            outcome = f"HTTP {error.code}"
            if error.code < 500:  # noqa: PLR2004 (HTTP's server errors)
                log.error("CloudFormation refused the response", outcome=outcome)
                return
        except (OSError, http.client.HTTPException) as error:
            # The message of the error may contain the signed URL.
            outcome = type(error).__name__
        log.warning("the response was not delivered", outcome=outcome)
        if not backoff.wait():
            raise ConnectionError(f"the response could not be delivered: {outcome}")
