"""The response when the handler could not be imported. This module imports the standard library only.

Without it nobody would respond, and CloudFormation would wait for the service timeout of each resource.
"""

from __future__ import annotations

import http
import json
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

ATTEMPTS = 3
TIMEOUT = 10.0
"""Seconds that one attempt to deliver the response waits for CloudFormation."""

MAX_CAUSE = 500
"""Characters of the cause that the response contains, so that the response does not exceed its size limit."""


def respond(event: Mapping[str, Any], error: Exception) -> None:
    """Respond to an event that the handler cannot handle because of ``error``.

    Raises:
        ConnectionError: the response could not be delivered. Lambda then delivers the event again.
    """
    trace = "".join(traceback.format_exception(error))
    _log("the handler could not be imported", request_id=event.get("RequestId", ""), trace=trace)
    physical_id = event.get("PhysicalResourceId") or f"not-created:{event.get('RequestId', '')}"
    # A resource that was not created needs no handler to be deleted, and its stack can be rolled back.
    # The physical ids that CloudFormation invents for those contain no slash, and those of the handler do.
    deleted = event.get("RequestType") == "Delete" and "/" not in physical_id
    cause = f"{type(error).__name__}: {error}"[:MAX_CAUSE]
    reason = f"the function could not start: {cause}. Deploy it again from a complete release of the library."
    path = (event.get("ResourceProperties") or {}).get("ConstructPath")
    response = {
        "Status": "SUCCESS" if deleted else "FAILED",
        "Reason": f"{path}: {reason}" if path else reason,
        "PhysicalResourceId": physical_id,
        **{name: event.get(name, "") for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    _send(event["ResponseURL"], json.dumps(response, ensure_ascii=False).encode(errors="replace"))


def _send(url: str, body: bytes) -> None:
    outcome: str | None = None
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        outcome = attempt_put(url, body, TIMEOUT)
        if outcome is None:
            return
        if outcome == f"HTTP {http.HTTPStatus.FORBIDDEN}":
            _log("the signed URL of the response has expired", outcome=outcome)
            return
        _log("the response was not delivered", outcome=outcome)
    raise ConnectionError(f"the response could not be delivered: {outcome}")


def attempt_put(url: str, body: bytes, seconds: float) -> str | None:
    """Send ``body`` once. Returns None, or what went wrong after at most ``seconds``, without the signed URL."""
    outcome: str | None = "no response in time"

    def put() -> None:
        nonlocal outcome
        try:
            # CloudFormation signs the URL for an empty content type. urllib does not follow the redirect of a PUT.
            message = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
            with urllib.request.urlopen(message, timeout=TIMEOUT):  # noqa: S310 (the URL is CloudFormation's)
                outcome = None
        except urllib.error.HTTPError as error:
            outcome = f"HTTP {error.code}"
            error.close()
        except Exception as error:  # noqa: BLE001 (its message may contain the signed URL)
            outcome = type(error).__name__

    # The timeout of urllib limits neither the DNS resolution nor a server that sends its response in single bytes.
    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome


def _log(message: str, **fields: str) -> None:
    print(json.dumps({"level": "ERROR", "message": message, **fields}), flush=True)  # noqa: T201 (Lambda takes the log from here)
