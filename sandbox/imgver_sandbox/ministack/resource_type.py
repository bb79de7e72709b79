"""The base class of the AWS::SageMaker::* types."""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
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
    """The failure of a resource handler, as CloudFormation reports it.

    `code` is one of the handler error codes of CloudFormation.
    """

    def __init__(self, code: str, message: str) -> None:
        """Create the error with the message of the handler."""
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
        )


def resource_handler_error(error: ServiceError) -> ResourceHandlerError:
    """Return the failure for an error of the service, as most resource handlers report it."""
    return ResourceHandlerError(
        _CODES.get(error.code, "GeneralServiceException"),
        f"{error.message} (Service: SageMaker, Status Code: {error.status}, Error Code: {error.code})",
    )


class ResourceType(ABC):
    """One resource type: its properties according to the public registry schema, and its handler."""

    name: ClassVar[str]
    required: ClassVar[Collection[str]]
    optional: ClassVar[Collection[str]]
    create_only: ClassVar[tuple[str, ...]]
    has_tags: ClassVar[bool] = False
    """Whether the resources get the tags of the stack, and those that CloudFormation adds, in the property Tags."""

    def __init__(self, service: ImagesService) -> None:
        """Create the type. Its resources are those of `service`."""
        self._service = service

    @abstractmethod
    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create a resource and return its physical id and its attributes for Fn::GetAtt."""

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Update a resource in place and return its attributes."""

    @abstractmethod
    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete a resource, if it exists."""

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
        if self.has_tags:
            provisioners._STACK_TAG_PROPERTY[self.name] = ("Tags", "list")
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
        """Call the service as `call` does. Raises ResourceHandlerError instead of ServiceError."""
        try:
            return self.call(operation, parameters)
        except ServiceError as error:
            raise resource_handler_error(error) from None

    def update_tags(self, arn: str, old: Sequence[Mapping[str, str]], new: Sequence[Mapping[str, str]]) -> None:
        """Change the tags of a resource from those of the old properties to those of the new ones."""
        removed = {tag["Key"] for tag in old} - {tag["Key"] for tag in new}
        if removed:
            self.change("DeleteTags", {"ResourceArn": arn, "TagKeys": sorted(removed)})
        if old != new:
            self.change("AddTags", {"ResourceArn": arn, "Tags": new})

    def call_create(self, operation: str, parameters: Properties, identifier: str) -> dict[str, Any]:
        """Create a resource. Raises ResourceHandlerError, AlreadyExists if its name is in use."""
        try:
            return self.call(operation, parameters)
        except ServiceError as error:
            if error.code != "ResourceInUse":
                raise resource_handler_error(error) from None
            message = f"Resource of type '{self.name}' with identifier '{identifier}' already exists."
            raise ResourceHandlerError("AlreadyExists", message) from None

    def delete_existing(self, operation: str, identifier: Properties) -> None:
        """Delete a resource, if it exists. Raises ResourceHandlerError."""
        try:
            self.call(operation, identifier)
        except ServiceError as error:
            if error.code != "ResourceNotFound":
                raise resource_handler_error(error) from None

    def wait_until_in_service(self, operation: str, identifier: Properties) -> dict[str, Any]:
        """Wait until a resource of Studio is stable, and return its description.

        Raises ResourceHandlerError if it does not exist or has failed.
        """
        description = self.wait_until_stable(operation, identifier, "Status")
        name = "|".join(map(str, identifier.values()))
        if description is None:
            message = f"Resource of type '{self.name}' with identifier '{name}' was not found."
            raise ResourceHandlerError("NotFound", message)
        if description["Status"] != "InService":
            reason = f"{name} is {description['Status']}: {description.get('FailureReason', 'no reason given')}"
            message = f"Resource of type '{self.name}' with identifier '{name}' did not stabilize: {reason}"
            raise ResourceHandlerError("NotStabilized", message)
        return description

    def wait_until_stable(self, operation: str, identifier: Properties, status: str) -> dict[str, Any] | None:
        """Wait until a resource is in a stable status, and return its description, or None if it does not exist.

        Args:
            operation: The operation that describes the resource.
            identifier: The parameters that identify the resource.
            status: The member of the description that has the status.
        """
        while True:
            try:
                description = self.call(operation, identifier)
            except ServiceError as error:
                if error.code == "ResourceNotFound":
                    return None
                raise
            if not description[status].lower().endswith("ing"):
                return description
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
