"""The time in the sandbox: the system's clock, or a clock that a test moves by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> float:
        """The current time in seconds since the epoch."""


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> float:
        """The current time in seconds since the epoch."""
        return time.time()


class ManualClock:
    """A clock that stands still until a test moves it. Its `sleep` returns at once."""

    def __init__(self, *, start: float = 1_700_000_000.0) -> None:
        """Start at `start`, in seconds since the epoch (default: a moment in November 2023)."""
        self._now = start

    def now(self) -> float:
        """The current time in seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`."""
        self._now += seconds

    # Replaces time.sleep.
    sleep = advance
