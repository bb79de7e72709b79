"""Time as the sandbox sees it: the real clock, or one that a test moves by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> float:
        """Seconds since the epoch."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class ManualClock:
    """A clock that stands still until it is moved; its `sleep` takes no time at all."""

    def __init__(self, *, start: float = 1_700_000_000.0) -> None:
        """Start at `start` seconds since the epoch (default: an arbitrary moment in November 2023)."""
        self._now = start

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock on by `seconds`."""
        self._now += seconds

    # A stand-in for time.sleep.
    sleep = advance
