"""A discrete-event simulation of many image versions being created in one region of one account.

CloudFormation sends the events, Lambda queues and runs them, the handler calls the service, which takes so many
requests a second and serialises the writes to each image. Accounts and regions share nothing, so one is enough.

The handler's waiting is the real one's: :class:`imgver_handler.deadline.Deadline` decides how long and how often, and
:class:`imgver_handler.aws.throttling.ThrottleState` what a process remembers from one event to the next.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Literal

from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline

FUNCTION_SECONDS = 900.0
"""The function's timeout."""

MAX_EVENT_AGE = 900.0
"""Seconds after which Lambda drops an event that it could not run."""

SERVICE_TIMEOUT = 1800.0
"""Seconds after which CloudFormation gives up."""

FIRST_RETURN, LONGEST_RETURN = 1.0, 300.0
"""Seconds after which Lambda tries an event again for which no execution was free; they double.

That they grow exponentially is documented; with many events in the queue Lambda waits longer still, which is not
simulated. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

RETRIES = (60.0, 120.0)
"""Seconds after which Lambda invokes the function again for an event on which it ended with an error."""

_WINDOW = 1.0

Result = Literal["OK", "THROTTLED", "BUSY"]
Waits = Generator[float, None, bool]
"""Yields the seconds to wait, and returns whether it went well."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the simulation assumes.

    Args:
        requests_per_second: calls that the service takes within any second; it throttles the others. None: all.
        create_seconds: what the service takes for a version.
        write_seconds: how long a write keeps other writes away from an image.
        call_seconds: how long a call takes.
        executions: how many invocations Lambda runs at once. None: all.
        cold_seconds: how long an invocation takes to begin where none has run before.
        warm_seconds: how long it takes to begin otherwise, and to answer.
        cores: processors that all invocations share, as on one machine. None: each has its own, as on Lambda.
        at_once: resources of a stack that CloudFormation creates side by side. None: all.
        stacks_at_once: stacks that are deployed side by side. None: all.
        dying: share of the invocations that end just before they answer.
    """

    requests_per_second: int | None = None
    create_seconds: float = 15.0
    write_seconds: float = 0.5
    call_seconds: float = 0.0
    executions: int | None = None
    cold_seconds: float = 0.0
    warm_seconds: float = 0.0
    cores: int | None = None
    at_once: int | None = None
    stacks_at_once: int | None = None
    dying: float = 0.0


@dataclass(kw_only=True)
class Result:
    """What came of it."""

    seconds: float = 0.0
    """Until CloudFormation had its last answer, or gave up."""

    created: int = 0
    failed: int = 0
    """Versions whose invocation ran out of time."""

    dropped: int = 0
    """Versions whose event became too old in Lambda's queue, or was given up after three invocations."""

    calls: int = 0
    """Calls that the service took."""

    throttled: int = 0
    busy: int = 0
    queued_seconds: float = 0.0
    """The longest that an event waited for an execution."""

    executed_seconds: float = 0.0
    """The sum of all invocations."""

    most_executions: int = 0
    answered: list[float] = field(default_factory=list)
    """When each version was created, in seconds from the start."""


def simulate(images: list[list[str]], conditions: Conditions, *, seed: int = 0) -> Result:
    """Create versions: for each stack the images of its versions."""
    return _Region(conditions, random.Random(seed)).deploy(images)  # noqa: S311  nothing secret


