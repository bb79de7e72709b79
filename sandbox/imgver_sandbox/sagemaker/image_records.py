"""The records of images and image versions."""

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
    """The versions by their numbers, in the order of their creation."""

    highest_number_ever: int = 0
    locked_until: float = 0.0
    """The time at which the last write to a version ends. Until then the service refuses other writes."""

    @property
    def latest_number(self) -> int:
        """The number of the latest version, 0 without versions."""
        return max(self.versions, default=0)

    @property
    def deleting_version(self) -> ImageVersionRecord | None:
        """The version that is being deleted. The service deletes one version of an image at a time."""
        return next((version for version in self.versions.values() if version.status == "DELETING"), None)

    def alias_owner(self, alias: str) -> ImageVersionRecord | None:
        """The version that has `alias`."""
        return next((version for version in self.versions.values() if alias in version.aliases), None)

    def move_alias(self, alias: str, version: ImageVersionRecord) -> None:
        """Give `alias` to `version`, and take it from the version that has it now."""
        owner = self.alias_owner(alias)
        if owner is not None:
            owner.aliases.remove(alias)
        version.aliases.add(alias)

    def status_of(self, version: ImageVersionRecord) -> str:
        """The status of `version` as the API shows it: deleting an image deletes its versions too."""
        return "DELETING" if self.status == "DELETING" else version.status

    def advance(self, now: float) -> None:
        """Apply the changes that are due at `now`, to the image and to its versions."""
        super().advance(now)
        for version in self.versions.values():
            version.advance(now)
        self.versions = {number: version for number, version in self.versions.items() if version.status != GONE}
