"""The answer to CloudFormation: its shape, its limit, and the way to the ResponseURL."""

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
"""CloudFormation refuses a longer answer."""

PUT_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of an event that was fulfilled."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)


def success(event: Mapping[str, Any], result: Result) -> bytes:
    """The answer that carries ``result``."""
    return _body(event, "SUCCESS", result.physical_id, "", result.data)


def failed(event: Mapping[str, Any], physical_id: str, reason: str) -> bytes:
    """The answer that carries ``reason``, shortened when the limit asks for it."""
    return _body(event, "FAILED", physical_id, reason, {})


def _body(event: Mapping[str, Any], status: str, physical_id: str, reason: str, data: Mapping[str, str]) -> bytes:
    def encoded(reason: str) -> bytes:
        answer = {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": physical_id,
            "StackId": event.get("StackId", ""),
            "RequestId": event.get("RequestId", ""),
            "LogicalResourceId": event.get("LogicalResourceId", ""),
            "Data": data,
        }
        # Half a surrogate pair, as a text cut elsewhere may end in, has no UTF-8.
        return json.dumps(answer, ensure_ascii=False).encode(errors="replace")

    body = encoded(reason)
    if len(body) > MAX_BYTES and reason:
        fitting = bisect_right(range(len(reason)), MAX_BYTES, key=lambda length: len(encoded(f"{reason[:length]}…")))
        body = encoded(f"{reason[: fitting - 1]}…" if fitting else "")
    return body


def put(url: str, body: bytes, deadline: Deadline, log: JsonLogger) -> None:
    """Send ``body`` to CloudFormation, through temporary errors.

    A refusal (403: the signed address has expired) is given up, since nothing can be answered any more.

    Raises:
        ConnectionError: the answer could not be delivered; Lambda delivers the event again.
    """
    # CloudFormation signs the address for an empty content type.
    message = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    backoff = deadline.backoff()
    while True:
        try:
            with urllib.request.urlopen(message, timeout=PUT_TIMEOUT):  # noqa: S310 (the address is CloudFormation's)
                return
        except urllib.error.HTTPError as error:
            error.close()
            result = f"HTTP {error.code}"
            if error.code < 500:  # noqa: PLR2004 (HTTP's server errors)
                log.error("CloudFormation refused the answer", result=result)
                return
        except (OSError, http.client.HTTPException) as error:
            # The error's text may hold the signed address.
            result = type(error).__name__
        log.warning("the answer was not delivered", result=result)
        if not backoff.wait():
            raise ConnectionError(f"the answer could not be delivered: {result}")
