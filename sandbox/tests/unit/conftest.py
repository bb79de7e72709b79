"""An account on the images service, driven call by call on a clock of its own."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService
from imgver_sandbox.sagemaker.errors import ServiceError

ACCOUNT = "123456789012"
REGION = "eu-west-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/data-science"


class Aws:
    """One account in one region. Calls are methods: `aws.CreateImage(ImageName=…)`."""

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
        return lambda **parameters: self.service.call(operation, parameters, account=ACCOUNT, region=REGION)

    def wait(self) -> None:
        """Let everything come to its end."""
        self.clock.advance(60)

    def image(self, name: str = "data-science") -> str:
        self.CreateImage(ImageName=name, RoleArn=self.role)
        self.wait()
        return name

    def start(self, image: str = "data-science", **parameters: Any) -> str:
        """Create a version and answer its ARN at once."""
        defaults = {"BaseImage": self.base_image, "ClientToken": next(self._tokens)}
        answer = self.CreateImageVersion(ImageName=image, **(defaults | parameters))
        return str(answer["ImageVersionArn"])

    def version(self, image: str = "data-science", **parameters: Any) -> int:
        """Create a version, wait for it and answer its number."""
        arn = self.start(image, **parameters)
        self.wait()
        return int(arn.rpartition("/")[2])

    def delete(self, number: int, image: str = "data-science") -> None:
        self.DeleteImageVersion(ImageName=image, Version=number)
        self.wait()

    def describe(self, number: int, image: str = "data-science") -> dict[str, Any]:
        return self.DescribeImageVersion(ImageName=image, Version=number)

    def status(self, number: int, image: str = "data-science") -> str:
        return str(self.describe(number, image)["ImageVersionStatus"])

    def owner(self, alias: str, image: str = "data-science") -> int:
        return int(self.DescribeImageVersion(ImageName=image, Alias=alias)["Version"])

    def aliases(self, **which: int) -> list[str]:
        answer = self.ListAliases(ImageName="data-science", **which)
        return list(answer["SageMakerImageVersionAliases"])


@pytest.fixture(scope="session")
def make_aws() -> Callable[..., Aws]:
    """An account without images; options are the service's, or those of Assumptions."""

    def make(**options: Any) -> Aws:
        assumed = {name: options.pop(name) for name in list(options) if name in Assumptions.__dataclass_fields__}
        return Aws(assumptions=Assumptions(**assumed), **options)

    return make


@pytest.fixture
def aws(make_aws: Callable[..., Aws]) -> Aws:
    """An account with the image `data-science`."""
    made = make_aws()
    made.image()
    return made


@pytest.fixture
def refused() -> Callable[[str, str], AbstractContextManager[None]]:
    """Expect an error of the service: its code and its whole text."""

    @contextmanager
    def expect(code: str, message: str) -> Iterator[None]:
        with pytest.raises(ServiceError) as caught:
            yield
        assert (caught.value.code, caught.value.message) == (code, message)

    return expect
