"""What one account has in one region, and what the operations find besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imgver_sandbox.faults.kinds import Fail, Slow
from imgver_sandbox.faults.service_faults import ServiceFaults
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.container_registry import ContainerRegistry
from imgver_sandbox.sagemaker.errors import does_not_exist, invalid
from imgver_sandbox.sagemaker.image_records import Image, Version
from imgver_sandbox.sagemaker.records import GONE
from imgver_sandbox.sagemaker.studio_records import AppImageConfig, Domain, custom_images

Request = Mapping[str, Any]
"""The parameters of a call, as the service model accepts them."""

Answer = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long things take, in seconds."""

    create: float
    delete: float
    write: float
    image: float
    domain: float


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What all accounts have in common."""

    clock: Clock
    registry: ContainerRegistry
    assumptions: Assumptions
    durations: Durations
    faults: ServiceFaults

    def outcome(self, operation: str, usual_seconds: float) -> tuple[float, str | None]:
        """How many seconds the change takes that `operation` begins, and why it fails if it does."""
        fails, slow = self.faults.take(Fail, operation), self.faults.take(Slow, operation)
        return slow.seconds if slow else usual_seconds, fails.reason if fails else None


@dataclass(frozen=True)
class Creation:
    """What a ClientToken stands for."""

    parameters: dict[str, Any]
    image: Image
    version: Version


@dataclass
class Account:
    """What one account has in one region. Whatever it hands out is as the time has made it."""

    conditions: Conditions
    number: str
    region: str
    creations: dict[str, Creation] = field(default_factory=dict)
    app_image_configs: dict[str, AppImageConfig] = field(default_factory=dict)
    _images: dict[str, Image] = field(default_factory=dict)
    _domains: dict[str, Domain] = field(default_factory=dict)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.conditions.clock.now()

    def arn(self, resource: str) -> str:
        """The ARN of `resource`, like `image/data-science`."""
        partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        partition = next((p for prefix, p in partitions.items() if self.region.startswith(f"{prefix}-")), "aws")
        return f"arn:{partition}:sagemaker:{self.region}:{self.number}:{resource}"

    def add_image(self, image: Image) -> None:
        """Take in an image with a new name."""
        self._images[self._key(image.name)] = image

    def images(self) -> list[Image]:
        """All images."""
        return [image for name in list(self._images) if (image := self.find_image(name))]

    def find_image(self, name: str) -> Image | None:
        """The image of that name, if there is one."""
        image = self._images.get(self._key(name))
        if image is not None:
            image.settle(self.now())
            if image.status == GONE:
                del self._images[self._key(name)]
                return None
        return image

    def image(self, name: str) -> Image:
        """The image of that name. Raises ServiceError (ResourceNotFound) without one."""
        image = self.find_image(name)
        if image is None:
            raise does_not_exist("Image", ImageName=name)
        return image

    def version(self, request: Request) -> tuple[Image, Version]:
        """The version by Version or Alias; the latest one without either.

        Raises ServiceError: ValidationException for both at once, ResourceNotFound without that version.
        """
        name, number, alias = request["ImageName"], request.get("Version"), request.get("Alias")
        if number is not None and alias is not None:
            raise invalid("Only one of Version and Alias can be specified.")
        image = self.find_image(name)
        version = None
        if image is not None:
            by_number = image.versions.get(image.highest if number is None else number)
            version = by_number if alias is None else image.alias_owners.get(alias)
        if image is None or version is None:
            if number is None and alias is None:
                raise does_not_exist("Latest ImageVersion", ImageName=name)
            which = {"Version": number} if alias is None else {"Alias": alias}
            raise does_not_exist("ImageVersion", ImageName=name, **which)
        return image, version

    def numbers_in_use(self, image: Image) -> set[int]:
        """The versions of `image` that are there and in use: a domain names them, or somebody said so."""
        named = {
            image.highest if custom_image.number is None else custom_image.number
            for domain in self.domains()
            for custom_image in custom_images(domain.settings)
            if self._key(custom_image.image_name) == self._key(image.name)
        }
        said = image.in_use | self.conditions.faults.held(image.name)
        return {number for number in named | said if number in image.versions}

    def add_domain(self, domain: Domain) -> None:
        """Take in a domain."""
        self._domains[domain.domain_id] = domain

    def domains(self) -> list[Domain]:
        """All domains, the oldest first."""
        return [domain for domain_id in list(self._domains) if (domain := self.find_domain(domain_id))]

    def find_domain(self, domain_id: str) -> Domain | None:
        """The domain with that id, if there is one."""
        domain = self._domains.get(domain_id)
        if domain is not None:
            domain.settle(self.now())
            if domain.status == GONE:
                del self._domains[domain_id]
                return None
        return domain

    def _key(self, name: str) -> str:
        return name.lower() if self.conditions.assumptions.arn_case == "lower" else name
