"""Images and image versions as the service keeps them. Their states follow from the time alone: nothing runs."""

from dataclasses import dataclass, field
from typing import Any

# Never seen outside: whoever settles a record drops it when it comes to this.
GONE = "GONE"

# "Automatically archived after three months".
ARCHIVE_SECONDS = 90 * 24 * 3600.0

_FAILED = {"CREATING": "CREATE_FAILED", "UPDATING": "UPDATE_FAILED", "DELETING": "DELETE_FAILED"}
_FAILURE_REASON_LENGTH = 1024


@dataclass(frozen=True, kw_only=True)
class _Change:
    at: float
    status: str
    failure_reason: str | None


@dataclass(kw_only=True)
class Record:
    """What images and versions have in common: times (seconds since the epoch) and a status that changes by itself."""

    arn: str
    created_at: float
    modified_at: float
    status: str = ""
    failure_reason: str | None = None
    change: _Change | None = None

    def begin(self, status: str, *, now: float, seconds: float, then: str, failure_reason: str | None) -> None:
        """Be in `status` for `seconds`; afterwards in `then`, or failed if there is a `failure_reason`."""
        self.status = status
        self.modified_at = now
        self.failure_reason = None
        self.change = _Change(
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


@dataclass(kw_only=True)
class Version(Record):
    """One version of an image."""

    number: int
    base_image: str
    container_image: str | None
    metadata: dict[str, Any] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    archive_at: float | None = None

    def describe_by(self, metadata: dict[str, Any], *, now: float) -> None:
        """Set the metadata given; the rest stays."""
        self.metadata |= metadata
        if "VendorGuidance" in metadata:
            self.archive_at = now + ARCHIVE_SECONDS if metadata["VendorGuidance"] == "TO_BE_ARCHIVED" else None

    def settle(self, now: float) -> None:
        """Catch up with the time."""
        super().settle(now)
        if self.archive_at is not None and now >= self.archive_at:
            self.metadata["VendorGuidance"] = "ARCHIVED"
            self.modified_at = max(self.modified_at, self.archive_at)
            self.archive_at = None


@dataclass(kw_only=True)
class Image(Record):
    """An image and its versions. Everything a single call needs is found without looking through the versions."""

    name: str
    role_arn: str
    display_name: str | None
    description: str | None
    versions: dict[int, Version] = field(default_factory=dict)
    alias_owners: dict[str, Version] = field(default_factory=dict)
    in_use: set[int] = field(default_factory=set)
    highest: int = 0
    highest_ever: int = 0
    deleting: Version | None = None
    written_until: float = 0.0

    def settle(self, now: float) -> None:
        """Catch up with the time, and drop the version whose deletion is over."""
        super().settle(now)
        if self.deleting is not None:
            self.deleting.settle(now)
            if self.deleting.status == GONE:
                self._drop(self.deleting)
            if self.deleting.status != "DELETING":
                self.deleting = None

    def status_of(self, version: Version) -> str:
        """An image takes its versions with it, so while it is being deleted they all are."""
        return "DELETING" if self.status == "DELETING" else version.status

    def add(self, version: Version) -> None:
        """Take in `version`, whose number is above all others."""
        self.versions[version.number] = version
        self.highest = version.number
        self.highest_ever = max(self.highest_ever, version.number)

    def point(self, alias: str, version: Version) -> None:
        """Make `version` the one that holds `alias`."""
        owner = self.alias_owners.get(alias)
        if owner is not None:
            owner.aliases.discard(alias)
        self.alias_owners[alias] = version
        version.aliases.add(alias)

    def unpoint(self, alias: str) -> None:
        """Let nobody hold `alias`."""
        self.alias_owners.pop(alias).aliases.discard(alias)

    def _drop(self, version: Version) -> None:
        del self.versions[version.number]
        for alias in list(version.aliases):
            self.unpoint(alias)
        while self.highest and self.highest not in self.versions:
            self.highest -= 1
