"""The base of all stored records. A status follows from the time alone: no background task changes it."""

from dataclasses import dataclass, field
from typing import ClassVar

# The status of a deleted record. The account removes such records before a call can read them.
GONE = "GONE"

_FAILED = {
    "CREATING": "CREATE_FAILED",
    "UPDATING": "UPDATE_FAILED",
    "DELETING": "DELETE_FAILED",
    "Pending": "Failed",
    "Updating": "Update_Failed",
    "Deleting": "Delete_Failed",
}
_FAILURE_REASON_LENGTH = 1024


@dataclass(frozen=True, kw_only=True)
class StatusChange:
    """The status that a record gets at a certain time (seconds since the epoch)."""

    at: float
    status: str
    failure_reason: str | None


@dataclass(kw_only=True)
class StoredRecord:
    """A stored resource with its times (seconds since the epoch)."""

    arn: str
    created_at: float
    modified_at: float = field(init=False)

    def __post_init__(self) -> None:
        """A new resource was last modified when it was created."""
        self.modified_at = self.created_at


@dataclass(kw_only=True)
class ResourceRecord(StoredRecord):
    """A stored resource with a status that changes as time passes."""

    type_name: ClassVar[str]
    """The name of the resource type in the service's error messages."""

    status: str = ""
    failure_reason: str | None = None
    pending_change: StatusChange | None = None

    def begin(self, status: str, *, now: float, seconds: float, then: str, failure_reason: str | None = None) -> None:
        """Set `status` for `seconds`. It is followed by `then`, or by the failed status if `failure_reason` is set."""
        self.status = status
        self.modified_at = now
        self.failure_reason = None
        self.pending_change = StatusChange(
            at=now + seconds,
            status=then if failure_reason is None else _FAILED[status],
            failure_reason=failure_reason and failure_reason[:_FAILURE_REASON_LENGTH],
        )

    def advance(self, now: float) -> None:
        """Apply the changes that are due at `now`."""
        if self.pending_change is not None and now >= self.pending_change.at:
            self.modified_at = self.pending_change.at
            self.status = self.pending_change.status
            self.failure_reason = self.pending_change.failure_reason
            self.pending_change = None
