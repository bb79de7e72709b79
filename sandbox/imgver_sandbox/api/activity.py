"""Records of the activity in the sandbox: the API calls and the deployments."""

import itertools
from collections import deque
from collections.abc import Sequence
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


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """One event of a CloudFormation stack."""

    id: str
    at: str
    """The time in ISO 8601, in UTC."""

    logical_id: str

    path: str
    """The path of the construct, or an empty string."""

    resource_type: str
    status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StackActivity:
    """A CloudFormation stack with its latest events."""

    arn: str
    name: str
    status: str
    reason: str

    at: str
    """The time of the last change in ISO 8601, in UTC."""

    events: Sequence[StackEvent]
    """The latest events, or all events of an operation that failed, newest first."""
