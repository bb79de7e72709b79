"""The deployed function in simulated time: Lambda's asynchronous invocation, with crashes, retries and duplicates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from harness import MAX_RESPONSE_BYTES
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.dispatch import handle
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.clock import ManualClock
from simulated_time import Simulation, Task

FUNCTION_SECONDS = 900.0
RETRY_SECONDS = 60.0
LAMBDA_ATTEMPTS = 3


class Crash(BaseException):
    """The process ends: no handler of exceptions sees it."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong while one event is handled.

    Args:
        crashes: for each invocation in turn, the number of the external call after whose effect the process ends.
        duplicate: whether Lambda delivers the event twice at once.
        broken_calls: numbers of calls whose effect happens and whose answer is lost.
        refused_calls: numbers of calls that are throttled.
    """

    crashes: tuple[int, ...] = ()
    duplicate: bool = False
    broken_calls: frozenset[int] = frozenset()
    refused_calls: frozenset[int] = frozenset()


@dataclass
class Delivery:
    """One event on its way: all its invocations, and the answers that reached CloudFormation."""

    event: dict[str, Any]
    trouble: Trouble
    answers: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    invocations: int = 0


class DeployedFunction:
    """Runs the real handler, one task per invocation, on clients whose every call lets other tasks go first.

    Args:
        simulation: where its invocations run.
        clock: the time they see.
        create_client: a client of a service, as the gateway asks for it.
        chance: a random number in [0, 1), for the handler's jitter.
    """

    def __init__(
        self,
        *,
        simulation: Simulation,
        clock: ManualClock,
        create_client: Callable[[str, str | None], Any],
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._simulation = simulation
        self._clock = clock
        self._create_client = create_client
        self._chance = chance
        self.log: list[dict[str, Any]] = []
        # What each process remembers that runs nothing now.
        self._idle: list[ThrottleState] = []

    def invoke(self, event: dict[str, Any], trouble: Trouble) -> tuple[Delivery, list[Task]]:
        """Deliver ``event`` as Lambda does; the tasks end when no invocation is left to come."""
        delivery = Delivery(event, trouble)
        copies = 2 if trouble.duplicate else 1
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
        end = self._clock.now() + FUNCTION_SECONDS
        crashes = delivery.trouble.crashes
        last_call = crashes[delivery.invocations] if delivery.invocations < len(crashes) else None
        delivery.invocations += 1
        deadline = Deadline(
            time_left=lambda: end - self._clock.now(),
            now=self._clock.now,
            sleep=self._simulation.sleep,
            random_fraction=self._chance,
        )
        log = JsonLogger(write=lambda line: self.log.append(json.loads(line)))
        throttle_state = self._idle.pop() if self._idle else ThrottleState()
        calls = Calls(simulation=self._simulation, delivery=delivery, last_call=last_call)

        def send(_url: str, body: bytes, _deadline: Deadline, _log: JsonLogger) -> None:
            self._simulation.pause()
            assert len(body) <= MAX_RESPONSE_BYTES
            delivery.answers.append(json.loads(body))

        gateway = AwsGateway(
            deadline=deadline,
            log=log,
            throttle_state=throttle_state,
            create_client=lambda service, region: InterruptedClient(self._create_client(service, region), calls),
        )
        handle(delivery.event, gateway=gateway, deadline=deadline, log=log, send=send)
        assert self._clock.now() <= end, "the function's time was up before it answered"
        self._idle.append(throttle_state)


class Calls:
    """Counts the external calls of one invocation and lets happen what is to happen at each."""

    def __init__(self, *, simulation: Simulation, delivery: Delivery, last_call: int | None) -> None:
        self._simulation = simulation
        self._delivery = delivery
        self._last_call = last_call
        self._count = 0

    def perform(self, operation: str, method: Callable[..., Any], parameters: dict[str, Any]) -> Any:
        self._count += 1
        number = self._count
        trouble = self._delivery.trouble
        self._simulation.pause()
        self._delivery.calls.append((operation, parameters))
        if number in trouble.refused_calls:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)
        try:
            answer = method(**parameters)
        finally:
            if number == self._last_call:
                raise Crash
        if number in trouble.broken_calls:
            raise ConnectionClosedError(endpoint_url="https://example.invalid")
        self._simulation.pause()
        return answer


class InterruptedClient:
    """A boto3 client whose calls go through :class:`Calls`."""

    def __init__(self, client: Any, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda **parameters: self._calls.perform(name, method, parameters)
