"""The deployed function in simulated time: Lambda's asynchronous invocation, with crashes, retries and duplicates.

Lambda delivers an event at least once. It retries an invocation that ended with an error twice, and may deliver an
event again although its invocation succeeded, as long as the event is younger than the function's maximum event age.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectionClosedError
from harness import Crash, InterceptedClient, run_handler
from imgver_handler.aws.throttling import ThrottleState
from imgver_sandbox.sagemaker.clock import ManualClock
from simulated_time import Simulation, Task

FUNCTION_SECONDS = 900.0
RETRY_SECONDS = 60.0
LAMBDA_ATTEMPTS = 3
MAX_EVENT_AGE = 900.0


@dataclass(frozen=True, kw_only=True)
class Disruption:
    """The faults while one event is handled.

    Args:
        crashes: for each invocation, the number of the external call after which the process ends.
        duplicate: whether Lambda delivers the event twice at the same time.
        delivered_again_after: the seconds after which Lambda delivers the event again although it was handled.
        lost_responses: numbers of calls that have their effect, and whose response is lost.
        throttled_calls: numbers of calls that are throttled.
    """

    crashes: tuple[int, ...] = ()
    duplicate: bool = False
    delivered_again_after: tuple[float, ...] = ()
    lost_responses: frozenset[int] = frozenset()
    throttled_calls: frozenset[int] = frozenset()


@dataclass
class Delivery:
    """One event, its invocations, and the responses that reached CloudFormation."""

    event: dict[str, Any]
    disruption: Disruption
    sent_at: float
    response: dict[str, Any] | None = None
    """The response that CloudFormation uses: the first one that arrives while CloudFormation waits."""
    is_cancelled: bool = False
    """Whether CloudFormation stopped waiting before a response arrived."""
    late_response: dict[str, Any] | None = None
    """The first response that arrived after the cancellation."""
    responses: list[dict[str, Any]] = field(default_factory=list)
    """All responses in the order of their arrival."""
    invocations: int = 0
    crashed_invocations: int = 0

    def receive(self, response: dict[str, Any]) -> bool:
        """Take a response as CloudFormation does. Returns whether CloudFormation uses it."""
        self.responses.append(response)
        if self.is_cancelled:
            self.late_response = self.late_response or response
            return False
        if self.response is not None:
            return False
        self.response = response
        return True


class Environment(Protocol):
    """What lies between an invocation and the services."""

    def perform(
        self, invocation: Invocation, operation: str, method: Callable[..., Any], parameters: dict[str, Any]
    ) -> Any:
        """Perform an external call of an invocation."""

    def responded(self, invocation: Invocation, response: dict[str, Any], *, is_used: bool) -> None:
        """Take note of a response that reached CloudFormation."""


class QuietEnvironment:
    """Every call takes no time and reaches its service."""

    def perform(
        self, _invocation: Invocation, _operation: str, method: Callable[..., Any], parameters: dict[str, Any]
    ) -> Any:
        return method(**parameters)

    def responded(self, invocation: Invocation, response: dict[str, Any], *, is_used: bool) -> None:
        pass


class DeployedFunction:
    """Runs the real handler in one task per invocation. At every call other tasks may run first."""

    def __init__(
        self,
        *,
        simulation: Simulation,
        clock: ManualClock,
        create_client: Callable[[str, str | None], Any],
        random_fraction: Callable[[], float] = lambda: 0.5,
        environment: Environment | None = None,
    ) -> None:
        self._simulation = simulation
        self._clock = clock
        self._create_client = create_client
        self._random_fraction = random_fraction
        self._environment = environment or QuietEnvironment()
        self.log: list[dict[str, Any]] = []
        self.tasks: list[Task] = []
        self.handled: list[Delivery] = []
        """The deliveries that are being handled, or whose process ended before Lambda's last attempt."""
        # One state for each idle process.
        self._idle: list[ThrottleState] = []

    def invoke(self, event: dict[str, Any], disruption: Disruption) -> Delivery:
        """Deliver ``event`` as Lambda does: at once, and perhaps again later."""
        delivery = Delivery(event, disruption, self._clock.now())
        oldest = self._clock.now() + MAX_EVENT_AGE
        for _ in range(2 if disruption.duplicate else 1):
            self._start(delivery, oldest)
        for seconds in disruption.delivered_again_after:
            self._simulation.start_later(seconds, lambda: self._start(delivery, oldest))
        return delivery

    def check_tasks(self) -> None:
        """Raise the error of any invocation that failed."""
        for task in self.tasks:
            task.result()
        self.tasks.clear()

    def _start(self, delivery: Delivery, oldest: float) -> None:
        if self._clock.now() <= oldest:
            self.tasks.append(self._simulation.start(lambda: self._deliver(delivery)))

    def _deliver(self, delivery: Delivery) -> None:
        self.handled.append(delivery)
        try:
            for _ in range(LAMBDA_ATTEMPTS):
                try:
                    self._invoke(delivery)
                except Crash:
                    delivery.crashed_invocations += 1
                    self._simulation.sleep(RETRY_SECONDS)
                else:
                    return
        finally:
            self.handled.remove(delivery)

    def _invoke(self, delivery: Delivery) -> None:
        crashes = delivery.disruption.crashes
        last_call = crashes[delivery.invocations] if delivery.invocations < len(crashes) else None
        delivery.invocations += 1
        throttle_state = self._idle.pop() if self._idle else ThrottleState()
        invocation = Invocation(
            simulation=self._simulation, delivery=delivery, environment=self._environment, last_call=last_call
        )
        run_handler(
            delivery.event,
            clock=self._clock,
            seconds=FUNCTION_SECONDS,
            sleep=self._simulation.sleep,
            random_fraction=self._random_fraction,
            create_client=lambda service, region: InterceptedClient(
                self._create_client(service, region), invocation.perform
            ),
            throttle_state=throttle_state,
            logs=self.log,
            send=invocation.send,
        )
        assert invocation.responses == 1, "an invocation that ended without exactly one response"
        self._idle.append(throttle_state)


