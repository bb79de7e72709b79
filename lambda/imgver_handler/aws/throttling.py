"""Throttling, which a process remembers from one event to the next."""

from __future__ import annotations

import math

MEMORY = 60.0
"""Seconds for which a throttled call counts as recent. The versions of one deployment reach the same process one after
another, so a call of the next event is likely to be throttled too."""


class ThrottleState:
    """Remembers when the service last throttled a call. All events of a process share one instance."""

    def __init__(self) -> None:
        """Start without a throttled call."""
        self._recent_until = -math.inf

    def record_throttle(self, now: float) -> None:
        """Record that the service throttled a call at ``now``, in seconds since the epoch."""
        self._recent_until = now + MEMORY

    def is_recent(self, now: float) -> bool:
        """Whether a call was throttled less than ``MEMORY`` seconds before ``now``."""
        return now < self._recent_until
