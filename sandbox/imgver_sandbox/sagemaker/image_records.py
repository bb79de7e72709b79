"""The records of images and image versions."""

import bisect
import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from imgver_sandbox.sagemaker.records import GONE, ResourceRecord

# SageMaker documents TO_BE_ARCHIVED as "automatically archived after three months".
_ARCHIVE_SECONDS = 90 * 24 * 3600.0


@dataclass(kw_only=True)
class ImageVersionRecord(ResourceRecord):
    """One version of an image."""

    type_name: ClassVar[str] = "ImageVersion"

    number: int
    base_image: str
    container_image: str | None
    metadata: dict[str, Any] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    in_use: bool = False
    archive_at: float | None = None

    def set_metadata(self, metadata: dict[str, Any], *, now: float) -> None:
        """Set the given metadata; the rest stays."""
        self.metadata |= metadata
        if "VendorGuidance" in metadata:
            self.archive_at = now + _ARCHIVE_SECONDS if metadata["VendorGuidance"] == "TO_BE_ARCHIVED" else None

    def advance(self, now: float) -> None:
        """Apply the changes that are due at `now`."""
        super().advance(now)
        if self.archive_at is not None and now >= self.archive_at:
            self.metadata["VendorGuidance"] = "ARCHIVED"
            self.archive_at = None


@dataclass(kw_only=True)
class ImageRecord(ResourceRecord):
    """An image and its versions."""

    type_name: ClassVar[str] = "Image"

    name: str
    role_arn: str
    display_name: str | None
    description: str | None
    versions: dict[int, ImageVersionRecord] = field(default_factory=dict)
    """The versions by their numbers, in the order of their creation and of their numbers."""

    aliases: list[str] = field(default_factory=list)
    """The aliases of all versions, sorted."""

    highest_number_ever: int = 0
    locked_until: float = 0.0
    """The time at which the last write to a version ends. Until then the service refuses other writes."""

    revision: int = 0
    """The number of changes of the statuses of versions. An image can have thousands of versions: a call and the poll
    for events look only at those that change."""

    _by_revision: dict[int, tuple[int, ImageVersionRecord]] = field(default_factory=dict)
    """The revision of the last change of each version and the version, by its number. The latest change is the last."""

    _due: list[tuple[float, int]] = field(default_factory=list)
    """A heap of the times at which versions change, with their numbers."""

    _owners: dict[str, ImageVersionRecord] = field(default_factory=dict)
    _last_deleted: ImageVersionRecord | None = None

    @property
    def latest_number(self) -> int:
        """The number of the latest version, 0 without versions."""
        return next(reversed(self.versions), 0)

    @property
    def deleting_version(self) -> ImageVersionRecord | None:
        """The version that is being deleted. The service deletes one version of an image at a time."""
        last = self._last_deleted
        return last if last is not None and last.status == "DELETING" else None

    def alias_owner(self, alias: str) -> ImageVersionRecord | None:
        """The version that has `alias`."""
        return self._owners.get(alias)

    def move_alias(self, alias: str, version: ImageVersionRecord) -> None:
        """Give `alias` to `version`, and take it from the version that has it now."""
        self.remove_alias(alias)
        self._owners[alias] = version
        version.aliases.add(alias)
        bisect.insort(self.aliases, alias)

    def remove_alias(self, alias: str) -> None:
        """Take `alias` from the version that has it, if there is one."""
        owner = self._owners.pop(alias, None)
        if owner is not None:
            owner.aliases.remove(alias)
            del self.aliases[bisect.bisect_left(self.aliases, alias)]

    def status_of(self, version: ImageVersionRecord) -> str:
        """The status of `version` as the API shows it: deleting an image deletes its versions too."""
        return "DELETING" if self.status == "DELETING" else version.status

    def begin_creation(self, version: ImageVersionRecord, *, seconds: float, failure_reason: str | None) -> None:
        """Add a version, which is CREATING for `seconds`."""
        self.versions[version.number] = version
        self.highest_number_ever = max(self.highest_number_ever, version.number)
        version.begin(
            "CREATING", now=version.created_at, seconds=seconds, then="CREATED", failure_reason=failure_reason
        )
        self._record_change(version)

    def begin_deletion(
        self, version: ImageVersionRecord, *, now: float, seconds: float, failure_reason: str | None
    ) -> None:
        """Set the status DELETING of a version, which is gone after `seconds`."""
        version.begin("DELETING", now=now, seconds=seconds, then=GONE, failure_reason=failure_reason)
        self._last_deleted = version
        self._record_change(version)

    def set_metadata(self, version: ImageVersionRecord, metadata: dict[str, Any], *, now: float) -> None:
        """Set the given metadata of a version; the rest stays."""
        version.set_metadata(metadata, now=now)
        self._schedule(version)

    def changed_since(self, revision: int) -> Iterator[ImageVersionRecord]:
        """The versions whose status has changed since a revision, in the order of the changes."""
        changed = itertools.takewhile(lambda each: each[0] > revision, reversed(self._by_revision.values()))
        return reversed([version for _, version in changed])

    def advance(self, now: float) -> None:
        """Apply the changes that are due at `now`, to the image and to its versions."""
        super().advance(now)
        while self._due and self._due[0][0] <= now:
            _, number = heapq.heappop(self._due)
            version = self.versions.get(number)
            if version is None:
                continue
            before = version.status
            version.advance(now)
            if version.status == GONE:
                self._remove(version)
            elif version.status != before:
                self._record_change(version)

    def _remove(self, version: ImageVersionRecord) -> None:
        for alias in list(version.aliases):
            self.remove_alias(alias)
        del self.versions[version.number], self._by_revision[version.number]

    def _record_change(self, version: ImageVersionRecord) -> None:
        self.revision += 1
        self._by_revision.pop(version.number, None)
        self._by_revision[version.number] = self.revision, version
        self._schedule(version)

    def _schedule(self, version: ImageVersionRecord) -> None:
        if version.pending_change is not None:
            heapq.heappush(self._due, (version.pending_change.at, version.number))
        if version.archive_at is not None:
            heapq.heappush(self._due, (version.archive_at, version.number))
