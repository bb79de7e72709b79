"""The records of Studio: app image configs, domains, user profiles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from imgver_sandbox.sagemaker.records import ResourceRecord


@dataclass(kw_only=True)
class AppImageConfigRecord:
    """The configuration with which Studio runs an image."""

    name: str
    arn: str
    created_at: float
    modified_at: float
    app_configs: dict[str, Any]
    """The configuration of each app type, by the name of the API's parameter (`JupyterLabAppImageConfig`)."""


class CustomImageEntry(NamedTuple):
    """An image that a domain or a user profile offers."""

    image_name: str
    number: int | None
    """None stands for the latest version at the time when an app starts."""
    app_image_config_name: str


_SETTINGS_WITH_IMAGES = ("DefaultUserSettings", "DefaultSpaceSettings", "UserSettings")


def custom_images(settings: Mapping[str, Any]) -> Iterator[CustomImageEntry]:
    """The custom images in the settings of a domain or a user profile."""
    for name in _SETTINGS_WITH_IMAGES:
        for app in settings.get(name, {}).values():
            for item in app.get("CustomImages", []) if isinstance(app, dict) else []:
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
