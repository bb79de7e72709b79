"""boto3 clients that are answered by the service in this process: real serialisation, no server, no network."""

import functools
import io
import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from imgver_sandbox.faults.queue import Faults
from imgver_sandbox.faults.service_faults import ConnectionBroken
from imgver_sandbox.sagemaker import json_protocol
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService, respond
from imgver_sandbox.sagemaker.service_model import ServiceError

ServiceName = Literal["sagemaker", "ecr"]

_REGION = "eu-west-1"
_ACCOUNT = "123456789012"


class SageMakerImages:
    """An account of a test's own: SageMaker's images, a registry for their container images, and a clock.

    >>> aws = SageMakerImages()
    >>> aws.client("sagemaker").create_image(ImageName="data-science", RoleArn=role)
    >>> aws.clock.advance(60)
    """

    account = _ACCOUNT
    region = _REGION

    def __init__(self, *, assumptions: Assumptions | None = None) -> None:
        """Make an account without images.

        `assumptions` say how SageMaker behaves where that is not known; default: the harsher way.
        """
        self.clock = ManualClock()
        self.registry = InMemoryRegistry()
        self.service = ImagesService(clock=self.clock, registry=self.registry, assumptions=assumptions)

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self.service.faults

    def client(self, service_name: ServiceName, *, region: str = region) -> BaseClient:
        """A boto3 client without retries; an `ecr` client has DescribeImages only."""
        return client(service_name, self.service, region=region)


def client(
    service_name: ServiceName, service: ImagesService, *, region: str = _REGION, account: str = _ACCOUNT
) -> BaseClient:
    """A boto3 client without retries whose every call `service` answers for `account` in `region`.

    An `ecr` client asks the service's registry, which must be an InMemoryRegistry (TypeError if not), and has
    DescribeImages only.
    """
    made = _session().create_client(
        service_name,
        region_name=region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106  no secret: nothing checks it
        config=Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True),
    )
    respond_to = respond if service_name == "sagemaker" else _respond_from_registry

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"].decode()
        try:
            status, headers, body = respond_to(
                service, target=target, body=request.body, account=account, region=region
            )
        except ConnectionBroken:
            raise ConnectionClosedError(endpoint_url=request.url) from None
        return AWSResponse(request.url, status, headers, _Body(body))

    made.meta.events.register(f"before-send.{service_name}", answer)
    return made


def _respond_from_registry(
    service: ImagesService, *, target: str, body: bytes, account: str, region: str
) -> tuple[int, dict[str, str], bytes]:
    registry = service.registry
    if not isinstance(registry, InMemoryRegistry):
        raise TypeError(f"registry {registry!r} of the service must be an InMemoryRegistry to answer ECR calls")

    def call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation != "DescribeImages":
            raise ServiceError("UnknownOperationException", f"Unknown operation {operation}")
        return registry.describe_images(parameters, account=account, region=region)

    return json_protocol.answer(call, target=target, prefix="AmazonEC2ContainerRegistry_V20150921", body=body)


@functools.cache
def _session() -> botocore.session.Session:
    # One session for all clients: the service models are read once. The user's profile and files stay out of it.
    return botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )


class _Body(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()
