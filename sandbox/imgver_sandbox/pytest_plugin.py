"""Fixtures for pytest, which loads them automatically where imgver-sandbox is installed."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from imgver_sandbox.errors import INSTALL, SandboxError
from imgver_sandbox.runtime.pushed_image import PushedImage
from imgver_sandbox.runtime.sandbox import Sandbox

# Every run of pytest imports this module, and botocore takes 0.2 s.
if TYPE_CHECKING:
    from imgver_sandbox.in_process import SageMakerImages


@pytest.fixture(scope="session")
def imgver_sandbox_server() -> Iterator[Sandbox]:
    """The server of the fixture `imgver_sandbox`. It starts with the first test that uses it and ends with the session.

    With pytest-xdist each worker has its own server. Override this fixture to start the server with other options, for
    example `enforce_iam=True`.
    """
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def imgver_sandbox(imgver_sandbox_server: Sandbox) -> Sandbox:
    """A local AWS without resources and faults: `url`, `environment()`, `client(name)`, `credentials`, `faults`.

    It has nothing of earlier tests, not even what `cdk bootstrap` created: a test that runs `cdk deploy` bootstraps
    first. For tests that share a deployment, start a `Sandbox` in a fixture with a wider scope. The time is real: the
    creation of a version takes 2 s unless `faults.slow` sets another duration.
    """
    imgver_sandbox_server.reset()
    return imgver_sandbox_server


@pytest.fixture
def imgver_sandbox_push(imgver_sandbox: Sandbox) -> Callable[..., PushedImage]:
    """The method `push` of the fixture `imgver_sandbox`: it pushes a container image, such as "data-science:1.0.0"."""
    return imgver_sandbox.push


@pytest.fixture
def sagemaker_images() -> "SageMakerImages":
    """The SageMaker images service in the process of the test: `client(name)`, `faults`, `clock`, `registry`.

    There is no server, and the clock stands still until the test advances it, so that no test has to wait.
    """
    try:
        from imgver_sandbox.in_process import SageMakerImages  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise SandboxError(f"the fixture sagemaker_images needs {missing.name}: {INSTALL}") from None

    return SageMakerImages()
