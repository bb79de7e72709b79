"""boto3 clients whose calls the images service handles in this process: real serialization, no server, no network."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from imgver_sandbox.clients import create_client
from imgver_sandbox.faults.control import Faults
from imgver_sandbox.sagemaker import json_protocol
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.errors import ServiceError
from imgver_sandbox.sagemaker.service import ImagesService, respond
from imgver_sandbox.sagemaker.service_faults import ConnectionBroken

ServiceName = Literal["sagemaker", "ecr"]

_REGION = "eu-west-1"
_ACCOUNT = "123456789012"


class SageMakerImages:
    """An AWS account for one test: the SageMaker images service, a registry of container images, and a clock.

    >>> aws = SageMakerImages()
    >>> aws.client("sagemaker").create_image(ImageName="data-science", RoleArn=role)
    >>> aws.clock.advance(60)

    Attributes:
        account: The 12-digit id of the account.
        region: The region of its clients.
        clock: The clock that statuses follow. It stands still until the test moves it.
        registry: The registry to which the test pushes base images.
        service: The images service.
    """

    account = _ACCOUNT
    region = _REGION

    def __init__(self, *, assumptions: Assumptions | None = None) -> None:
        """Create an account without images.

        Args:
            assumptions: The behaviour of SageMaker where it is unknown. Default: the values harder for the caller.
        """
        self.clock = ManualClock()
        self.registry = InMemoryRegistry()
        self.service = ImagesService(clock=self.clock, registry=self.registry, assumptions=assumptions)

    @property
    def faults(self) -> Faults:
        """The faults of the service. A test adds faults to cause errors and delays."""
        return self.service.faults

    def client(self, service_name: ServiceName, *, region: str = region) -> BaseClient:
        """Create a boto3 client without retries. An `ecr` client supports DescribeImages only."""
        return client(service_name, self.service, region=region)


def client(
    service_name: ServiceName, service: ImagesService, *, region: str = _REGION, account: str = _ACCOUNT
) -> BaseClient:
    """Create a boto3 client without retries whose calls `service` handles, for `account` in `region`.

    An `ecr` client reads the registry of the service and supports DescribeImages only. Its calls raise TypeError if
    that registry is not an InMemoryRegistry.
    """
    boto3_client = create_client(
        service_name,
        region_name=region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106  not a secret: nothing checks it
        config=Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True),
    )
    handle = respond if service_name == "sagemaker" else _respond_as_ecr

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"].decode()
        try:
            status, headers, body = handle(service, target=target, body=request.body, account=account, region=region)
        except ConnectionBroken:
            raise ConnectionClosedError(endpoint_url=request.url) from None
        return AWSResponse(request.url, status, headers, _Body(body))

    boto3_client.meta.events.register(f"before-send.{service_name}", send)
    return boto3_client


def _respond_as_ecr(
    service: ImagesService, *, target: str, body: bytes, account: str, region: str
) -> tuple[int, dict[str, str], bytes]:
    registry = service.registry
    if not isinstance(registry, InMemoryRegistry):
        raise TypeError(f"registry {registry!r} of the service must be an InMemoryRegistry for calls of ECR")

    def call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation != "DescribeImages":
            raise ServiceError("UnknownOperationException", f"Unknown operation {operation}")
        return registry.describe_images(parameters, account=account, region=region)

    return json_protocol.respond(call, target=target, prefix="AmazonEC2ContainerRegistry_V20150921", body=body)


class _Body(io.BytesIO):
    """A response body with the method that botocore reads."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()