class _Region:
    def __init__(self, conditions: Conditions, chance: random.Random) -> None:
        self._conditions = conditions
        self._chance = chance
        self._now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Waits, Callable[[], None]]] = []
        self._accepted: deque[float] = deque()
        self._written_until: dict[str, float] = {}
        self._running = 0
        # By stack, what each process remembers that runs nothing now.
        self._idle: defaultdict[int, list[ThrottleState]] = defaultdict(list)
        self._free_at = [0.0] * (conditions.cores or 0)
        self._result = Result()

    def deploy(self, stacks: list[list[str]]) -> Result:
        """Deploy the stacks; answers when nothing is left to happen."""
        waiting = iter(enumerate(stacks))
        for _ in range(self._conditions.stacks_at_once or len(stacks)):
            self._begin_stack(waiting)
        while self._due:
            self._now, _, waits, then = heapq.heappop(self._due)
            self._go_on(waits, then)
        self._result.seconds = self._now
        return self._result

    def _begin_stack(self, waiting: Iterator[tuple[int, list[str]]]) -> None:
        stack, images = next(waiting, (0, []))
        left, unfinished = iter(images), [len(images)]

        def begin_resource() -> None:
            image = next(left, None)
            if image is not None:
                self._go_on(self._resource(stack, image), end_resource)

        def end_resource() -> None:
            unfinished[0] -= 1
            if unfinished[0]:
                begin_resource()
            else:
                self._begin_stack(waiting)

        for _ in range(min(self._conditions.at_once or len(images), len(images))):
            begin_resource()

    def _go_on(self, waits: Waits, then: Callable[[], None]) -> None:
        try:
            seconds = next(waits)
        except StopIteration:
            then()
        else:
            heapq.heappush(self._due, (self._now + seconds, next(self._order), waits, then))

    def _resource(self, stack: int, image: str) -> Waits:
        """From CloudFormation's request to its answer, or until it gives up."""
        sent = self._now
        created_at: list[float] = []
        for pause in (*RETRIES, math.inf):
            if not (yield from self._free_execution(sent)):
                break
            began = self._now
            idle = self._idle[stack]
            is_warm = bool(idle)
            throttle_state = idle.pop() if is_warm else ThrottleState()
            yield self._computed(self._conditions.warm_seconds if is_warm else self._conditions.cold_seconds)
            is_created = yield from self._handler(image, began + FUNCTION_SECONDS, created_at, throttle_state)
            self._running -= 1
            idle.append(throttle_state)
            self._result.executed_seconds += self._now - began
            if not self._conditions.dying or self._chance.random() >= self._conditions.dying:
                if is_created:
                    self._result.created += 1
                    self._result.answered.append(self._now)
                else:
                    self._result.failed += 1
                return is_created
            if self._now + pause - sent > MAX_EVENT_AGE:
                break
            yield pause
        self._result.dropped += 1
        yield sent + SERVICE_TIMEOUT - self._now
        return False

    def _free_execution(self, sent: float) -> Waits:
        """Wait in Lambda's queue for an execution, and take it; False when the event gets too old."""
        came, pause = self._now, FIRST_RETURN
        while self._conditions.executions is not None and self._running >= self._conditions.executions:
            if self._now + pause - sent > MAX_EVENT_AGE:
                return False
            yield pause
            pause = min(2 * pause, LONGEST_RETURN)
        self._result.queued_seconds = max(self._result.queued_seconds, self._now - came)
        self._running += 1
        self._result.most_executions = max(self._result.most_executions, self._running)
        return True

    def _computed(self, seconds: float) -> float:
        """How long the processors need from now on."""
        if not self._free_at or not seconds:
            return seconds
        begins = max(self._now, heapq.heappop(self._free_at))
        heapq.heappush(self._free_at, begins + seconds)
        return begins + seconds - self._now

    def _handler(self, image: str, end: float, created_at: list[float], throttle_state: ThrottleState) -> Waits:
        """What the handler does with a Create.

        Args:
            image: whose version it creates.
            end: when the function's time is up.
            created_at: when the version is CREATED; empty before an invocation has begun to create it. The next one
                finds that version by its token.
            throttle_state: what its process remembers.
        """
        slept: list[float] = []
        deadline = Deadline(
            time_left=lambda: end - self._now,
            now=lambda: self._now,
            sleep=slept.append,
            random_fraction=self._chance.random,
        )

        def call(ask: Callable[[], Result]) -> Waits:
            backoff = deadline.backoff()
            while True:
                yield self._computed(self._conditions.call_seconds)
                result = ask()
                if result == "THROTTLED":
                    throttle_state.record_throttle(self._now)
                if result == "OK":
                    return True
                if not backoff.wait():
                    return False
                yield sum(slept)
                slept.clear()

        if not (yield from call(self._accept if created_at else lambda: self._write(image))):
            return False
        if not created_at:
            created_at.append(self._now + self._conditions.create_seconds)
        for _ in deadline.polls(throttled=lambda: throttle_state.is_recent(self._now)):
            yield sum(slept)
            slept.clear()
            if not (yield from call(self._accept)):
                return False
            if self._now >= created_at[0]:
                return True
        return False

    def _accept(self) -> Result:
        limit = self._conditions.requests_per_second
        if limit is not None:
            while self._accepted and self._accepted[0] <= self._now - _WINDOW:
                self._accepted.popleft()
            if len(self._accepted) >= limit:
                self._result.throttled += 1
                return "THROTTLED"
            self._accepted.append(self._now)
        self._result.calls += 1
        return "OK"

    def _write(self, image: str) -> Result:
        if self._accept() == "THROTTLED":
            return "THROTTLED"
        if self._now < self._written_until.get(image, 0.0):
            self._result.busy += 1
            return "BUSY"
        self._written_until[image] = self._now + self._conditions.write_seconds
        return "OK"
