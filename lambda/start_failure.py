"""The response when the handler could not be imported. This module imports the standard library only.

Without it nobody would respond, and CloudFormation would wait for the service timeout of each resource.
"""

from __future__ import annotations

import http.client
import json
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
    deleted = event.get("RequestType") == "Delete" and physical_id.startswith("not-created:")
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
    outcome = ""
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        try:
            # CloudFormation signs the URL for an empty content type.
            message = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
            with urllib.request.urlopen(message, timeout=TIMEOUT):  # noqa: S310 (the URL is CloudFormation's)
                return
        except urllib.error.HTTPError as refused:
            refused.close()
            outcome = f"HTTP {refused.code}"
            if refused.code == http.HTTPStatus.FORBIDDEN:
                _log("the signed URL of the response has expired", outcome=outcome)
                return
        except (OSError, ValueError, http.client.HTTPException) as failure:
            # The message may contain the signed URL.
            outcome = type(failure).__name__
        _log("the response was not delivered", outcome=outcome)
    raise ConnectionError(f"the response could not be delivered: {outcome}")


def _log(message: str, **fields: str) -> None:
    print(json.dumps({"level": "ERROR", "message": message, **fields}), flush=True)  # noqa: T201 (Lambda takes the log from here)
