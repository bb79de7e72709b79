"""The AWS JSON 1.1 protocol: requests and responses on the wire."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.sagemaker.errors import ServiceError


def respond(
    call: Callable[[str, Mapping[str, Any]], Mapping[str, Any]], *, target: str, prefix: str, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Handle one request by `call(operation, parameters)`, and return the HTTP status, the headers and the body.

    `target` is the X-Amz-Target header, `prefix` its part before the operation (`SageMaker`). A ServiceError becomes
    an error response. Any other exception that `call` raises is a defect and is not caught.
    """
    try:
        status, members = 200, dict(call(_operation(target, prefix), _parameters(body)))
    except RecursionError:
        message = "The request body is nested too deeply"
        status, members = 400, {"__type": "SerializationException", "Message": message}
    except ServiceError as error:
        status, members = error.status, {"__type": error.code, "Message": error.message}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": str(uuid.uuid4())}
    return status, headers, json.dumps(members).encode()


def _operation(target: str, prefix: str) -> str:
    service, _, operation = target.partition(".")
    if service != prefix or not operation:
        raise ServiceError("UnknownOperationException", f"Unknown operation {target}")
    return operation


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        raise ServiceError("SerializationException", "The request body is not JSON") from None
    if not isinstance(parameters, dict):
        raise ServiceError("SerializationException", "The request body is not a JSON object")
    return parameters
