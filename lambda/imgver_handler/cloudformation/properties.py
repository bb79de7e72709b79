"""The properties that the template declares, parsed from CloudFormation's strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from imgver_handler.aws.arn import VersionId
from imgver_handler.aws.gateway import METADATA, SettingsTarget
from imgver_handler.errors import HandlerError

DELETE = "DELETE"
ARCHIVE = "ARCHIVE"

APPS = ("JupyterLab", "CodeEditor", "KernelGateway")
DEFAULT_SETTINGS = ("DefaultUserSettings", "DefaultSpaceSettings")


class ImageVersionProperties(NamedTuple):
    """The properties of Custom::SageMakerImageVersion."""

    image_name: str
    base_image: str
    metadata: Mapping[str, str | bool]
    on_replace: str
    on_delete: str
    follows_tag: bool
    adopted_version: int | None

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> ImageVersionProperties:
        """Parse the declared state.

        Raises:
            HandlerError: a property is missing or invalid.
        """
        return cls(
            image_name=required(properties, "ImageName"),
            base_image=required(properties, "BaseImage"),
            metadata={name: _metadata(properties, name) for name in METADATA if name in properties},
            on_replace=policy(properties, "OnReplace"),
            on_delete=policy(properties, "OnDelete"),
            follows_tag="FollowTag" in properties,
            adopted_version=adopted_version(properties),
        )


class ImageAliasProperties(NamedTuple):
    """The properties of Custom::SageMakerImageAlias."""

    image_name: str
    alias: str
    version: int
    created_at: float | None
    """The creation time of the version, in seconds since the epoch. None if the template names the version by its
    number, which another version may have got since."""

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> ImageAliasProperties:
        """Parse the declared state. Version is a number, or the physical id of an image version.

        Raises:
            HandlerError: a property is missing or invalid.
        """
        version, created_at = _version(properties)
        return cls(
            image_name=required(properties, "ImageName"),
            alias=required(properties, "Alias"),
            version=version,
            created_at=created_at,
        )


class ImageAttachmentProperties(NamedTuple):
    """The properties of Custom::SageMakerImageAttachment."""

    target: SettingsTarget
    app: str
    """JupyterLab, CodeEditor or KernelGateway."""
    image_name: str
    app_image_config_name: str
    version: int
    created_at: float | None
    """The creation time of the version, in seconds since the epoch. None if the template has the number only."""
    keep: int
    """The number of superseded versions that stay beside the declared one."""

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> ImageAttachmentProperties:
        """Parse the declared state. Version is a number, or the physical id of an image version.

        Raises:
            HandlerError: a property is missing or invalid.
        """
        version, created_at = _version(properties)
        profile = required(properties, "UserProfileName") if "UserProfileName" in properties else ""
        settings = _choice(properties, "Settings", DEFAULT_SETTINGS)
        superseded = _choice(properties, "Superseded", ("REPLACE", "KEEP"))
        required(properties, "App")
        return cls(
            target=SettingsTarget(
                domain_id=required(properties, "DomainId"),
                user_profile_name=profile,
                member="UserSettings" if profile else settings,
            ),
            app=_choice(properties, "App", APPS),
            image_name=required(properties, "ImageName"),
            app_image_config_name=required(properties, "AppImageConfigName"),
            version=version,
            created_at=created_at,
            keep=_number(properties, "Keep") if superseded == "KEEP" else 0,
        )


class ImageRetentionProperties(NamedTuple):
    """The properties of Custom::SageMakerImageRetention."""

    image_name: str
    keep: int

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> ImageRetentionProperties:
        """Parse the declared state.

        Raises:
            HandlerError: a property is missing or invalid.
        """
        return cls(image_name=required(properties, "ImageName"), keep=_number(properties, "Keep"))


def declared_versions(properties: Mapping[str, Any]) -> set[int]:
    """The numbers of the versions that the stack of a retention declares.

    Raises:
        HandlerError: the property is not a list of numbers.
    """
    versions = properties.get("Versions", [])
    if not isinstance(versions, list):
        raise HandlerError(f"property Versions is {versions!r}, not a list")
    return {_number({"Versions": version}, "Versions") for version in versions}


def policy(properties: Mapping[str, Any], name: str) -> str:
    """The action of a Delete event: DELETE, which is the default, or ARCHIVE.

    Args:
        properties: the properties.
        name: OnReplace, for a version that a new one replaced, or OnDelete, for one that leaves the stack.

    Raises:
        HandlerError: the property is neither of them.
    """
    return _choice(properties, name, (DELETE, ARCHIVE))


def adopted_version(properties: Mapping[str, Any]) -> int | None:
    """The number of the existing version that the resource adopts. If it is None, the resource creates a version.

    Raises:
        HandlerError: the property is not a number.
    """
    return _number(properties, "AdoptVersion") if "AdoptVersion" in properties else None


def required(properties: Mapping[str, Any], name: str) -> str:
    """The value of a required string.

    Raises:
        HandlerError: the property is missing, empty or not a string.
    """
    value = properties.get(name)
    if not isinstance(value, str) or not value:
        raise HandlerError(f"property {name} is missing or not a string")
    return value


def _metadata(properties: Mapping[str, Any], name: str) -> str | bool:
    if name != "Horovod":
        return required(properties, name)
    value = str(properties[name]).lower()
    if value not in ("true", "false"):
        raise HandlerError(f"property Horovod is {properties[name]!r}, not one of true, false")
    return value == "true"


def _version(properties: Mapping[str, Any]) -> tuple[int, float | None]:
    """The number and the creation time of a version that a template names by its number or its physical id."""
    identity = VersionId.parse(str(properties.get("Version")))
    return (_number(properties, "Version"), None) if identity is None else (identity.arn.version, identity.created_at)


def _choice(properties: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    """The value of a property that has a few values, of which the first is the default."""
    value = str(properties.get(name, choices[0]))
    if value not in choices:
        raise HandlerError(f"property {name} is {value!r}, not one of {', '.join(choices)}")
    return value


def _number(properties: Mapping[str, Any], name: str) -> int:
    value = str(properties.get(name, ""))
    if not (value.isascii() and value.isdigit()):
        raise HandlerError(f"property {name} is {value!r}, not a whole number")
    return int(value)
