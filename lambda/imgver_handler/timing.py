"""Time and chance, passed in: the deadline, the polling schedule, and full-jitter backoff."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator

ANSWER_RESERVE = 15.0
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


def pauses(crowded: Callable[[], bool]) -> Iterator[float]:
    """The seconds before each poll: none before the first one, unless it is crowded.

    Args:
        crowded: whether the service throttled a call lately.
    """
    return (
        max(2 * pause, SHORTEST_PAUSE_WHEN_CROWDED) if crowded() else pause
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
    )


class Timing:
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
        reserve: float = ANSWER_RESERVE,
    ) -> None:
        self.now = now
        self._time_left = time_left
        self._sleep = sleep
        self._chance = chance
        self._reserve = reserve

    def keeping(self, seconds: float) -> Timing:
        """The same time with an earlier end: ``seconds`` more are kept back for what must follow."""
        return Timing(
            time_left=self._time_left,
            now=self.now,
            sleep=self._sleep,
            chance=self._chance,
            reserve=self._reserve + seconds,
        )

    def answering(self) -> Timing:
        """The same time up to the function's very end, for the answer that the reserve was kept for."""
        return self.keeping(1.0 - self._reserve)

    def wait(self, seconds: float) -> bool:
        """Wait; without waiting, say False when the deadline would pass meanwhile."""
        if seconds > self._time_left() - self._reserve:
            return False
        self._sleep(seconds)
        return True

    def polls(self, *, crowded: Callable[[], bool]) -> Iterator[None]:
        """One item per poll, each after its pause, until the deadline.

        Args:
            crowded: whether the service throttled a call lately.
        """
        before_each = pauses(crowded)
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

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._ceiling = FIRST_BACKOFF
        self._began = timing.now()

    @property
    def seconds(self) -> float:
        """Seconds since the first attempt."""
        return self._timing.now() - self._began

    def wait(self) -> bool:
        """Wait before the next attempt; False when there is no time for one."""
        delay = self._timing.jitter(self._ceiling)
        self._ceiling = min(self._ceiling * 2, LONGEST_BACKOFF)
        return self._timing.wait(delay)
