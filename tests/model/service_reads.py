"""Reads of SageMaker that are eventually consistent: a new version may not exist for the reader yet, or not always."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from shared_account import Identity

MAX_LAG = 10.0
"""The largest number of seconds for which no read finds a new version."""

MAX_FLAP_AGE = 30.0
"""The age in seconds up to which one read may not find a version that an earlier read found."""

FLAP_PROBABILITY = 0.2
"""The probability that such a read does not find it. It happens once to a version."""


@dataclass
class _Reader:
    lag: float
    has_found: bool = False
    has_flapped: bool = False


@dataclass
class InconsistentReads:
    """Decides which reads do not find an existing version."""

    random_numbers: random.Random
    _readers: dict[Identity, _Reader] = field(default_factory=dict)

    def hides(self, version: Identity, age: float) -> bool:
        """Whether a read of a version with this age in seconds does not find it."""
        reader = self._readers.get(version)
        if reader is None:
            lag = self.random_numbers.choice((0.0, 0.0, self.random_numbers.random() * MAX_LAG))
            reader = self._readers[version] = _Reader(lag)
        if age < reader.lag:
            return True
        flaps = reader.has_found and not reader.has_flapped and age < MAX_FLAP_AGE
        if flaps and self.random_numbers.random() < FLAP_PROBABILITY:
            reader.has_flapped = True
            return True
        reader.has_found = True
        return False
