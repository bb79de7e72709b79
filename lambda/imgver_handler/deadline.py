"""Time and randomness, both of which are passed in: the deadline, the poll intervals and the backoff."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator

RESPONSE_TIME_BUDGET = 15.0
"""Seconds reserved for the response. Without one, CloudFormation would wait for the service timeout."""

POLL_INTERVAL = 2.5
"""Seconds between two polls. The first poll is sent at once. A version takes between 5 and 60 s to be created."""
POLL_INTERVAL_WHEN_THROTTLED = 5.0
"""Seconds before every poll, the first one included, when the service throttled a call recently. A poll that is sent
too early can cause the throttling of another call."""

FIRST_BACKOFF = 1.0
MAX_BACKOFF = 8.0


def poll_intervals(throttled: Callable[[], bool]) -> Iterator[float]:
    """Yield the seconds to wait before each poll.

    Args:
        throttled: whether the service throttled a call recently.
    """
    interval = 0.0
    while True:
        yield POLL_INTERVAL_WHEN_THROTTLED if throttled() else interval
        interval = POLL_INTERVAL


class Deadline:
    """The remaining time of an invocation, and the ways to wait within it."""

    def __init__(
        self,
        *,
        time_left: Callable[[], float],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random_fraction: Callable[[], float] = random.random,
        time_budget: float = RESPONSE_TIME_BUDGET,
    ) -> None:
        """Set the deadline.

        Args:
            time_left: returns the seconds until Lambda ends the function.
            now: returns the seconds since the epoch.
            sleep: waits for a number of seconds.
            random_fraction: returns a random number in [0, 1).
            time_budget: the seconds before the function's end that are reserved, by default for the response.
        """
        self.now = now
        self._time_left = time_left
        self._sleep = sleep
        self._random_fraction = random_fraction
        self._time_budget = time_budget

    def reserving(self, seconds: float) -> Deadline:
        """Return an earlier deadline that reserves ``seconds`` more for a later step."""
        return Deadline(
            time_left=self._time_left,
            now=self.now,
            sleep=self._sleep,
            random_fraction=self._random_fraction,
            time_budget=self._time_budget + seconds,
        )

    def within(self, seconds: float) -> Deadline:
        """Return a deadline that is at most ``seconds`` from now."""
        end = self.now() + seconds
        return Deadline(
            time_left=lambda: min(self._time_left() - self._time_budget, end - self.now()),
            now=self.now,
            sleep=self._sleep,
            random_fraction=self._random_fraction,
            time_budget=0.0,
        )

    def for_response(self) -> Deadline:
        """Return the deadline of the response itself, which is one second before the function's end."""
        return self.reserving(1.0 - self._time_budget)

    def time_left(self) -> float:
        """Return the seconds until the deadline, which are negative after it."""
        return self._time_left() - self._time_budget

    def wait(self, seconds: float) -> bool:
        """Wait and return True, or return False at once when the deadline would pass."""
        if seconds > self.time_left():
            return False
        self._sleep(seconds)
        return True

    def polls(self, *, throttled: Callable[[], bool]) -> Iterator[None]:
        """Yield once per poll, after the wait before it, until the deadline.

        Args:
            throttled: whether the service throttled a call recently.
        """
        intervals = poll_intervals(throttled)
        while self.wait(next(intervals)):
            yield

    def backoff(self) -> Backoff:
        """Start a new series of retries."""
        return Backoff(self)

    def jitter(self, ceiling: float) -> float:
        """Return a random number of seconds between 0 and ``ceiling``."""
        return self._random_fraction() * ceiling


class Backoff:
    """Exponential backoff with full jitter, so that callers that collided once do not collide again."""

    def __init__(self, deadline: Deadline) -> None:
        """Start the series; it ends at the deadline."""
        self._deadline = deadline
        self._ceiling = FIRST_BACKOFF
        self._start = deadline.now()

    @property
    def seconds(self) -> float:
        """Seconds since the first attempt."""
        return self._deadline.now() - self._start

    def wait(self, *, not_after: float = math.inf) -> bool:
        """Wait before the next attempt. Returns False when no time is left for one.

        Args:
            not_after: the latest time at which the next attempt may start, in seconds since the epoch.
        """
        delay = self._deadline.jitter(self._ceiling)
        self._ceiling = min(self._ceiling * 2, MAX_BACKOFF)
        return self._deadline.now() + delay <= not_after and self._deadline.wait(delay)
