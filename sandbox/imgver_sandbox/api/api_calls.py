"""A record of the API calls in the sandbox."""

import itertools
from collections import deque
from dataclasses import dataclass, replace

from imgver_sandbox.api.iam_decisions import Decision

_MAX_CALLS = 1_000


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One API call with its result."""

    number: int = 0
    """A number that counts from 1, in the order of the responses. `ApiCalls` sets it."""

    at: float
    """The time of the request, in seconds since the epoch."""

    caller: str
    """The ARN of the user, of the role session or of the root user; `anonymous` without known credentials."""

    action: str
    """The action as a policy spells it, such as `sagemaker:CreateImageVersion`."""

    resource: str
    """The ARN of the resource, or `*` if the call names no resource."""

    decision: Decision | None = None
    """The decision of IAM, or None if IAM did not evaluate the call."""

    milliseconds: float | None = None
    """The duration; None for a call that a service sent with a role of the user."""

    error: str | None = None
    """The error code of the response, or None."""


class ApiCalls:
    """The last 1,000 calls. Thread-safe."""

    def __init__(self) -> None:
        """Create an empty record."""
        self._calls: deque[ApiCall] = deque(maxlen=_MAX_CALLS)
        self._numbers = itertools.count(1)

    def add(self, call: ApiCall) -> None:
        """Add a call with the next number."""
        self._calls.append(replace(call, number=next(self._numbers)))

    def after(self, number: int) -> list[ApiCall]:
        """Return the calls with a higher number, oldest first."""
        return [call for call in list(self._calls) if call.number > number]
