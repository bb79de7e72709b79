"""Time and chance, passed in: the deadline, the polling schedule, and full-jitter backoff."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator

RESPONSE_TIME_BUDGET = 15.0
"""Seconds kept back for the answer: CloudFormation waits for the service timeout when none comes."""

PAUSES = (0.0, 2.12, 2.12, 2.12, 2.37)
"""Seconds before each look at the service; the last of these goes on. A version takes 5 to 60 s, and any moment of
these is as likely as another: then equal pauses are the least late that as many looks can be, half a pause in the
middle. 30 s take 14 looks. What is done at once, or in 2 s, is seen then."""
SHORTEST_PAUSE_WHEN_CROWDED = 2.0
"""Who polls too early takes the turn of another's call, where the service takes so many a second. All pauses are twice
as long then, and this at least."""

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 8.0


def pauses(throttled: Callable[[], bool]) -> Iterator[float]:
    """The seconds before each poll: none before the first one, unless it is throttled.

    Args:
        throttled: whether the service throttled a call lately.
    """
    return (
        max(2 * pause, SHORTEST_PAUSE_WHEN_CROWDED) if throttled() else pause
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
    )


class Deadline:
    """The time an invocation has, and how it spends it while it waits.

    Args:
        time_left: seconds until Lambda ends the function.
        now: seconds since the epoch.
        sleep: waits for a number of seconds.
        chance: a random number in [0, 1).
        reserve: seconds before the function's end by which the work must have stopped.
    """

    def __init__(
        self,
        *,
        time_left: Callable[[], float],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        reserve: float = RESPONSE_TIME_BUDGET,
    ) -> None:
        self.now = now
        self._time_left = time_left
        self._sleep = sleep
        self._chance = chance
        self._reserve = reserve

    def keeping(self, seconds: float) -> Deadline:
        """The same time with an earlier end: ``seconds`` more are kept back for what must follow."""
        return Deadline(
            time_left=self._time_left,
            now=self.now,
            sleep=self._sleep,
            chance=self._chance,
            reserve=self._reserve + seconds,
        )

    def answering(self) -> Deadline:
        """The same time up to the function's very end, for the answer that the reserve was kept for."""
        return self.keeping(1.0 - self._reserve)

    def wait(self, seconds: float) -> bool:
        """Wait; without waiting, say False when the deadline would pass meanwhile."""
        if seconds > self._time_left() - self._reserve:
            return False
        self._sleep(seconds)
        return True

    def polls(self, *, throttled: Callable[[], bool]) -> Iterator[None]:
        """One item per poll, each after its pause, until the deadline.

        Args:
            throttled: whether the service throttled a call lately.
        """
        before_each = pauses(throttled)
        while self.wait(next(before_each)):
            yield

    def backoff(self) -> Backoff:
        """A new series of retries."""
        return Backoff(self)

    def jitter(self, ceiling: float) -> float:
        """A random number of seconds up to ``ceiling``."""
        return self._chance() * ceiling


class Backoff:
    """Exponential backoff with full jitter: callers that collided once spread out instead of colliding again."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._ceiling = FIRST_BACKOFF
        self._began = deadline.now()

    @property
    def seconds(self) -> float:
        """Seconds since the first attempt."""
        return self._deadline.now() - self._began

    def wait(self) -> bool:
        """Wait before the next attempt; False when there is no time for one."""
        delay = self._deadline.jitter(self._ceiling)
        self._ceiling = min(self._ceiling * 2, LONGEST_BACKOFF)
        return self._deadline.wait(delay)
