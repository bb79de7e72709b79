"""What a process remembers of being throttled, from one event to the next."""

from __future__ import annotations

import math

MEMORY = 60.0
"""Seconds for which the service counts as throttled after it throttled a call: many versions of one deployment come one
after the other to the same process, and the next one meets what the last one met."""


class ThrottleState:
    """Whether more calls are made of the service than it takes: one for all events of a process."""

    def __init__(self) -> None:
        self._until = -math.inf

    def record_throttle(self, now: float) -> None:
        """A call was throttled at ``now``, in seconds."""
        self._until = now + MEMORY

    def is_recent(self, now: float) -> bool:
        """Whether a call was throttled lately, as seen at ``now``."""
        return now < self._until
