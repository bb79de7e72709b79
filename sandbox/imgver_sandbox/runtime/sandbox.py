"""The class that starts a sandbox and gives access to it."""

import contextlib
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from imgver_sandbox.api import iam_decisions
from imgver_sandbox.api.iam_decisions import IamDecision
from imgver_sandbox.api.routes import IMAGES_PATH, PREFIX, RESET_PATH, send_request
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.faults.control import Faults
from imgver_sandbox.faults.remote import RemoteFaults
from imgver_sandbox.runtime import cdk_cli, server_environment, supervisor
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.pushed_image import ManifestKind, PushedImage
from imgver_sandbox.sagemaker.assumptions import Assumptions

if TYPE_CHECKING:
    from botocore.client import BaseClient

DEFAULT_PORT = 4566
LAST_PORT = 65535
ACCOUNT = "000000000000"
REGION = "eu-west-1"

ACCOUNT_RULE = "12 digits: write it like '111122223333'"
REGION_RULE = "the code of an AWS region: write it like 'eu-west-1'"

_MINISTACK_RESET = "/_ministack/reset"
_STOP_SECONDS = 60.0
_BACKLOG = 128
_ENDED = "the sandbox ended while it was starting"


def is_account(value: str) -> bool:
    """Return whether `value` satisfies `ACCOUNT_RULE`."""
    return re.fullmatch(r"[0-9]{12}", value) is not None


def is_region(value: str) -> bool:
    """Return whether `value` satisfies `REGION_RULE`. AWS adds regions, so it is the form that is checked."""
    return re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", value) is not None


