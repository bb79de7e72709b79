"""A record of the AWS API requests to MiniStack: caller, action, resource, decision of IAM, duration and error."""

import contextvars
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.api.api_calls import ApiCall, ApiCalls
from imgver_sandbox.api.iam_decisions import Decision
from imgver_sandbox.ministack.hooks import APP, IAM_ACTIONS, RESPONSES, ROUTER, module
from imgver_sandbox.ministack.iam import caller_of, on_decision

_ERROR = 400
_CODE = re.compile(rb'(?:<Code>|"(?:__type|code)": ?")([^<"]+)')


@dataclass
class _PendingRequest:
    """A request in progress."""

    access_key: str
    decision: Decision | None = None
    denied: str | None = None
    """The ARN of the resource to which IAM denied access."""


_pending: contextvars.ContextVar[_PendingRequest | None] = contextvars.ContextVar("pending", default=None)


def record_requests(calls: ApiCalls) -> None:
    """Add every request to `calls`. If IAM is enforced, also add the calls that services send with a user's role."""
    _record_requests(calls)
    _record_decisions(calls)


def _record_requests(calls: ApiCalls) -> None:
    app, router = module(APP), module(ROUTER)
    dispatch = app._dispatch_service_request

    async def record(  # noqa: PLR0917  the signature is MiniStack's
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any], request_id: str
    ) -> object:
        # Before the call, which can move an alias or delete a version.
        action, resource = _action_and_resource(method, path, headers, body, query)
        request = _PendingRequest(router.extract_access_key_id(headers, query))
        at, start = time.time(), time.monotonic()
        token = _pending.set(request)
        try:
            response: tuple[int, object, object] = await dispatch(method, path, headers, body, query, request_id)
        finally:
            _pending.reset(token)
        status, _, response_body = response
        milliseconds = 1000 * (time.monotonic() - start)
        calls.add(
            ApiCall(
                at=at,
                caller=caller_of(request.access_key),
                action=action,
                resource=request.denied or resource,
                decision=request.decision,
                milliseconds=round(milliseconds, 1),
                error=_error_code(status, response_body),
            )
        )
        return response

    app._dispatch_service_request = record


def _record_decisions(calls: ApiCalls) -> None:
    def record(access_key: str, action: str, resource: str, decision: Decision) -> None:
        request = _pending.get()
        if request and request.access_key == access_key:
            request.decision = decision
            request.denied = None if decision == "allowed" else resource
        else:
            caller = caller_of(access_key)
            calls.add(ApiCall(at=time.time(), caller=caller, action=action, resource=resource, decision=decision))

    on_decision(record)


def _action_and_resource(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the action and the resource of a request."""
    iam_actions, responses = module(IAM_ACTIONS), module(RESPONSES)
    request = method, path, headers, body, module(APP)._routing_params(method, path, headers, body, query)
    service = module(ROUTER).detect_service(method, path, headers, request[-1])
    action = iam_actions.extract_iam_action(service, *request)
    resource = iam_actions.extract_resource_arn(service, *request, responses.get_region(), responses.get_account_id())
    return action or f"{service}:{method} {path}", resource


def _error_code(status: int, body: object) -> str | None:
    """Return the error code of a response in any protocol of AWS, or the HTTP status if it has no code."""
    if status < _ERROR:
        return None
    content = body if isinstance(body, bytes) else str(body).encode()
    code = _CODE.search(content)
    return code[1].decode() if code else f"HTTP {status}"
