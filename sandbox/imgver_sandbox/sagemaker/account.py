"""The resources of one account in one region, and the context that the operations work in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from imgver_sandbox.faults.kinds import FailFault, SlowFault
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.container_registry import ContainerRegistry
from imgver_sandbox.sagemaker.errors import resource_not_found, validation_exception
from imgver_sandbox.sagemaker.image_records import ImageRecord, ImageVersionRecord
from imgver_sandbox.sagemaker.records import GONE
from imgver_sandbox.sagemaker.service_faults import ServiceFaults
from imgver_sandbox.sagemaker.studio_records import (
    AppImageConfigRecord,
    AppRecord,
    DomainRecord,
    LifecycleConfigRecord,
    SpaceRecord,
    StudioRecord,
    UserProfileRecord,
    custom_images,
)

OperationInput = Mapping[str, Any]
"""The parameters of a call, validated by the service model."""

OperationOutput = dict[str, Any]
"""The members of a response. Members that are None are left out of it."""

AppKey = tuple[str, str, str, str, str]
"""The id of the domain, the name of the space or "", the name of the user profile or "", the type, and the name."""


@dataclass(frozen=True, kw_only=True)
class OperationDurations:
    """The seconds that changes take."""

    create: float
    delete: float
    write: float
    image: float
    domain: float


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """The objects that all accounts of a service share."""

    clock: Clock
    registry: ContainerRegistry
    assumptions: Assumptions
    durations: OperationDurations
    faults: ServiceFaults

    def plan_change(self, operation: str, usual_seconds: float) -> tuple[float, str | None]:
        """The seconds that the change of `operation` takes, and its failure reason if a fault lets it fail."""
        fail, slow = self.faults.take(FailFault, operation), self.faults.take(SlowFault, operation)
        return slow.seconds if slow else usual_seconds, fail.reason if fail else None


@dataclass(frozen=True)
class ClientTokenRecord:
    """The parameters that were sent with a ClientToken, and the version that the call created."""

    parameters: dict[str, Any]
    image: ImageRecord
    version: ImageVersionRecord


@dataclass
class SageMakerAccount:
    """The SageMaker resources of one account in one region."""

    context: ServiceContext
    number: str
    region: str
    app_image_configs: dict[str, AppImageConfigRecord] = field(default_factory=dict)
    domains: dict[str, DomainRecord] = field(default_factory=dict)
    """The domains by their ids, in the order of their creation."""

    user_profiles: dict[tuple[str, str], UserProfileRecord] = field(default_factory=dict)
    """The user profiles by the ids of their domains and their names in lower case: the names are not case-sensitive."""

    spaces: dict[tuple[str, str], SpaceRecord] = field(default_factory=dict)
    """The spaces by the ids of their domains and their names."""

    apps: dict[AppKey, AppRecord] = field(default_factory=dict)
    lifecycle_configs: dict[str, LifecycleConfigRecord] = field(default_factory=dict)

    client_tokens: dict[str, ClientTokenRecord] = field(default_factory=dict)
    last_key_of_page: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The sort key of the last item of each page, by the NextToken in the response."""

    _images: dict[str, ImageRecord] = field(default_factory=dict)

    def now(self) -> float:
        """The current time in seconds since the epoch."""
        return self.context.clock.now()

    def advance(self) -> None:
        """Apply all changes that are due, and remove the records of deleted resources."""
        now = self.now()
        for records in (self._images, self.domains, self.user_profiles, self.spaces, self.apps):
            _advance(records, now)

    def arn(self, resource: str) -> str:
        """The ARN of a resource of this account, such as `image/data-science`."""
        partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        partition = next((p for prefix, p in partitions.items() if self.region.startswith(f"{prefix}-")), "aws")
        return f"arn:{partition}:sagemaker:{self.region}:{self.number}:{resource}"

    def add_image(self, image: ImageRecord) -> None:
        """Add an image with a new name."""
        self._images[self._key(image.name)] = image

    def images(self) -> list[ImageRecord]:
        """All images, the oldest first."""
        return list(self._images.values())

    def find_image(self, name: str) -> ImageRecord | None:
        """The image with this name, or None."""
        return self._images.get(self._key(name))

    def image(self, name: str) -> ImageRecord:
        """The image with this name. Raises ServiceError (ResourceNotFound) if it does not exist."""
        image = self.find_image(name)
        if image is None:
            raise resource_not_found("Image", ImageName=name)
        return image

    def version(self, parameters: OperationInput) -> tuple[ImageRecord, ImageVersionRecord]:
        """The image and the version that Version or Alias identify; without them, the latest version.

        Raises ServiceError: ValidationException if both are given, ResourceNotFound if the version does not exist.
        """
        name, number, alias = parameters["ImageName"], parameters.get("Version"), parameters.get("Alias")
        if number is not None and alias is not None:
            raise validation_exception("Only one of Version and Alias can be specified.")
        image = self.find_image(name)
        version = None
        if image is not None:
            by_number = image.versions.get(image.latest_number if number is None else number)
            version = by_number if alias is None else image.alias_owner(alias)
        if image is None or version is None:
            if number is None and alias is None:
                raise resource_not_found("Latest ImageVersion", ImageName=name)
            which = {"Version": number} if alias is None else {"Alias": alias}
            raise resource_not_found("ImageVersion", ImageName=name, **which)
        return image, version

    def users_of(self, image: ImageRecord) -> dict[int, list[StudioRecord]]:
        """The domains, user profiles and spaces that name a version of the image, and the apps that run on it.

        They are by the number of the version. An entry without a number names the latest version.
        """
        users: dict[int, list[StudioRecord]] = {}
        for record in (*self.domains.values(), *self.user_profiles.values(), *self.spaces.values()):
            named = {
                image.latest_number if entry.number is None else entry.number
                for entry in custom_images(record.settings)
                if self.has_same_name(entry.image_name, image.name)
            }
            for number in named:
                users.setdefault(number, []).append(record)
        for app in self.apps.values():
            if app.is_running and app.image_version and self.has_same_name(app.image_version[0], image.name):
                users.setdefault(app.image_version[1], []).append(app)
        return users

    def numbers_in_use(self, image: ImageRecord) -> set[int]:
        """The numbers of the versions that Studio uses, that are marked as in use, or that a fault holds."""
        used = self.users_of(image).keys() | self.context.faults.held_versions(image.name)
        return {n for n, version in image.versions.items() if version.in_use or n in used}

    def apps_of(self, record: DomainRecord | UserProfileRecord | SpaceRecord) -> list[AppRecord]:
        """The apps in a domain, of a user profile and its spaces, or in a space; also those that were deleted."""
        if isinstance(record, DomainRecord):
            return [app for app in self.apps.values() if app.domain_id == record.domain_id]
        spaces = self.spaces_of(record) if isinstance(record, UserProfileRecord) else []
        return [app for app in self.apps.values() if app.owner is record or any(app.owner is one for one in spaces)]

    def spaces_of(self, record: DomainRecord | UserProfileRecord) -> list[SpaceRecord]:
        """The spaces in a domain, or those that a user profile owns."""
        in_domain = [space for space in self.spaces.values() if space.domain_id == record.domain_id]
        if isinstance(record, DomainRecord):
            return in_domain
        return [space for space in in_domain if self.owner_of(space) is record]

    def owner_of(self, space: SpaceRecord) -> UserProfileRecord | None:
        """The user profile that owns a space, if there is one."""
        return self.user_profiles.get((space.domain_id, (space.owner_name or "").lower()))

    def has_same_name(self, one: str, other: str) -> bool:
        """Whether two names of images are the name of the same image."""
        return self._key(one) == self._key(other)

    def _key(self, name: str) -> str:
        return name.lower() if self.context.assumptions.arn_case == "lower" else name


def _advance(records: dict[Any, Any], now: float) -> None:
    """Apply the changes that are due at `now`, and remove the records of deleted resources."""
    for key, record in list(records.items()):
        record.advance(now)
        if record.status == GONE:
            del records[key]


Operation = Callable[[SageMakerAccount, OperationInput], OperationOutput]
"""A function that performs one operation of the API. Raises ServiceError for every error of the API."""
