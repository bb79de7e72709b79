"""The records of Studio: app image configs, domains, user profiles, spaces, apps and lifecycle configurations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from imgver_sandbox.sagemaker.records import ResourceRecord, StoredRecord


@dataclass(kw_only=True)
class AppImageConfigRecord(StoredRecord):
    """The configuration with which Studio runs an image."""

    name: str
    app_configs: dict[str, Any]
    """The configuration of each app type, by the name of the API's parameter (`JupyterLabAppImageConfig`)."""


class CustomImageEntry(NamedTuple):
    """An image that a domain or a user profile offers."""

    image_name: str
    number: int | None
    """None stands for the latest version at the time when an app starts."""
    app_image_config_name: str


_SETTINGS_WITH_IMAGES = ("DefaultUserSettings", "DefaultSpaceSettings", "UserSettings", "SpaceSettings")


def custom_images(settings: Mapping[str, Any]) -> Iterator[CustomImageEntry]:
    """The custom images in the settings of a domain, a user profile or a space."""
    for name in _SETTINGS_WITH_IMAGES:
        for app_settings in settings.get(name, {}).values():
            if isinstance(app_settings, dict):
                yield from offered_images(app_settings)


def offered_images(app_settings: Mapping[str, Any]) -> Iterator[CustomImageEntry]:
    """The custom images in the settings of one app, such as JupyterLabAppSettings."""
    for item in app_settings.get("CustomImages", []):
        yield CustomImageEntry(item["ImageName"], item.get("ImageVersionNumber"), item["AppImageConfigName"])


@dataclass(kw_only=True)
class StudioRecord(ResourceRecord):
    """A resource of a Studio domain, or the domain itself."""

    domain_id: str
    settings: dict[str, Any]
    """The parameters of the operations that create and update the resource, by their names in the API."""


@dataclass(kw_only=True)
class DomainRecord(StudioRecord):
    """A Studio domain."""

    type_name: ClassVar[str] = "Domain"


@dataclass(kw_only=True)
class UserProfileRecord(StudioRecord):
    """A user profile of a domain."""

    type_name: ClassVar[str] = "UserProfile"

    name: str


@dataclass(kw_only=True)
class SpaceRecord(StudioRecord):
    """A space of a domain."""

    type_name: ClassVar[str] = "Space"

    name: str

    @property
    def owner_name(self) -> str | None:
        """The name of the user profile that owns the space, or None."""
        name: str | None = self.settings.get("OwnershipSettings", {}).get("OwnerUserProfileName")
        return name

    @property
    def is_shared(self) -> bool:
        """Whether all users of the domain can use the space."""
        return bool(self.settings.get("SpaceSharingSettings", {}).get("SharingType", "Shared") == "Shared")


@dataclass(kw_only=True)
class AppRecord(StudioRecord):
    """An app of a space or a user profile."""

    type_name: ClassVar[str] = "App"

    name: str
    app_type: str
    owner: SpaceRecord | UserProfileRecord

    image_version: tuple[str, int] | None
    """The name of the image and the number of the version on which the app runs. None for an image of SageMaker."""

    @property
    def is_running(self) -> bool:
        """Whether the app uses its version: while it starts, runs and stops."""
        return self.status not in {"Failed", "Deleted"}


@dataclass(kw_only=True)
class LifecycleConfigRecord(StoredRecord):
    """A lifecycle configuration of Studio."""

    name: str
    content: str
    app_type: str
