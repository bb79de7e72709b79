"""AWS JSON 1.1: how requests and answers look on the wire."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.sagemaker.service_model import ServiceError


def answer(
    call: Callable[[str, Mapping[str, Any]], Mapping[str, Any]], *, target: str, prefix: str, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Answer one request by `call(operation, parameters)`: HTTP status, headers, body.

    `target` is the X-Amz-Target header, `prefix` what it starts with (`SageMaker`). Errors of the service are answered
    as such; anything else that `call` raises is a defect and comes through.
    """
    try:
        status, answered = 200, dict(call(_operation(target, prefix), _parameters(body)))
    except ServiceError as error:
        status, answered = error.status, {"__type": error.code, "Message": error.message}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    return status, headers, json.dumps(answered).encode()


def _operation(target: str, prefix: str) -> str:
    service, _, operation = target.partition(".")
    if service != prefix or not operation:
        raise ServiceError("UnknownOperationException", f"Unknown operation {target}")
    return operation


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ServiceError("SerializationException", "The request body is no JSON") from None
    if not isinstance(parameters, dict):
        raise ServiceError("SerializationException", "The request body is no JSON object")
    return parameters