class Invocation:
    """Counts the external calls and the responses of one invocation, and applies the disruption to the calls."""

    def __init__(
        self, *, simulation: Simulation, delivery: Delivery, environment: Environment, last_call: int | None
    ) -> None:
        self.delivery = delivery
        self.responses = 0
        self.last_question: tuple[float, str] | None = None
        """The time of the last successful DescribeStacks, and the status in its response."""
        self.unused_response: dict[str, Any] | None = None
        """The response, if it reached CloudFormation and is not used."""
        self._simulation = simulation
        self._environment = environment
        self._last_call = last_call
        self._count = 0

    def perform(self, operation: str, method: Callable[..., Any], parameters: dict[str, Any]) -> Any:
        """Perform an external call."""
        self._count += 1
        number = self._count
        disruption = self.delivery.disruption
        self._simulation.pause()
        if number in disruption.throttled_calls:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)
        try:
            response = self._environment.perform(self, operation, method, parameters)
        finally:
            if number == self._last_call:
                raise Crash
        if number in disruption.lost_responses:
            raise ConnectionClosedError(endpoint_url="https://example.invalid")
        self._simulation.pause()
        return response

    def send(self, response: dict[str, Any]) -> None:
        """Send a response to CloudFormation."""
        self._simulation.pause()
        self.responses += 1
        check_response(self.delivery.event, response)
        self._environment.responded(self, response, is_used=self.delivery.receive(response))


def check_response(event: dict[str, Any], response: dict[str, Any]) -> None:
    """Fail if CloudFormation would not accept the response."""
    assert response["Status"] in ("SUCCESS", "FAILED")
    assert (response["Reason"] == "") is (response["Status"] == "SUCCESS")
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        assert response[name] == event[name]
    assert response["PhysicalResourceId"]
    # Another physical id in the response to an Update is a replacement; a failed Update or a Delete must keep it.
    if event["RequestType"] == "Delete" or (response["Status"] == "FAILED" and event["RequestType"] == "Update"):
        assert response["PhysicalResourceId"] == event["PhysicalResourceId"]
