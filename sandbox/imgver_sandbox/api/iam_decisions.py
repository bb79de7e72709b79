"""A record of the decisions of IAM: which actions a role used, and which were denied."""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from imgver_sandbox.api.routes import PREFIX

PATH = f"{PREFIX}/calls"
"""The path at which the server returns the record."""

MAX_DECISIONS = 20_000
"""The number of decisions in the record; the oldest ones are removed first."""

Decision = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True, kw_only=True)
class IamDecision:
    """The decision of IAM on one action on one resource.

    An API call that uses several resources has several decisions.
    """

    caller: str
    """The ARN of the user, of the role session (`…:assumed-role/<role>/<session>`), or of the root user."""

    action: str
    """The action as a policy spells it, such as `sagemaker:CreateImageVersion`."""

    resource: str
    """The ARN of the resource, or `*` if the action has no resource."""

    decision: Decision
    """The decision in the terms of the IAM policy simulator."""


def record() -> deque[IamDecision]:
    """Return an empty record; the oldest decision comes first."""
    return deque(maxlen=MAX_DECISIONS)


def encode(decisions: Iterable[IamDecision]) -> bytes:
    """Return the decisions as JSON."""
    return json.dumps([asdict(decision) for decision in decisions]).encode()


def decode(body: bytes) -> list[IamDecision]:
    """Return the decisions that `encode` encoded."""
    return [IamDecision(**decision) for decision in json.loads(body)]
