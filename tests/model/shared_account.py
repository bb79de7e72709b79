"""The account of the modelled stacks: its images, and the versions that belong to no stack.

A version is identified by its image, its number and its creation time, because the numbers of an image that is deleted
and created again begin at 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from harness import ACCOUNT, REGION
from imgver_handler.aws.arn import CREATION_TIME_TOLERANCE
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService, ServiceError

FIRST = 1
"""The number of the version of each image that exists before the stacks."""
FIRST_ALIAS = "latest"
"""The alias that this version may have, and that a stack may declare."""
TAGS = ("1.0.0", "1.1.0")


class Identity(NamedTuple):
    """The identity of a version. Images whose names differ only in case may be the same image."""

    image: str
    number: int
    created_at: float


def base_image(tag: str) -> str:
    """The URI of the container image with a tag."""
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science:{tag}"


class SharedAccount:
    """An account with images that each have a version which belongs to no stack."""

    def __init__(
        self,
        *,
        clock: Clock,
        image_names: tuple[str, ...],
        assumptions: Assumptions,
        create_seconds: float,
        config_names: Iterable[str] = (),
    ) -> None:
        self.assumptions = assumptions
        self.clock = clock
        self.registry = InMemoryRegistry()
        for tag in TAGS:
            self.registry.push(base_image(tag))
        self.service = ImagesService(
            clock=clock, registry=self.registry, assumptions=assumptions, create_seconds=create_seconds
        )
        for name in config_names:
            self.call("CreateAppImageConfig", AppImageConfigName=name)
        role = {"ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/users"}
        domain = self.call("CreateDomain", DomainName="studio", AuthMode="IAM", DefaultUserSettings=role)
        self.domain_id = str(domain["DomainId"])
        self.resource_spec: dict[str, str] | None = None
        """What people have set in the domain, besides its images."""
        self.image_names = tuple({self.key(name): name for name in image_names}.values())
        """One name of each image."""
        self.foreign: dict[Identity, dict[str, Any]] = {}
        """The versions that belong to no stack, as they must stay."""
        self.foreign_aliases: dict[tuple[str, str], Identity] = {}
        """The versions of the aliases that no stack declares."""
        self.deleted_by_people: set[Identity] = set()

    def key(self, image_name: str) -> str:
        """The name of an image, which is the same for all spellings of the name that mean this image."""
        return image_name.lower() if self.assumptions.arn_case == "lower" else image_name

    def lab_settings(self) -> dict[str, Any]:
        """The settings of JupyterLab in the domain."""
        settings = self.call("DescribeDomain", DomainId=self.domain_id)["DefaultUserSettings"]
        return dict(settings.get("JupyterLabAppSettings", {}))

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call SageMaker as somebody else than the handler."""
        return self.service.call(operation, parameters, account=ACCOUNT, region=REGION)

    def describe(self, image_name: str, **version: Any) -> dict[str, Any] | None:
        """Describe a version by its number or its alias. Returns None if it does not exist."""
        try:
            response = self.call("DescribeImageVersion", ImageName=image_name, **version)
        except ServiceError as error:
            if error.code != "ResourceNotFound":
                raise
            return None
        return {name: value for name, value in response.items() if name != "LastModifiedTime"}

    def find(self, image_name: str, **version: Any) -> Identity | None:
        """The identity of the version with a number or an alias. Returns None if it does not exist."""
        found = self.describe(image_name, **version)
        return None if found is None else self.identity(image_name, found)

    def identity(self, image_name: str, description: dict[str, Any]) -> Identity:
        """The identity of a described version."""
        return Identity(self.key(image_name), description["Version"], round(description["CreationTime"], 3))

    def identity_of(self, physical_id: str, image_name: str) -> Identity | None:
        """The identity in a physical id. Returns None if the id has no creation time and the version does not exist."""
        arn, _, created_at = physical_id.partition("#")
        number = int(arn.rpartition("/")[2])
        if created_at:
            return Identity(self.key(image_name), number, round(float(created_at), 3))
        return self.find(image_name, Version=number)

    def has_new_version_of_other_case(self, image_name: str) -> bool:
        """Whether an image whose name differs in case only has a version that is as new as one created now."""
        own = self.key(image_name)
        return any(
            version.image != own
            and version.image.lower() == own.lower()
            and self.clock.now() - version.created_at <= CREATION_TIME_TOLERANCE + 1
            for version in self.versions()
        )

    def versions(self) -> dict[Identity, dict[str, Any]]:
        """All versions of all images."""
        found = {}
        for name in self.image_names:
            try:
                response = self.call("ListImageVersions", ImageName=name, MaxResults=100)
            except ServiceError as error:
                if error.code != "ResourceNotFound":
                    raise
                continue
            assert "NextToken" not in response
            for version in response["ImageVersions"]:
                description = self.describe(name, Version=version["Version"])
                if description is not None:
                    found[self.identity(name, description)] = description
        return found
