"""What the custom resource types share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.cloudformation.request import CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources.stack_operation import StackOperation


class Resource(ABC):
    """Handles the events of one invocation. There is one subclass per custom resource type."""

    def __init__(self, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> None:
        """Handle the events through ``gateway``, until ``deadline``."""
        self._gateway = gateway
        self._deadline = deadline
        self._log = log

    @abstractmethod
    def create(self, request: CustomResourceRequest) -> Result:
        """Handle a Create event."""

    @abstractmethod
    def update(self, request: CustomResourceRequest) -> Result:
        """Handle an Update event."""

    @abstractmethod
    def delete(self, request: CustomResourceRequest) -> Result:
        """Handle a Delete event."""

    def _operation(self, request: CustomResourceRequest) -> StackOperation:
        return StackOperation(request, gateway=self._gateway, deadline=self._deadline, log=self._log)


@contextmanager
def deletion_advice(request: CustomResourceRequest) -> Iterator[None]:
    """Add to the reason of a failed Delete how the stack can be deleted. Its function is deleted all the same."""
    try:
        yield
    except HandlerError as error:
        raise HandlerError(
            f"{error.reason} If the stack is being deleted, its function is deleted too: repeat the deletion with "
            f"aws cloudformation delete-stack --stack-name {request.stack_name} --retain-resources "
            f"{request.logical_resource_id}, and delete by hand what is left."
        ) from error
