"""A discrete-event simulation of many image versions that are created in one region of one account.

CloudFormation sends the events, Lambda queues and runs them, and the handler calls SageMaker, which accepts a number of
requests a second and serializes the writes to each image. Accounts and regions share nothing, so one region is enough.
The waits are those of the handler's classes Deadline, Backoff and ThrottleState.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import simpy
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline

FUNCTION_TIMEOUT, MAX_EVENT_AGE, SERVICE_TIMEOUT = 900.0, 900.0, 1800.0
"""Seconds, as the library sets them: the function's timeout, the event age in Lambda's queue, the service timeout."""

FIRST_RETURN, LONGEST_RETURN = 1.0, 300.0
"""Seconds after which Lambda retries an event that found no free execution; they double from the first to the longest.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html documents both ends."""

Process = Generator[simpy.Event, Any, Any]
Response = Literal["accepted", "throttled", "in use"]


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The assumptions of a simulation.

    Args:
        requests_per_second: requests that SageMaker accepts within any second; it throttles the others. None: all.
        create_seconds: seconds that SageMaker needs to create a version.
        write_seconds: seconds during which a write to an image excludes other writes to it.
        executions: invocations that Lambda runs at once. None: all.
        cold_seconds: seconds until an invocation starts in a new process.
        warm_seconds: seconds until an invocation starts in an existing process.
        at_once: versions of a stack that CloudFormation creates at once. None: all.
        stacks_at_once: stacks that are deployed at once. None: all.
    """

    requests_per_second: int | None = 5
    create_seconds: float = 15.0
    write_seconds: float = 0.5
    executions: int | None = None
    cold_seconds: float = 0.5
    warm_seconds: float = 0.1
    at_once: int | None = None
    stacks_at_once: int | None = None


@dataclass
class Simulated:
    """The result of a simulation: numbers of versions and calls, and seconds."""

    seconds: float = 0.0
    created: int = 0
    timed_out: int = 0
    dropped: int = 0
    calls: int = 0
    throttled: int = 0
    executed_seconds: float = 0.0


def simulate(stacks: Sequence[Sequence[str]], conditions: Conditions, *, seed: int = 0) -> Simulated:
    """Deploy stacks; each is given as the image names of its versions."""
    return _Region(conditions, seed).deploy(stacks)


class _Region:
    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._env = simpy.Environment()
        self._conditions = conditions
        self._random = random.Random(seed)  # noqa: S311 (not for cryptography)
        self._accepted: deque[float] = deque()
        self._written_until: defaultdict[str, float] = defaultdict(float)
        self._running = 0
        self._idle: defaultdict[int, list[ThrottleState]] = defaultdict(list)
        self._result = Simulated()

    def deploy(self, stacks: Sequence[Sequence[str]]) -> Simulated:
        deployments = simpy.Resource(self._env, self._conditions.stacks_at_once or len(stacks))
        for number, images in enumerate(stacks):
            self._env.process(self._stack(number, images, deployments))
        self._env.run()
        self._result.seconds = self._env.now
        return self._result

    def _stack(self, number: int, images: Sequence[str], deployments: simpy.Resource) -> Process:
        with deployments.request() as turn:
            yield turn
            slots = simpy.Resource(self._env, self._conditions.at_once or len(images))
            yield self._env.all_of([self._env.process(self._version(number, image, slots)) for image in images])

    def _version(self, stack: int, image: str, slots: simpy.Resource) -> Process:
        """Wait for CloudFormation's request, for an execution of the function, and for the handler."""
        with slots.request() as turn:
            yield turn
            sent, pause = self._env.now, FIRST_RETURN
            while self._running >= (self._conditions.executions or math.inf):
                if self._env.now + pause - sent > MAX_EVENT_AGE:
                    self._result.dropped += 1
                    yield self._env.timeout(sent + SERVICE_TIMEOUT - self._env.now)
                    return False
                yield self._env.timeout(pause)
                pause = min(2 * pause, LONGEST_RETURN)
            self._running += 1
            began, idle = self._env.now, self._idle[stack]
            start_seconds = self._conditions.warm_seconds if idle else self._conditions.cold_seconds
            throttle_state = idle.pop() if idle else ThrottleState()
            yield self._env.timeout(start_seconds)
            is_created = yield from self._handler(image, began + FUNCTION_TIMEOUT, throttle_state)
            idle.append(throttle_state)
            self._running -= 1
            self._result.executed_seconds += self._env.now - began
            self._result.created += is_created
            self._result.timed_out += not is_created
            return is_created

    def _handler(self, image: str, end: float, throttle_state: ThrottleState) -> Process:
        """Create a version as the handler does: CreateImageVersion, then polls until the version is CREATED."""
        pauses: list[float] = []
        deadline = Deadline(
            time_left=lambda: end - self._env.now,
            now=lambda: self._env.now,
            sleep=pauses.append,
            random_fraction=self._random.random,
        )

        def call(send: Callable[[], Response]) -> Process:
            backoff = deadline.backoff()
            while (response := send()) != "accepted":
                if response == "throttled":
                    throttle_state.record_throttle(self._env.now)
                if not backoff.wait():
                    return False
                yield self._env.timeout(pauses.pop())
            return True

        if not (yield from call(lambda: self._write(image))):
            return False
        ready = self._env.now + self._conditions.create_seconds
        for _ in deadline.polls(throttled=lambda: throttle_state.is_recent(self._env.now)):
            yield self._env.timeout(pauses.pop())
            if not (yield from call(self._request)):
                return False
            if self._env.now >= ready:
                return True
        return False

    def _request(self) -> Response:
        while self._accepted and self._accepted[0] <= self._env.now - 1:
            self._accepted.popleft()
        if len(self._accepted) >= (self._conditions.requests_per_second or math.inf):
            self._result.throttled += 1
            return "throttled"
        self._accepted.append(self._env.now)
        self._result.calls += 1
        return "accepted"

    def _write(self, image: str) -> Response:
        response = self._request()
        if response == "accepted":
            if self._env.now < self._written_until[image]:
                return "in use"
            self._written_until[image] = self._env.now + self._conditions.write_seconds
        return response
