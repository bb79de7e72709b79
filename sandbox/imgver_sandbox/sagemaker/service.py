"""The SageMaker images service: images, image versions, aliases, app image configs and Studio, in memory."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from imgver_sandbox.sagemaker import (
    aliases,
    app_image_configs,
    apps,
    domains,
    image_versions,
    images,
    json_protocol,
    lifecycle_configs,
    spaces,
    tags,
    user_profiles,
)
from imgver_sandbox.sagemaker.account import OperationDurations, SageMakerAccount, ServiceContext
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.container_registry import ContainerRegistry
from imgver_sandbox.sagemaker.errors import ServiceError
from imgver_sandbox.sagemaker.service_faults import ServiceFaults
from imgver_sandbox.sagemaker.service_model import modelled_service

__all__ = ["OPERATIONS", "ImagesService", "ServiceCall", "ServiceError", "respond"]

OPERATIONS = {
    **images.OPERATIONS,
    **image_versions.OPERATIONS,
    **aliases.OPERATIONS,
    **app_image_configs.OPERATIONS,
    **domains.OPERATIONS,
    **tags.OPERATIONS,
    **user_profiles.OPERATIONS,
    **spaces.OPERATIONS,
    **apps.OPERATIONS,
    **lifecycle_configs.OPERATIONS,
}
"""The operations by their names in the API. Each is a function of the account and the parameters."""

_View = TypeVar("_View")
_VERSION_ARN = re.compile(r"arn:[\w-]+:sagemaker:([^:]+):(\d{12}):image-version/([^/]+)/(\d+)")


class ServiceCall(NamedTuple):
    """One call as the service received it, before any validation."""

    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str


class ImagesService:
    """The part of the SageMaker API that manages images. Each account and region has its own resources. Thread-safe.

    Statuses follow the clock. As on AWS, the service performs the writes to the versions of one image one after the
    other: a create, update or delete locks the image for `write_seconds`, and other writes are refused meanwhile. A
    delete is also refused while another version of the image is being deleted. A version that a domain, a
    user profile or a space of Studio names, or that an app runs on, is in use.

    Attributes:
        registry: The registry from which base images are pulled.
        faults: The faults that tests add. The faults of requests apply only to requests on the wire: those of
            `imgver_sandbox.in_process` and those of a server.
        before_call: A function that receives every call before it is performed, or None. A ServiceError that it
            raises becomes the response.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        registry: ContainerRegistry,
        assumptions: Assumptions | None = None,
        create_seconds: float = 2.0,
        delete_seconds: float = 1.0,
        write_seconds: float = 0.5,
        image_seconds: float = 1.0,
        domain_seconds: float = 1.0,
    ) -> None:
        """Create a service without resources.

        Args:
            clock: The clock that statuses follow.
            registry: The registry from which base images are pulled.
            assumptions: The behaviour where AWS's behaviour is unknown. Default: the values harder for the caller.
            create_seconds: The duration of the creation of a version. On AWS, creation and deletion together take
                10 to 40 s.
            delete_seconds: The duration of the deletion of a version.
            write_seconds: The time for which a write to a version locks its image.
            image_seconds: The duration of any change of an image.
            domain_seconds: The duration of any change of a domain, a user profile, a space or an app.
        """
        self.registry = registry
        self.faults = ServiceFaults(clock=clock, operations=OPERATIONS)
        self.before_call: Callable[[ServiceCall], None] | None = None
        self._context = ServiceContext(
            clock=clock,
            registry=registry,
            assumptions=assumptions or Assumptions(),
            durations=OperationDurations(
                create=create_seconds,
                delete=delete_seconds,
                write=write_seconds,
                image=image_seconds,
                domain=domain_seconds,
            ),
            faults=self.faults,
        )
        self._accounts: dict[tuple[str, str], SageMakerAccount] = {}
        self._lock = threading.RLock()

    def call(self, operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Perform one operation and return the members of its response; times are in seconds since the epoch.

        `account` is the 12-digit account id. Raises ServiceError for every error of the API.
        """
        if self.before_call is not None:
            self.before_call(ServiceCall(operation, parameters, account, region))
        perform = OPERATIONS.get(operation)
        if perform is None:
            raise ServiceError("UnknownOperationException", f"Unknown operation {operation}")
        model = modelled_service("sagemaker")
        accepted = model.parse_input(operation, parameters)
        with self._lock:
            return model.build_output(operation, perform(self._account(account, region), accepted))

    def version_number(self, parameters: Mapping[str, Any], *, account: str, region: str) -> int | None:
        """The number of the version that these parameters (ImageName; Version or Alias) identify, or None.

        This is not a call of the API: `before_call` does not receive it.
        """
        try:
            accepted = modelled_service("sagemaker").parse_input("DescribeImageVersion", parameters)
            with self._lock:
                return self._account(account, region).version(accepted)[1].number
        except ServiceError:
            return None

    def view(self, read: Callable[[SageMakerAccount], _View]) -> list[_View]:
        """The results of `read` for each account in each region, all at the same moment.

        This is not a call of the API: `before_call` does not receive it.
        """
        with self._lock:
            return [read(self._account(number, region)) for number, region in self._accounts]

    def mark_in_use(self, image_version_arn: str, *, in_use: bool = True) -> None:
        """Mark the version as in use, or (`in_use=False`) as no longer in use.

        A version that Studio uses is in use even without a mark. Raises ValueError if
        `image_version_arn` is not the ARN of an image version, and ServiceError (ResourceNotFound) if the version does
        not exist.
        """
        match = _VERSION_ARN.fullmatch(image_version_arn)
        if match is None:
            raise ValueError(f"image_version_arn '{image_version_arn}' must be the ARN of an image version")
        region, account, name, number = match.groups()
        with self._lock:
            _, version = self._account(account, region).version({"ImageName": name, "Version": int(number)})
            version.in_use = in_use

    def reset(self) -> None:
        """Delete all resources and all faults at once."""
        self.faults.reset()
        with self._lock:
            self._accounts.clear()

    def _account(self, number: str, region: str) -> SageMakerAccount:
        account = self._accounts.setdefault((number, region), SageMakerAccount(self._context, number, region))
        account.advance()
        return account


def respond(
    service: ImagesService, *, target: str, body: bytes, account: str, region: str
) -> tuple[int, dict[str, str], bytes]:
    """Handle one AWS JSON 1.1 request and return the HTTP status, the headers and the body.

    `target` is the X-Amz-Target header. Raises ConnectionBroken when a fault closes the connection.
    """

    def call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return service.call(operation, parameters, account=account, region=region)

    return json_protocol.respond(service.faults.on_the_wire(call), target=target, prefix="SageMaker", body=body)
