"""An account of the images service that tests drive call by call, with a clock of its own."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.errors import ServiceError
from imgver_sandbox.sagemaker.service import ImagesService

ACCOUNT = "123456789012"
REGION = "eu-west-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/data-science"


class ServiceDriver:
    """Calls the service for one account in one region.

    Operations are methods: `aws.DescribeImage(ImageName="other")`. The default of ImageName is `data-science`.
    """

    repository = REPOSITORY
    base_image = f"{REPOSITORY}:1.0.0"
    role = f"arn:aws:iam::{ACCOUNT}:role/images"

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.registry = InMemoryRegistry()
        self.digest = self.registry.push(self.base_image)
        self.service = ImagesService(clock=self.clock, registry=self.registry, **options)
        self._tokens = (f"token-{number}" for number in itertools.count())

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**parameters: Any) -> dict[str, Any]:
            if operation.endswith(("Image", "ImageVersion", "ImageVersions", "Aliases")):
                parameters = {"ImageName": "data-science"} | parameters
            if operation == "CreateImage":
                parameters = {"RoleArn": self.role} | parameters
            return self.service.call(operation, parameters, account=ACCOUNT, region=REGION)

        return call

    def wait(self) -> None:
        """Let all changes finish."""
        self.clock.advance(60)

    def image(self, name: str = "data-science") -> None:
        """Create an image and wait until it is ready."""
        self.CreateImage(ImageName=name)
        self.wait()

    def start(self, image: str = "data-science", **parameters: Any) -> str:
        """Create a version and return its ARN at once."""
        defaults = {"BaseImage": self.base_image, "ClientToken": next(self._tokens)}
        return str(self.CreateImageVersion(ImageName=image, **(defaults | parameters))["ImageVersionArn"])

    def version(self, image: str = "data-science", **parameters: Any) -> int:
        """Create a version, wait until it is ready and return its number."""
        arn = self.start(image, **parameters)
        self.wait()
        return int(arn.rpartition("/")[2])

    def delete(self, number: int) -> None:
        """Delete a version and wait until it does not exist any more."""
        self.DeleteImageVersion(Version=number)
        self.wait()

    def describe(self, number: int, image: str = "data-science") -> dict[str, Any]:
        return self.DescribeImageVersion(ImageName=image, Version=number)

    def status(self, number: int) -> str:
        return str(self.describe(number)["ImageVersionStatus"])

    def owner(self, alias: str) -> int:
        """The number of the version that has the alias."""
        return int(self.DescribeImageVersion(Alias=alias)["Version"])

    def aliases(self, **which: int) -> list[str]:
        return list(self.ListAliases(**which)["SageMakerImageVersionAliases"])

    def versions(self) -> list[int]:
        """The numbers of all versions, the latest first."""
        return [version["Version"] for version in self.ListImageVersions()["ImageVersions"]]


@pytest.fixture(scope="session")
def make_aws() -> Callable[..., ServiceDriver]:
    """Create an account without images. The options are those of the service and of Assumptions."""

    def make(**options: Any) -> ServiceDriver:
        assumed = {name: options.pop(name) for name in list(options) if name in Assumptions.choices()}
        return ServiceDriver(assumptions=Assumptions(**assumed), **options)

    return make


@pytest.fixture
def aws(make_aws: Callable[..., ServiceDriver]) -> ServiceDriver:
    """An account with the image `data-science`."""
    driver = make_aws()
    driver.image()
    return driver


@contextmanager
def _refused(code: str, message: str) -> Iterator[None]:
    with pytest.raises(ServiceError) as caught:
        yield
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.fixture
def refused() -> Callable[[str, str], AbstractContextManager[None]]:
    """Expect an error of the service with this code and this whole message."""
    return _refused


@pytest.fixture
def not_found() -> Callable[..., AbstractContextManager[None]]:
    """Expect ResourceNotFound for a resource and the parameters that identify it."""

    def expect(subject: str, **parameters: object) -> AbstractContextManager[None]:
        which = " and ".join(f"{name} {value}" for name, value in parameters.items())
        remedy = f"Please provide a valid {' and '.join(parameters)}."
        return _refused("ResourceNotFound", f"{subject} with {which} does not exist. {remedy}")

    return expect
