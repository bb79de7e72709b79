"""Fixtures for pytest, which finds them by itself where this package is installed with its extra `sandbox`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from imgver_sandbox.errors import SandboxError

# Every run of pytest imports this module, with the extra or without it, so the rest is imported when it is needed.
if TYPE_CHECKING:
    from imgver_sandbox.in_process import SageMakerImages
    from imgver_sandbox.runtime.sandbox import Sandbox


@pytest.fixture(scope="session")
def imgver_sandbox_server() -> "Iterator[Sandbox]":
    """The server behind `imgver_sandbox`: one for the session, started for the first test that asks for it.

    With pytest-xdist each worker has its own. Override it to start it otherwise, with `enforce_iam=True` for instance.
    """
    from imgver_sandbox.runtime.sandbox import Sandbox  # noqa: PLC0415

    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def imgver_sandbox(imgver_sandbox_server: "Sandbox") -> "Sandbox":
    """AWS on this machine, with nothing in it and no faults: `url`, `environment()`, `client(name)`, `faults`.

    All that an earlier test left is gone, also what `cdk bootstrap` made: a test that runs `cdk deploy` bootstraps
    first. Tests that are to share a deployment start a `Sandbox` of their own in a fixture of a wider scope. Its time
    is real: a version takes 2 s unless `faults.slow` says otherwise.
    """
    imgver_sandbox_server.reset()
    return imgver_sandbox_server


@pytest.fixture
def sagemaker_images() -> "SageMakerImages":
    """SageMaker's images in the process of the test, without any server: `client(name)`, `faults`, `clock`, `registry`.

    Its clock stands still until it is moved, so nothing has to be waited for.
    """
    try:
        from imgver_sandbox.in_process import SageMakerImages  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise SandboxError(
            f"sagemaker_images needs {missing.name}: install imgver-constructs with its extra `sandbox`"
        ) from None

    return SageMakerImages()
