"""SageMaker images and what belongs to them: the part of the SageMaker API that manages them, in memory."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from imgver_sandbox.faults.service_faults import ServiceFaults
from imgver_sandbox.sagemaker import aliases, app_image_configs, domains, image_versions, images, json_protocol
from imgver_sandbox.sagemaker.account import Account, Conditions, Durations
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.container_registry import ContainerRegistry
from imgver_sandbox.sagemaker.service_model import ServiceError, modelled_service

__all__ = ["Assumptions", "Call", "ImagesService", "ServiceError", "respond"]

_OPERATIONS = {
    **images.OPERATIONS,
    **image_versions.OPERATIONS,
    **aliases.OPERATIONS,
    **app_image_configs.OPERATIONS,
    **domains.OPERATIONS,
}
_Seen = TypeVar("_Seen")
_VERSION_ARN = re.compile(r"arn:[\w-]+:sagemaker:([^:]+):(\d{12}):image-version/([^/]+)/(\d+)")


class Call(NamedTuple):
    """One call as it reached the service, before anything was checked."""

    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str


class ImagesService:
    """The images API of SageMaker. Accounts and regions are apart. Threads may share it.

    Statuses follow the clock. Writes to the versions of one image are serialised as on AWS: a create, update or delete
    takes the image for `write_seconds`, and another write in that time is refused; so is a delete while another
    version is being deleted. A version that a Studio domain names is in use.
    """

    faults: ServiceFaults
    """What is to go wrong. Those of the wire meet what goes through `imgver_sandbox.in_process` or a server only."""

    before_call: Callable[[Call], None] | None
    """Told of every call before it is answered. It may raise ServiceError, which is then the answer."""

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
        """Make a service without images.

        `registry` is where base images are looked up; `assumptions` (default: the harder values) is what the service
        does where AWS's behaviour is unknown. `create_seconds` and `delete_seconds` are what a version needs for that
        (on AWS both together take 10 to 40 s), `image_seconds` and `domain_seconds` what an image and a domain need for
        any change, `write_seconds` how long a write keeps others away.
        """
        self.registry = registry
        self.faults = ServiceFaults(clock=clock, operations=_OPERATIONS)
        self.before_call = None
        self._conditions = Conditions(
            clock=clock,
            registry=registry,
            assumptions=assumptions or Assumptions(),
            durations=Durations(
                create=create_seconds,
                delete=delete_seconds,
                write=write_seconds,
                image=image_seconds,
                domain=domain_seconds,
            ),
            faults=self.faults,
        )
        self._accounts: dict[tuple[str, str], Account] = {}
        self._lock = threading.RLock()

    def call(self, operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Answer one operation with what its model says; times are seconds since the epoch.

        `account` is the 12-digit account id. Raises ServiceError for everything the API refuses.
        """
        if self.before_call is not None:
            self.before_call(Call(operation, parameters, account, region))
        perform = _OPERATIONS.get(operation)
        if perform is None:
            raise ServiceError("UnknownOperationException", f"Unknown operation {operation}")
        accepted = modelled_service("sagemaker").accept(operation, parameters)
        with self._lock:
            return modelled_service("sagemaker").answer(operation, perform(self._account(account, region), accepted))

    def version_number(self, parameters: Mapping[str, Any], *, account: str, region: str) -> int | None:
        """The version that a call with these parameters (ImageName; Version or Alias) is about; None without one.

        It is no call: nobody is told of it.
        """
        try:
            accepted = modelled_service("sagemaker").accept("DescribeImageVersion", parameters)
            with self._lock:
                return self._account(account, region).version(accepted)[1].number
        except ServiceError:
            return None

    def view(self, look: Callable[[Account], _Seen]) -> list[_Seen]:
        """What `look` makes of each account in each region, all at one moment. It is no call: nobody is told of it."""
        with self._lock:
            return [look(account) for account in self._accounts.values()]

    def mark_in_use(self, image_version_arn: str, *, in_use: bool = True) -> None:
        """Say that a running app uses the version, or (`in_use=False`) that none does any more.

        A domain that names the version uses it besides. Raises ValueError for anything but an image version's ARN,
        ServiceError (ResourceNotFound) when there is no such version.
        """
        match = _VERSION_ARN.fullmatch(image_version_arn)
        if match is None:
            raise ValueError(f"image_version_arn '{image_version_arn}' must be the ARN of an image version")
        region, account, name, number = match.groups()
        with self._lock:
            image, version = self._account(account, region).version({"ImageName": name, "Version": int(number)})
            if in_use:
                image.in_use.add(version.number)
            else:
                image.in_use.discard(version.number)

    def reset(self) -> None:
        """Forget everything, and every fault."""
        self.faults.reset()
        with self._lock:
            self._accounts.clear()

    def _account(self, number: str, region: str) -> Account:
        return self._accounts.setdefault((number, region), Account(self._conditions, number, region))


def respond(
    service: ImagesService, *, target: str, body: bytes, account: str, region: str
) -> tuple[int, dict[str, str], bytes]:
    """Answer one AWS JSON 1.1 request: HTTP status, headers, body. `target` is the X-Amz-Target header.

    Raises ConnectionBroken when a fault is to end the connection.
    """

    def call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return service.call(operation, parameters, account=account, region=region)

    return json_protocol.answer(service.faults.on_the_wire(call), target=target, prefix="SageMaker", body=body)
