"""What lies between the function and the services: permissions, inconsistent reads, and the time that calls take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from cloudformation import ModelStack
from deployed_function import Delivery, Invocation
from imgver_sandbox.sagemaker.clock import Clock
from service_reads import InconsistentReads
from shared_account import Identity, SharedAccount
from simulated_time import Simulation

MAX_CALL_SECONDS = 0.3
MAX_RESPONSE_SECONDS = 5.0
"""The largest number of seconds between DescribeStacks and the response that follows it."""

MAX_UPDATE_SECONDS = 30.0
"""The age in seconds of an event from which the handler reads the status of the stack before it changes metadata."""


class FunctionEnvironment:
    """Passes calls on to the account, and takes note of what the invariants need to know."""

    def __init__(
        self,
        *,
        account: SharedAccount,
        simulation: Simulation,
        service_clock: Clock,
        stack: Callable[[str], ModelStack],
        random_fraction: Callable[[], float],
        reads: InconsistentReads | None,
        checks_permissions: bool,
    ) -> None:
        """Create the environment of the function.

        Args:
            account: the account.
            simulation: the simulation in which calls take time.
            service_clock: the clock of SageMaker.
            stack: returns the stack with an id.
            random_fraction: returns a random number in [0, 1).
            reads: decides which reads do not find a new version. None: every read finds it.
            checks_permissions: whether the permissions of the function are part of the stack, which deletes them. If
                not, the function has a role that exists before and after the stack.
        """
        self._account = account
        self._simulation = simulation
        self._service_clock = service_clock
        self._stack = stack
        self._random_fraction = random_fraction
        self._reads = reads
        self._checks_permissions = checks_permissions
        self.creators: dict[Identity, Delivery] = {}
        """The events that created the versions."""
        self.unavoidable: set[str] = set()
        """The physical ids in responses that were under way when CloudFormation stopped waiting."""
        self.alias_targets: dict[tuple[str, str, str], Identity | None] = {}
        """The versions that the aliases of the stacks were moved to, by stack, logical id and physical id."""
        self.overtaken: set[Identity] = set()
        """The versions whose update was under way when CloudFormation cancelled it and sent the rollback's."""
        self.denied: list[Delivery] = []
        """The events of which a call was denied."""

    def perform(
        self, invocation: Invocation, operation: str, method: Callable[..., Any], parameters: dict[str, Any]
    ) -> Any:
        """Perform a call of the handler."""
        self._simulation.sleep(self._random_fraction() * MAX_CALL_SECONDS)
        stack = self._stack(invocation.delivery.event["StackId"])
        image = parameters.get("ImageName")
        if self._checks_permissions and not self._is_permitted(stack, image):
            self.denied.append(invocation.delivery)
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not permitted"}}, operation)
        if operation == "DescribeImageVersion" and "Version" in parameters and self._reads is not None:
            version = self._account.find(parameters["ImageName"], Version=parameters["Version"])
            now = self._service_clock.now()
            if version is not None and self._reads.hides(version, now - version.created_at):
                error = {"Code": "ResourceNotFound", "Message": "the version does not exist"}
                raise ClientError({"Error": error}, operation)
        if operation == "CreateImageVersion":
            # The versions 7 of two images whose names differ in case are equal if they are of the same second.
            while self._account.has_new_version_of_other_case(parameters["ImageName"]):
                self._simulation.sleep(1)
        response = method(**parameters)
        delivery = invocation.delivery
        if operation == "UpdateImageVersion" and self._simulation.now() - delivery.sent_at < MAX_UPDATE_SECONDS:
            version = self._account.find(parameters["ImageName"], Version=parameters["Version"])
            if delivery.is_cancelled and version is not None:
                self.overtaken.add(version)
        if operation == "DescribeStacks":
            invocation.last_question = self._simulation.now(), stack.status
            if invocation.unused_response is not None:
                self._note_unused_response(invocation, invocation.unused_response)
        if operation == "CreateImageVersion":
            created = self._account.identity_of(response["ImageVersionArn"], parameters["ImageName"])
            if created is not None:
                self.creators.setdefault(created, invocation.delivery)
        return response

    def responded(self, invocation: Invocation, response: dict[str, Any], *, is_used: bool) -> None:
        """Take note of a response: of the version of an alias, and of a response that CloudFormation ignores."""
        event, stack = invocation.delivery.event, self._stack(response["StackId"])
        if is_used and response["Status"] == "SUCCESS" and "Alias" in event["ResourceProperties"]:
            number = response["Data"].get("Version")
            image = event["ResourceProperties"]["ImageName"]
            target = None if number is None else self._account.find(image, Version=int(number))
            self.alias_targets[stack.id, event["LogicalResourceId"], response["PhysicalResourceId"]] = target
        if not is_used:
            invocation.unused_response = response
            self._note_unused_response(invocation, response)

    def _note_unused_response(self, invocation: Invocation, response: dict[str, Any]) -> None:
        """Take note of a response that CloudFormation ignores although the stack seemed to be running."""
        if invocation.last_question is None:
            return
        stack = self._stack(response["StackId"])
        asked_at, status = invocation.last_question
        was_running = status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
        is_same_operation = (stack.updated_at or stack.created_at) <= invocation.delivery.sent_at
        is_recent = self._simulation.now() - asked_at <= MAX_RESPONSE_SECONDS
        if was_running and is_same_operation and is_recent:
            self.unavoidable.add(response["PhysicalResourceId"])

    def _is_permitted(self, stack: ModelStack, image: str | None) -> bool:
        """Whether the function of a stack may call a service. The permission for an image is in a policy of its own."""
        if image is None:
            return not stack.is_deleted
        key = self._account.key
        return key(image) in {key(policy.removeprefix("Policy.")) for policy in stack.policies}
