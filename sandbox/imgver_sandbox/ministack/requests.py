"""A record of the requests that MiniStack answers as AWS: who asked for what, what IAM said, how long it took."""

import contextvars
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.ministack.hooks import APP, IAM_ACTIONS, RESPONSES, ROUTER, module
from imgver_sandbox.ministack.iam import caller_of, on_decision
from imgver_sandbox.runtime.activity import ApiCalls
from imgver_sandbox.runtime.iam_decisions import Decision

_ERROR = 400
_CODE = re.compile(rb'(?:<Code>|"(?:__type|code)": ?")([^<"]+)')


@dataclass
class _PendingRequest:
    """One that is being answered."""

    access_key: str
    decision: Decision | None = None
    denied: str | None = None
    """The resource that the caller may not touch."""


_answering: contextvars.ContextVar[_PendingRequest | None] = contextvars.ContextVar("answering", default=None)


def record_requests(calls: ApiCalls) -> None:
    """Add every request to `calls`, and what services do with the roles that they are given if IAM is enforced."""
    _record_answers(calls)
    _record_decisions(calls)


def _record_answers(calls: ApiCalls) -> None:
    app, router = module(APP), module(ROUTER)
    dispatch = app._dispatch_service_request

    async def record(  # noqa: PLR0917  MiniStack calls it so
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any], request_id: str
    ) -> object:
        # Now: an alias may be at another version, and a version gone, afterwards.
        action, resource = _asked(method, path, headers, body, query)
        request = _PendingRequest(router.extract_access_key_id(headers, query))
        at, start = time.time(), time.monotonic()
        token = _answering.set(request)
        try:
            response: tuple[int, object, object] = await dispatch(method, path, headers, body, query, request_id)
        finally:
            _answering.reset(token)
        status, _, answer = response
        milliseconds = 1000 * (time.monotonic() - start)
        calls.add(
            at=at,
            caller=caller_of(request.access_key),
            action=action,
            resource=request.denied or resource,
            decision=request.decision,
            milliseconds=round(milliseconds, 1),
            error=_error_code(status, answer),
        )
        return response

    app._dispatch_service_request = record


def _record_decisions(calls: ApiCalls) -> None:
    def record(access_key: str, action: str, resource: str, decision: Decision) -> None:
        request = _answering.get()
        if request and request.access_key == access_key:
            request.decision = decision
            request.denied = None if decision == "allowed" else resource
        else:
            calls.add(
                at=time.time(),
                caller=caller_of(access_key),
                action=action,
                resource=resource,
                decision=decision,
                milliseconds=None,
                error=None,
            )

    on_decision(record)


def _asked(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
) -> tuple[str, str]:
    """The action and the resource of a request."""
    iam_actions, responses = module(IAM_ACTIONS), module(RESPONSES)
    asked = method, path, headers, body, module(APP)._routing_params(method, path, headers, body, query)
    service = module(ROUTER).detect_service(method, path, headers, asked[-1])
    action = iam_actions.extract_iam_action(service, *asked)
    resource = iam_actions.extract_resource_arn(service, *asked, responses.get_region(), responses.get_account_id())
    return action or f"{service}:{method} {path}", resource


def _error_code(status: int, body: object) -> str | None:
    """The code in an error's answer, in each of AWS's protocols; some answers have none."""
    if status < _ERROR:
        return None
    content = body if isinstance(body, bytes) else str(body).encode()
    code = _CODE.search(content)
    return code[1].decode() if code else f"HTTP {status}"
