"""AWS on this machine, from Python."""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.faults.control import Faults
from imgver_sandbox.faults.remote import RemoteFaults
from imgver_sandbox.runtime import cdk_cli, ministack_release, supervisor
from imgver_sandbox.runtime import iam_decisions as calls
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.iam_decisions import IamDecision
from imgver_sandbox.runtime.routes import RESET_PATH, send_request
from imgver_sandbox.sagemaker.assumptions import Assumptions

if TYPE_CHECKING:
    from botocore.client import BaseClient

DEFAULT_PORT = 4566
LAST_PORT = 65535
ACCOUNT = "000000000000"
REGION = "eu-west-1"

_MINISTACK_RESET = "/_ministack/reset"
_STOP_SECONDS = 15.0
_BACKLOG = 128


class Sandbox:
    """A running sandbox. One made with `start` ends with the `with` block, with `stop`, and with this process.

    >>> with Sandbox.start() as sandbox:
    ...     subprocess.run(["cdk", "deploy"], env=sandbox.environment(), check=True)
    ...     sandbox.client("sagemaker").list_image_versions(ImageName="data-science")
    """

    account = ACCOUNT
    """The account id of everything that `environment` and `client` do."""

    region = REGION
    """The region that `environment` and `client` use by default. The sandbox has all regions."""

    def __init__(self, running: state.SandboxState, process: subprocess.Popen[str] | None = None) -> None:
        """Use a sandbox that runs already; `start`, `start_in_background` and `running` make one."""
        self.url = running.url
        self.port = running.port
        self.supervisor_pid = running.supervisor_pid
        self.server_pid = running.server_pid
        self.logs = Path(running.logs)
        self._process = process

    @classmethod
    def start(
        cls,
        *,
        port: int | None = None,
        assumptions: Assumptions | None = None,
        enforce_iam: bool = False,
        fast: bool = False,
    ) -> Self:
        """Start a sandbox that belongs to this process, on 127.0.0.1.

        `port` is 1 to 65535; default: 4566, or any free port when that is taken. `assumptions` say how SageMaker
        behaves where that is not known; default: the harsher way. With `enforce_iam` roles and users may do what their
        policies allow and nothing else; default: everybody may do everything. Two may do everything nevertheless: the
        account's root, as whom `environment` and `client` act, and CloudFormation. Raises SandboxError when the named
        port is taken, without MiniStack's pinned version or Node.js and npm, and when the server does not start.
        """
        return cls(*_start(port, assumptions, enforce_iam=enforce_iam, fast=fast))

    @classmethod
    def start_in_background(
        cls, *, port: int | None = None, assumptions: Assumptions | None = None, enforce_iam: bool = False
    ) -> Self:
        """Start a sandbox that outlives this process, as `imgver-sandbox start` does; a user has one.

        Raises SandboxError as `start` does, and when the user's background sandbox runs already.
        """
        already = state.read()
        if already:
            raise SandboxError(f"a sandbox runs already on {already.url}: use it, or end it with `imgver-sandbox stop`")
        running, process = _start(port, assumptions, enforce_iam=enforce_iam, background=True)
        process.returncode = 0  # it is not ours to wait for
        return cls(running)

    @classmethod
    def running(cls) -> Self | None:
        """The user's background sandbox, or None. Raises SandboxError while it is just starting or ending."""
        found = state.read()
        return cls(found) if found else None

    def environment(self) -> dict[str, str]:
        """The environment for a command that is to use this sandbox: all of this process's but its AWS settings.

        It sets AWS_ENDPOINT_URL, credentials, region and CDK's defaults, and keeps the user's AWS profiles and instance
        role out. The pinned `cdk` and a `node` that it works with come first in PATH.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        local = ",".join(filter(None, ["127.0.0.1", os.environ.get("NO_PROXY") or os.environ.get("no_proxy")]))
        return {
            **inherited,
            "PATH": _path(),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,  # MiniStack takes the account from it
            "AWS_SECRET_ACCESS_KEY": supervisor.ROOT_SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
            # What the CDK CLI would ask the internet for.
            "CDK_NOTICES": "false",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_PROXY": local,
            "no_proxy": local,
        }

    def client(self, service_name: str, *, region: str = REGION) -> "BaseClient":
        """A boto3 client of this sandbox, for any service that MiniStack has and for `sagemaker`."""
        import botocore.session  # noqa: PLC0415  it takes 0.2 s that the command line can do without

        session = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        return session.create_client(
            service_name,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=supervisor.ROOT_SECRET,
        )

    def calls(self) -> list[IamDecision]:
        """What IAM decided so far, oldest first, at most the last 20,000; nothing without `enforce_iam`.

        A call whose credentials are refused is none. Raises OSError when the sandbox has ended.
        """
        return calls.decode(send_request(self.port, "GET", calls.PATH))

    @property
    def faults(self) -> Faults:
        """What is to go wrong with SageMaker in this sandbox."""
        return RemoteFaults(self.port)

    def reset(self) -> None:
        """Forget all that is in the sandbox, in every account, and every fault: it is as `start` made it.

        That takes some milliseconds, and up to 2 s more while functions are at work. Wait for deployments that are
        under way before: they would go on, and find nothing. Raises OSError when the sandbox has ended.
        """
        send_request(self.port, "POST", _MINISTACK_RESET)  # functions end, and can do no more
        send_request(self.port, "POST", RESET_PATH)

    def stop(self) -> None:
        """End the sandbox and wait until its processes are gone; nothing when they are gone already.

        Raises SandboxError when they do not end within 15 s.
        """
        if self._process is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.supervisor_pid, signal.SIGTERM)
            gone = state.wait_until_gone(_STOP_SECONDS)
        else:
            gone = _end(self._process)
        if not gone:
            raise SandboxError(f"the sandbox on {self.url} did not end: kill process {self.supervisor_pid}")

    def __enter__(self) -> Self:
        """Leave it to the `with` block to end the sandbox."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the sandbox."""
        self.stop()


