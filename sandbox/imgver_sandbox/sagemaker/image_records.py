"""Images and image versions as the service keeps them."""

import heapq
from dataclasses import dataclass, field
from typing import Any, ClassVar

from imgver_sandbox.sagemaker.pagination import Order
from imgver_sandbox.sagemaker.records import GONE, Record

# "Automatically archived after three months".
ARCHIVE_SECONDS = 90 * 24 * 3600.0


@dataclass(kw_only=True)
class Version(Record):
    """One version of an image. Only its image changes it."""

    kind: ClassVar[str] = "ImageVersion"

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
    """An image and its versions. Nothing that a single call needs is found by looking through the versions."""

    kind: ClassVar[str] = "Image"

    name: str
    role_arn: str
    display_name: str | None
    description: str | None
    versions: dict[int, Version] = field(default_factory=dict)
    by_number: Order[int] = field(default_factory=Order)
    by_creation: Order[int] = field(default_factory=Order)
    by_change: Order[int] = field(default_factory=Order)
    alias_owners: dict[str, Version] = field(default_factory=dict)
    aliases: Order[str] = field(default_factory=Order)
    in_use: set[int] = field(default_factory=set)
    highest_ever: int = 0
    deleting: Version | None = None
    written_until: float = 0.0
    # When a version may change by itself, and its number.
    _due: list[tuple[float, int]] = field(default_factory=list)

    @property
    def highest(self) -> int:
        """The number of the latest version, 0 without any."""
        return self.by_number.last or 0

    def settle(self, now: float) -> None:
        """Catch up with the time, and so do those versions for which the time has come."""
        super().settle(now)
        while self._due and self._due[0][0] <= now:
            version = self.versions.get(heapq.heappop(self._due)[1])
            if version is not None:
                version.settle(now)
                if version.status == GONE:
                    self._drop(version)
                else:
                    self._sort_in(version)
        if self.deleting is not None and self.deleting.status != "DELETING":
            self.deleting = None

    def status_of(self, version: Version) -> str:
        """An image takes its versions with it, so while it is being deleted they all are."""
        return "DELETING" if self.status == "DELETING" else version.status

    def create(self, version: Version, *, seconds: float, failure_reason: str | None) -> None:
        """Take in `version`, whose number is above all others, and have it created within `seconds`."""
        now = version.created_at
        version.begin("CREATING", now=now, seconds=seconds, then="CREATED", failure_reason=failure_reason)
        self.versions[version.number] = version
        self.highest_ever = max(self.highest_ever, version.number)
        self._sort_in(version)
        self._expect(version, now + seconds)
        self._expect(version, version.archive_at)

    def update(self, version: Version, metadata: dict[str, Any], *, now: float) -> None:
        """Set the metadata given, which may be none."""
        version.describe_by(metadata, now=now)
        version.modified_at = now
        self._sort_in(version)
        self._expect(version, version.archive_at if "VendorGuidance" in metadata else None)

    def delete(self, version: Version, *, now: float, seconds: float, failure_reason: str | None) -> None:
        """Have `version` gone in `seconds`, unless that fails."""
        version.begin("DELETING", now=now, seconds=seconds, then=GONE, failure_reason=failure_reason)
        self.deleting = version
        self._sort_in(version)
        self._expect(version, now + seconds)

    def point(self, alias: str, version: Version) -> None:
        """Make `version` the one that holds `alias`."""
        owner = self.alias_owners.get(alias)
        if owner is not None:
            owner.aliases.discard(alias)
        self.alias_owners[alias] = version
        self.aliases.put((alias,))
        version.aliases.add(alias)

    def unpoint(self, alias: str) -> None:
        """Let nobody hold `alias`."""
        self.alias_owners.pop(alias).aliases.discard(alias)
        self.aliases.remove(alias)

    def _sort_in(self, version: Version) -> None:
        self.by_number.put((version.number,))
        self.by_creation.put((version.created_at, version.number))
        self.by_change.put((version.modified_at, version.number))

    def _expect(self, version: Version, at: float | None) -> None:
        if at is not None:
            heapq.heappush(self._due, (at, version.number))

    def _drop(self, version: Version) -> None:
        del self.versions[version.number]
        for order in (self.by_number, self.by_creation, self.by_change):
            order.remove(version.number)
        for alias in list(version.aliases):
            self.unpoint(alias)
