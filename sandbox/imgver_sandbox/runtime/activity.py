"""What happens in the sandbox: the calls of AWS's API that it answers, and the deployments that run in it."""

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from imgver_sandbox.runtime.iam_decisions import Decision

_KEPT = 1_000


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One call, and how it was answered."""

    number: int
    """Counts from 1, in the order of the answers."""

    at: float
    """When it came in, in seconds since the epoch."""

    caller: str
    """The ARN of the user, of the role's session or of the account's root; `anonymous` if it is nobody."""

    action: str
    """As a policy spells it: `sagemaker:CreateImageVersion`."""

    resource: str
    """The ARN that it names, `*` when it names none."""

    decision: Decision | None
    """What IAM said; None when it was not asked."""

    milliseconds: float | None
    """How long the answer took; None for what a service did itself, with a role that it was given."""

    error: str | None
    """The code of the error that was answered, if any."""


class ApiCalls:
    """The last 1,000 calls. Threads may share it."""

    def __init__(self) -> None:
        """Without any call."""
        self._calls: deque[ApiCall] = deque(maxlen=_KEPT)
        self._numbers = itertools.count(1)

    def add(
        self,
        *,
        at: float,
        caller: str,
        action: str,
        resource: str,
        decision: Decision | None,
        milliseconds: float | None,
        error: str | None,
    ) -> None:
        """Take in a call that has been answered."""
        self._calls.append(
            ApiCall(
                number=next(self._numbers),
                at=at,
                caller=caller,
                action=action,
                resource=resource,
                decision=decision,
                milliseconds=milliseconds,
                error=error,
            )
        )

    def after(self, number: int) -> list[ApiCall]:
        """The calls with a higher number, oldest first."""
        return [call for call in list(self._calls) if call.number > number]


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """One event of a stack."""

    id: str
    at: str
    """ISO 8601, in UTC."""

    logical_id: str
    resource_type: str
    status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A CloudFormation stack, and what happened to it last."""

    arn: str
    name: str
    status: str
    reason: str

    at: str
    """When it changed last: ISO 8601, in UTC."""

    events: Sequence[StackEvent]
    """The latest ones, newest first."""