def _start(
    port: int | None,
    assumptions: Assumptions | None,
    *,
    enforce_iam: bool,
    background: bool = False,
    fast: bool = False,
) -> tuple[state.SandboxState, subprocess.Popen[str]]:
    if sys.platform == "win32":
        raise SandboxError("the sandbox needs Linux or macOS: on Windows, run it in WSL")
    ministack_release.check_version()
    # bool is a subclass of int.
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= LAST_PORT):
        raise SandboxError(f"port {port!r} must be a number from 1 to {LAST_PORT}: name no port to get a free one")
    with _listener(port) as listener:
        process = subprocess.Popen(  # noqa: S603  our own module
            supervisor.command(
                "supervisor",
                f"--listener={listener.fileno()}",
                f"--path={_path()}",
                *(["--background"] if background else []),
                *(["--enforce-iam"] if enforce_iam else []),
                *(["--fast"] if fast else []),
                *(f"--assume={switch}" for switch in (assumptions or Assumptions()).switches()),
            ),
            stdin=subprocess.DEVNULL if background else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if background else None,
            text=True,
            pass_fds=(listener.fileno(),),
            start_new_session=True,
        )
    try:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        answer = json.loads(process.stdout.readline() or '{"error": "the sandbox ended while it was starting"}')
        process.stdout.close()
    except BaseException:
        _end(process)
        raise
    if "error" in answer:
        _end(process)
        raise SandboxError(answer["error"])
    return state.SandboxState(**answer["ready"]), process


def _listener(port: int | None) -> socket.socket:
    """A socket that is bound and listens, so that nobody can take the port until the server is there."""
    try:
        return _listening_on(DEFAULT_PORT if port is None else port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise SandboxError(f"port {port or DEFAULT_PORT} cannot be used: {error.strerror}") from None
        if port is not None:
            raise SandboxError(f"port {port} is taken: name another one, or none to get a free one") from None
    return _listening_on(0)


def _listening_on(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Two who start at the same time may both bind a port: then the second one must not listen.
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


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
    """PATH with the CDK CLI first, then this interpreter's virtual environment if none was activated."""
    path = os.environ.get("PATH", os.defpath)
    if sys.prefix != sys.base_prefix and "VIRTUAL_ENV" not in os.environ:
        path = os.pathsep.join([str(Path(sys.prefix) / "bin"), path])
    return cdk_cli.installed().path(path)
