"""Things as the service keeps them. Their states follow from the time alone: nothing runs."""

from dataclasses import dataclass
from typing import ClassVar

# Never seen outside: whoever settles a record drops it when it comes to this.
GONE = "GONE"

_FAILED = {"CREATING": "CREATE_FAILED", "UPDATING": "UPDATE_FAILED", "DELETING": "DELETE_FAILED"}
_FAILURE_REASON_LENGTH = 1024


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a record will come to, and when."""

    at: float
    status: str
    failure_reason: str | None


@dataclass(kw_only=True)
class Record:
    """What all things have in common: times (seconds since the epoch) and a status that changes by itself."""

    kind: ClassVar[str]
    """What the service calls it."""

    arn: str
    created_at: float
    modified_at: float
    status: str = ""
    failure_reason: str | None = None
    change: Change | None = None

    def begin(self, status: str, *, now: float, seconds: float, then: str, failure_reason: str | None = None) -> None:
        """Be in `status` for `seconds`; afterwards in `then`, or failed if there is a `failure_reason`."""
        self.status = status
        self.modified_at = now
        self.failure_reason = None
        self.change = Change(
            at=now + seconds,
            status=then if failure_reason is None else _FAILED[status],
            failure_reason=failure_reason and failure_reason[:_FAILURE_REASON_LENGTH],
        )

    def settle(self, now: float) -> None:
        """Catch up with the time."""
        if self.change is not None and now >= self.change.at:
            self.modified_at = self.change.at
            self.status = self.change.status
            self.failure_reason = self.change.failure_reason
            self.change = None
