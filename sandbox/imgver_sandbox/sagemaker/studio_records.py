"""App image configs and domains as the service keeps them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from imgver_sandbox.sagemaker.records import Record


@dataclass(kw_only=True)
class AppImageConfig:
    """How Studio runs an image."""

    name: str
    arn: str
    created_at: float
    modified_at: float
    apps: dict[str, Any]
    """The configuration for each kind of app, by the API's name of the parameter."""


class CustomImage(NamedTuple):
    """An image that Studio offers to a domain's users."""

    image_name: str
    number: int | None
    """None stands for the latest version, whichever that is when an app starts."""
    app_image_config_name: str


def custom_images(settings: Mapping[str, Any]) -> Iterator[CustomImage]:
    """Every custom image that the settings of a domain name."""
    for shared_by in ("DefaultUserSettings", "DefaultSpaceSettings"):
        for app in settings.get(shared_by, {}).values():
            for item in app.get("CustomImages", []) if isinstance(app, dict) else []:
                yield CustomImage(item["ImageName"], item.get("ImageVersionNumber"), item["AppImageConfigName"])


@dataclass(kw_only=True)
class Domain(Record):
    """A Studio domain."""

    kind: ClassVar[str] = "Domain"

    domain_id: str
    settings: dict[str, Any]
    """The parameters that it was created with, by the API's names."""
