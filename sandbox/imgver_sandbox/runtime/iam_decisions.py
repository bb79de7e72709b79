"""A record of the calls that IAM decided on: what a role really uses, and what it was refused."""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from imgver_sandbox.runtime.routes import PREFIX

PATH = f"{PREFIX}/calls"
"""Where the sandbox answers its record."""

KEPT = 20_000
"""Calls that are remembered; older ones are forgotten first."""

Decision = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True, kw_only=True)
class IamDecision:
    """One thing that somebody asked to do, and what IAM said.

    A call that touches several resources is several of these.
    """

    caller: str
    """The ARN of the user, of the role's session (`…:assumed-role/<role>/<session>`), or of the account's root."""

    action: str
    """As a policy spells it: `sagemaker:CreateImageVersion`."""

    resource: str
    """The ARN that was asked about, `*` when the action knows none."""

    decision: Decision
    """The words of IAM's policy simulator."""


def record() -> deque[IamDecision]:
    """An empty record, oldest call first."""
    return deque(maxlen=KEPT)


def encode(calls: Iterable[IamDecision]) -> bytes:
    """The calls as JSON."""
    return json.dumps([asdict(call) for call in calls]).encode()


def decode(body: bytes) -> list[IamDecision]:
    """What `encode` made."""
    return [IamDecision(**call) for call in json.loads(body)]
