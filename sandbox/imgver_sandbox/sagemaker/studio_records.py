"""The records of app image configs and Studio domains."""

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
    """An image that a domain offers to its users."""

    image_name: str
    number: int | None
    """None stands for the latest version at the time when an app starts."""
    app_image_config_name: str


def custom_images(settings: Mapping[str, Any]) -> Iterator[CustomImageEntry]:
    """The custom images in the settings of a domain."""
    for shared_by in ("DefaultUserSettings", "DefaultSpaceSettings"):
        for app in settings.get(shared_by, {}).values():
            for item in app.get("CustomImages", []) if isinstance(app, dict) else []:
                yield CustomImageEntry(item["ImageName"], item.get("ImageVersionNumber"), item["AppImageConfigName"])


@dataclass(kw_only=True)
class DomainRecord(ResourceRecord):
    """A Studio domain."""

    type_name: ClassVar[str] = "Domain"

    domain_id: str
    settings: dict[str, Any]
    """The parameters of CreateDomain and UpdateDomain, by their names in the API."""
