"""Fixtures of the tests in simulated time."""

from collections.abc import Callable

import pytest
from crowded_account import CrowdedAccount


@pytest.fixture
def crowded_account() -> Callable[..., CrowdedAccount]:
    return CrowdedAccount
