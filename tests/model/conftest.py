"""Fixtures of the tests in simulated time."""

from collections.abc import Callable

import pytest
from busy_account import BusyAccount


@pytest.fixture
def busy_account() -> Callable[..., BusyAccount]:
    return BusyAccount