class Sandbox:
    """A running sandbox: a local AWS.

    A sandbox that `start` started stops at the end of the `with` block, with `stop`, and when this process ends.

    >>> with Sandbox.start() as sandbox:
    ...     subprocess.run(["cdk", "deploy"], env=sandbox.environment(), check=True)
    ...     sandbox.client("sagemaker").list_image_versions(ImageName="data-science")
    """

    account = ACCOUNT
    """The account id that `environment` and `client` use."""

    region = REGION
    """The default region of `environment` and `client`. The sandbox has all regions."""

    def __init__(self, running: state.SandboxState, process: subprocess.Popen[str] | None = None) -> None:
        """Use a running sandbox. Call `start`, `start_in_background` or `running` instead of this."""
        self.account = running.account
        self.region = running.region
        self.url = running.url
        self.port = running.port
        self.supervisor_pid = running.supervisor_pid
        self.server_pid = running.server_pid
        self.logs = Path(running.logs)
        self._running = running
        self._process = process

    @classmethod
    def start(
        cls,
        *,
        port: int | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        assumptions: Assumptions | None = None,
        enforce_iam: bool = False,
        fast: bool = False,
    ) -> Self:
        """Start a sandbox on 127.0.0.1 that stops when this process ends.

        Args:
            port: The port, from 1 to 65535. Default: 4566, or any free port if that is taken.
            account: The account of `environment` and `client`, 12 digits: that of `env` in a stack. Default:
                "000000000000".
            region: Their default region. Default: "eu-west-1".
            assumptions: The behaviour of SageMaker where the behaviour of AWS is unknown. Default: the values harder
                for the caller.
            enforce_iam: Whether the policies of roles and users are enforced. CloudFormation and the root user, whose
                credentials `environment` and `client` use, are allowed every action anyway. Default: every call is
                allowed.
            fast: Whether SageMaker takes at most 1 s for an operation and never locks an image after a write. Default:
                creating a version takes 2 s, and every other operation 0.5 to 1 s.

        Raises:
            SandboxError: The port is taken; the port, the account or the region is invalid; Node.js or npm is missing;
                MiniStack or the CDK CLI cannot be installed; or the server does not start.
        """
        return cls(*_start(port, account, region, assumptions, enforce_iam=enforce_iam, fast=fast))

    @classmethod
    def start_in_background(
        cls,
        *,
        name: str = state.DEFAULT_NAME,
        port: int | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        assumptions: Assumptions | None = None,
        enforce_iam: bool = False,
    ) -> Self:
        """Start a background sandbox of the user, which continues after this process, as `imgver-sandbox start` does.

        Sandboxes with different names run side by side, each with its own port and state. `name` has 1 to 40 letters,
        digits, hyphens and underscores; the default is "sandbox". The other parameters are those of `start`. Raises
        SandboxError as `start` does, and if the name is invalid or a sandbox with this name is already running.
        """
        if not state.is_name(name):
            raise SandboxError(f"name {name!r} must be {state.NAME_RULE}: write it like 'project-a'")
        current = state.read(name)
        if current:
            raise SandboxError(
                f"a sandbox is already running on {current.url}: "
                f"use it, or stop it with `imgver-sandbox stop{state.option(name)}`"
            )
        running, process = _start(port, account, region, assumptions, enforce_iam=enforce_iam, background=name)
        process.returncode = 0  # this process does not wait for it
        return cls(running)

    @classmethod
    def running(cls, name: str = state.DEFAULT_NAME) -> Self | None:
        """Return the user's background sandbox, or None. Raises SandboxError while it is starting or stopping."""
        found = state.read(name)
        return cls(found) if found else None

    @property
    def credentials(self) -> dict[str, str]:
        """The credentials of the root user, as arguments of `boto3.client`. They are new after each start."""
        return {
            "aws_access_key_id": self._running.access_key_id,
            "aws_secret_access_key": self._running.secret_access_key,
            "aws_session_token": self._running.session_token,
        }

    @property
    def token(self) -> str:
        """The token that requests to the paths that control the sandbox need."""
        return self._running.session_token

    @property
    def page(self) -> str:
        """The address of the page that shows what happens in the sandbox, with the token that it needs."""
        return f"{self.url}{PREFIX}/#{self.token}"

    def environment(self) -> dict[str, str]:
        """Return the environment for a command that uses this sandbox.

        It is the environment of this process without its AWS settings. It sets AWS_ENDPOINT_URL, the credentials, the
        region and the defaults of the CDK, and disables AWS profiles and instance roles. The pinned `cdk` and a
        suitable `node` come first in PATH.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        no_proxy = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
        local = ",".join(filter(None, ["127.0.0.1", "localhost", "::1", no_proxy]))
        return {
            **inherited,
            "PATH": _path(),
            "AWS_ENDPOINT_URL": self.url,
            **{name.upper(): value for name, value in self.credentials.items()},
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "CDK_DEFAULT_ACCOUNT": self.account,
            "CDK_DEFAULT_REGION": self.region,
            # The CDK CLI would connect to the internet for these.
            "CDK_NOTICES": "false",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_PROXY": local,
            "no_proxy": local,
        }

    def client(self, service_name: str, *, region: str | None = None) -> "BaseClient":
        """Create a boto3 client for this sandbox, for `sagemaker` or any service of MiniStack, as the root user.

        The default of `region` is the region of the sandbox.
        """
        # These take 0.2 s, which the command line saves.
        from botocore.config import Config  # noqa: PLC0415

        from imgver_sandbox.clients import create_client  # noqa: PLC0415

        return create_client(
            service_name,
            region_name=region or self.region,
            endpoint_url=self.url,
            config=Config(proxies={}),  # not those of HTTP_PROXY
            **self.credentials,
        )

    def push(self, reference: str, *, manifest: ManifestKind = "docker") -> PushedImage:
        """Push a container image to Amazon ECR in the sandbox, without Docker, and create the repository if necessary.

        SageMaker reads only the manifest of a container image, so that the image has no layers. Each push has a new
        digest. The image is in the account and the region of the sandbox.

        Args:
            reference: The repository and the tag, such as "data-science:1.0.0".
            manifest: The kind of manifest: "docker", which SageMaker accepts; "oci" or "list" (of several platforms),
                which it refuses. Default: "docker".

        Raises:
            SandboxError: The reference or the manifest is invalid.
            botocore.exceptions.ClientError: ECR refuses the image, for example because tags are immutable.
        """
        from imgver_sandbox.runtime import container_images  # noqa: PLC0415  imports botocore

        return container_images.push(self.client("ecr"), reference, manifest)

    def calls(self) -> list[IamDecision]:
        """Return the decisions of IAM, oldest first, at most the last 20,000. Without `enforce_iam` there are none.

        A call with invalid credentials causes no decision. Raises OSError if the sandbox has stopped.
        """
        return iam_decisions.decode(self._send("GET", iam_decisions.PATH))

    def images(self) -> list[dict[str, Any]]:
        """Return the images of all accounts and regions, as `imgver-sandbox show --json` prints them.

        Each has its `versions`, at most the latest 50 and those with aliases, and each version has its `aliases` and
        its users, `used_by`. Raises OSError if the sandbox has stopped.
        """
        images: list[dict[str, Any]] = json.loads(self._send("GET", IMAGES_PATH))
        return images

    @property
    def faults(self) -> Faults:
        """The faults of SageMaker in this sandbox."""
        return RemoteFaults(self.port, self.token)

    def reset(self) -> None:
        """Remove all resources of all accounts, and all faults.

        This takes some milliseconds, and up to 2 s more while functions run. Wait for deployments first: a deployment
        in progress continues after the reset. Raises OSError if the sandbox has stopped.
        """
        self._send("POST", _MINISTACK_RESET)  # first, since it ends the functions
        self._send("POST", RESET_PATH)

    def stop(self) -> None:
        """Stop the sandbox and wait until it has ended. Does nothing if it has already ended.

        A supervisor in the background removes its files last, and exits some milliseconds after this method returns.

        Raises SandboxError if they do not end within 60 s.
        """
        if self._process is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.supervisor_pid, signal.SIGTERM)
            ended = state.wait_until_ended(self._running.name, _STOP_SECONDS)
        else:
            ended = _end(self._process)
        if not ended:
            raise SandboxError(f"the sandbox on {self.url} did not end: kill process {self.supervisor_pid}")

    def _send(self, method: str, path: str) -> bytes:
        return send_request(self.port, method, path, token=self.token)

    def __enter__(self) -> Self:
        """Return the sandbox, which stops at the end of the `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the sandbox."""
        self.stop()


def _start(
    port: int | None,
    account: str,
    region: str,
    assumptions: Assumptions | None,
    *,
    enforce_iam: bool,
    background: str | None = None,
    fast: bool = False,
) -> tuple[state.SandboxState, subprocess.Popen[str]]:
    if sys.platform == "win32":
        raise SandboxError("the sandbox needs Linux or macOS: on Windows, run it in WSL")
    # bool is a subclass of int.
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= LAST_PORT):
        raise SandboxError(f"port {port!r} must be a number from 1 to {LAST_PORT}: leave it out to get a free port")
    if not is_account(account):
        raise SandboxError(f"account {account!r} must be {ACCOUNT_RULE}")
    if not is_region(region):
        raise SandboxError(f"region {region!r} must be {REGION_RULE}")
    path, python = _path(), server_environment.python()
    with _listener(port) as listener:
        process = subprocess.Popen(  # noqa: S603  our own module
            supervisor.command(
                "runtime.supervisor",
                f"--listener={listener.fileno()}",
                f"--python={python}",
                f"--path={os.pathsep.join([str(python.parent), path])}",
                f"--account={account}",
                f"--region={region}",
                *([f"--background={background}"] if background else []),
                *(["--enforce-iam"] if enforce_iam else []),
                *(["--fast"] if fast else []),
                *(f"--assume={switch}" for switch in (assumptions or Assumptions()).switches()),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if background else None,
            text=True,
            pass_fds=(listener.fileno(),),
            start_new_session=True,
        )
    try:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        message = json.loads(process.stdout.readline() or json.dumps({"error": _ENDED}))
        process.stdout.close()
    except BaseException:
        _end(process)
        raise
    if "error" in message:
        _end(process)
        raise SandboxError(message["error"])
    if background:
        assert process.stdin is not None  # noqa: S101  it is a pipe
        try:
            with process.stdin as supervisor_input:
                supervisor_input.write(f"{supervisor.CONTINUE}\n")
        except BrokenPipeError:
            raise SandboxError(_ENDED) from None
    return state.SandboxState(**message["ready"]), process


def _listener(port: int | None) -> socket.socket:
    """Return a listening socket, so that no other process can take the port before the server uses it."""
    # Two processes can bind a port at the same time, but only one of them can listen.
    try:
        return socket.create_server(("127.0.0.1", port or DEFAULT_PORT), backlog=_BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            reason = os.strerror(error.errno or 0)
            raise SandboxError(f"port {port or DEFAULT_PORT} cannot be used: {reason}") from None
        if port is not None:
            raise SandboxError(
                f"port {port} is taken: choose another one, or leave it out to get a free port"
            ) from None
    return socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)


def _end(process: subprocess.Popen[str]) -> bool:
    if process.stdin:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _path() -> str:
    """Return PATH with the CDK CLI first, and with the virtual environment of this interpreter if none is active."""
    path = os.environ.get("PATH", os.defpath)
    if sys.prefix != sys.base_prefix and "VIRTUAL_ENV" not in os.environ:
        path = os.pathsep.join([str(Path(sys.prefix) / "bin"), path])
    return cdk_cli.installed().path(path)
