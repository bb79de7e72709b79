"""The deployed function in simulated time: Lambda's asynchronous invocation, with crashes, retries and duplicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from harness import Crash, InterceptedClient, run_handler
from imgver_handler.aws.throttling import ThrottleState
from imgver_sandbox.sagemaker.clock import ManualClock
from simulated_time import Simulation, Task

FUNCTION_SECONDS = 900.0
RETRY_SECONDS = 60.0
LAMBDA_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Disruption:
    """The faults while one event is handled.

    Args:
        crashes: for each invocation, the number of the external call after which the process ends.
        duplicate: whether Lambda delivers the event twice at the same time.
        lost_responses: numbers of calls that have their effect, and whose response is lost.
        throttled_calls: numbers of calls that are throttled.
    """

    crashes: tuple[int, ...] = ()
    duplicate: bool = False
    lost_responses: frozenset[int] = frozenset()
    throttled_calls: frozenset[int] = frozenset()


@dataclass
class Delivery:
    """The delivery of one event: its invocations, and the responses that reached CloudFormation."""

    event: dict[str, Any]
    disruption: Disruption
    responses: list[dict[str, Any]] = field(default_factory=list)
    invocations: int = 0


class DeployedFunction:
    """Runs the real handler in one task per invocation. At every call other tasks may run first."""

    def __init__(
        self,
        *,
        simulation: Simulation,
        clock: ManualClock,
        create_client: Callable[[str, str | None], Any],
        random_fraction: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._simulation = simulation
        self._clock = clock
        self._create_client = create_client
        self._random_fraction = random_fraction
        self.log: list[dict[str, Any]] = []
        # One state for each idle process.
        self._idle: list[ThrottleState] = []

    def invoke(self, event: dict[str, Any], disruption: Disruption) -> tuple[Delivery, list[Task]]:
        """Deliver ``event`` as Lambda does. The tasks end with the last invocation."""
        delivery = Delivery(event, disruption)
        copies = 2 if disruption.duplicate else 1
        return delivery, [self._simulation.start(lambda: self._deliver(delivery)) for _ in range(copies)]

    def _deliver(self, delivery: Delivery) -> None:
        for _ in range(LAMBDA_ATTEMPTS):
            try:
                self._invoke(delivery)
            except Crash:
                self._simulation.sleep(RETRY_SECONDS)
            else:
                return

    def _invoke(self, delivery: Delivery) -> None:
        crashes = delivery.disruption.crashes
        last_call = crashes[delivery.invocations] if delivery.invocations < len(crashes) else None
        delivery.invocations += 1
        throttle_state = self._idle.pop() if self._idle else ThrottleState()
        calls = Calls(simulation=self._simulation, delivery=delivery, last_call=last_call)

        def send(response: dict[str, Any]) -> None:
            self._simulation.pause()
            delivery.responses.append(response)

        run_handler(
            delivery.event,
            clock=self._clock,
            seconds=FUNCTION_SECONDS,
            sleep=self._simulation.sleep,
            random_fraction=self._random_fraction,
            create_client=lambda service, region: InterceptedClient(
                self._create_client(service, region), calls.perform
            ),
            throttle_state=throttle_state,
            logs=self.log,
            send=send,
        )
        self._idle.append(throttle_state)


class Calls:
    """Counts the external calls of one invocation, and applies the disruption to them."""

    def __init__(self, *, simulation: Simulation, delivery: Delivery, last_call: int | None) -> None:
        self._simulation = simulation
        self._delivery = delivery
        self._last_call = last_call
        self._count = 0

    def perform(self, operation: str, method: Callable[..., Any], parameters: dict[str, Any]) -> Any:
        self._count += 1
        number = self._count
        disruption = self._delivery.disruption
        self._simulation.pause()
        if number in disruption.throttled_calls:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)
        try:
            response = method(**parameters)
        finally:
            if number == self._last_call:
                raise Crash
        if number in disruption.lost_responses:
            raise ConnectionClosedError(endpoint_url="https://example.invalid")
        self._simulation.pause()
        return response
