"""What CloudFormation's own types of SageMaker resources have in common."""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from imgver_sandbox.ministack.hooks import PROVISIONERS, RESPONSES, module
from imgver_sandbox.ministack.template_values import typed
from imgver_sandbox.sagemaker.service import ImagesService, ServiceError
from imgver_sandbox.sagemaker.service_model import modelled_service

Properties = Mapping[str, Any]
Attributes = dict[str, Any]

_POLL_SECONDS = 0.1
_CODES = {
    "AccessDeniedException": "AccessDenied",
    "ResourceInUse": "ResourceConflict",
    "ResourceLimitExceeded": "ServiceLimitExceeded",
    "ResourceNotFound": "NotFound",
    "ThrottlingException": "Throttling",
    "ValidationException": "InvalidRequest",
}


class ResourceHandlerError(Exception):
    """A failure as CloudFormation reports it. `code` is one of its handler error codes."""

    def __init__(self, code: str, message: str) -> None:
        """Make one with the handler's `message`."""
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
        )


def refusal(error: ServiceError) -> ResourceHandlerError:
    """The failure that follows from an error of the service, as most handlers report it."""
    return ResourceHandlerError(
        _CODES.get(error.code, "GeneralServiceException"),
        f"{error.message} (Service: SageMaker, Status Code: {error.status}, Error Code: {error.code})",
    )


class ResourceType(ABC):
    """One type: its properties as the public registry schema has them, and its handler."""

    name: ClassVar[str]
    required: ClassVar[Collection[str]]
    optional: ClassVar[Collection[str]]
    create_only: ClassVar[tuple[str, ...]]

    def __init__(self, service: ImagesService) -> None:
        """Make one whose resources `service` has."""
        self._service = service

    @abstractmethod
    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Make a resource; answer its physical id and what Fn::GetAtt knows."""

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Change a resource in place."""

    @abstractmethod
    def delete(self, physical_id: str, properties: Properties) -> None:
        """Have a resource gone, if it is not already."""

    def add(self) -> None:
        """Add the type to MiniStack."""

        def create(logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Attributes]:
            self._check(logical_id, properties)
            return self.create(properties)

        def update(
            physical_id: str, old: Properties, new: Properties, _stack_name: str, logical_id: str
        ) -> tuple[str, Attributes]:
            self._check(logical_id, new)
            return physical_id, self.update(physical_id, old, new)

        provisioners = module(PROVISIONERS)
        provisioners._REPLACING_PROPERTIES[self.name] = self.create_only
        provisioners._RESOURCE_HANDLERS[self.name] = {
            "create": create,
            "update": update,
            "update_with_logical_id": True,
            "delete": self.delete,
        }

    def call(self, operation: str, parameters: Properties) -> dict[str, Any]:
        """Call the service for the account and region of the stack. Raises ServiceError."""
        responses = module(RESPONSES)
        return self._service.call(
            operation,
            typed(modelled_service("sagemaker").input_shape(operation), parameters),
            account=responses.get_account_id(),
            region=responses.get_region(),
        )

    def change(self, operation: str, parameters: Properties) -> dict[str, Any]:
        """The same, and raise ResourceHandlerError for what the service refuses."""
        try:
            return self.call(operation, parameters)
        except ServiceError as error:
            raise refusal(error) from None

    def settled(self, operation: str, which: Properties, status: str) -> dict[str, Any] | None:
        """What `operation` says of a resource once nothing happens to it any more; None when it is gone.

        `status` is the name of the status in there.
        """
        while True:
            try:
                found = self.call(operation, which)
            except ServiceError as error:
                if error.code == "ResourceNotFound":
                    return None
                raise
            if not found[status].lower().endswith("ing"):
                return found
            time.sleep(_POLL_SECONDS)

    def _check(self, logical_id: str, properties: Properties) -> None:
        problems = [
            *(f"#: required key [{name}] not found" for name in self.required if name not in properties),
            *(
                f"#: extraneous key [{name}] is not permitted"
                for name in properties
                if name not in self.required and name not in self.optional
            ),
        ]
        if problems:
            raise ValueError(
                "\n".join([f"Properties validation failed for resource {logical_id} with message:", *problems])
            )
