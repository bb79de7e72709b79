"""The supervisor process: starts the server, watches it, and cleans up after it.

The supervisor ends on SIGTERM, SIGINT and SIGHUP, and when the server ends. Unless it runs in the background, it also
ends when its standard input is closed, which happens when the process that started it ends for whatever reason; in the
background, that applies until the process has received the address and has written a line. The supervisor then
kills the process group of the server, including the Lambda workers, and removes the folder of the server. The logs of a
background sandbox are in another folder. They remain if the server ended unexpectedly, to show the reason.
"""

import argparse
import contextlib
import http.client
import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO

from imgver_sandbox.errors import SandboxError, file_error
from imgver_sandbox.runtime import log_files as logs
from imgver_sandbox.runtime import state_file as state

CONTINUE = "continue"
"""The line that lets a supervisor continue in the background."""

_READY_SECONDS = 60.0
_LOG_SECONDS = 2.0
_REMOVE_ATTEMPTS = 20
_REMOVE_SECONDS = 0.05


def command(module: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """Return the command that runs `main` of a module of this package in a process of its own, with `python`."""
    # From the file, not from sys.path: the child must run the same release as this process.
    package = __package__.partition(".")[0]
    init = Path(__file__).parents[1] / "__init__.py"
    code = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location({package!r}, {str(init)!r}); "
        "package = importlib.util.module_from_spec(spec); "
        "sys.modules[spec.name] = package; "
        "spec.loader.exec_module(package); "
        f"import {package}.{module} as module"
    )
    return [python, "-P", "-c", f"{code}; module.main()", *arguments]


def main() -> None:
    """Run one server. Write one line of JSON to standard output: the state of the sandbox, or the error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of the bound socket")
    parser.add_argument("--background", metavar="NAME", help="continue without the parent, and write the state file")
    parser.add_argument("--account", required=True, help="the account of the root user")
    parser.add_argument("--region", required=True, help="the default region")
    parser.add_argument("--python", required=True, help="the Python of the server and its Lambda functions")
    parser.add_argument("--path", required=True, help="the variable PATH of the server and its Lambda functions")
    parser.add_argument("--assume", action="append", default=[], help="an assumption about the images service")
    parser.add_argument("--enforce-iam", action="store_true", help="enforce IAM policies")
    parser.add_argument("--fast", action="store_true", help="let SageMaker operations take at most 1 s")
    arguments = parser.parse_args()
    end_requested = _signals()
    listener = socket.socket(fileno=arguments.listener)
    with contextlib.ExitStack() as stack:
        try:
            state_file = state.claim(arguments.background) if arguments.background else None
        except SandboxError as error:
            _report({"error": str(error)})
            return
        if state_file:
            stack.callback(state.release, arguments.background, state_file)
        keys = _create_keys()
        settings = {
            "PATH": arguments.path,
            "MINISTACK_ACCOUNT_ID": arguments.account,
            "MINISTACK_REGION": arguments.region,
            **{f"AWS_{name.upper()}": value for name, value in keys.items()},
            **({"AUTH": "true"} if arguments.enforce_iam else {}),
        }
        logs_folder = state.logs_folder(arguments.background) if arguments.background else None
        options = [*(f"--assume={switch}" for switch in arguments.assume), *(["--fast"] if arguments.fast else [])]
        try:
            server = stack.enter_context(
                _server(listener, python=arguments.python, logs_folder=logs_folder, settings=settings, options=options)
            )
        except OSError as error:
            sentence = f"the sandbox cannot create its files in {logs_folder or tempfile.gettempdir()}"
            _report({"error": str(file_error(sentence, error, variables="IMGVER_SANDBOX_STATE_DIR and TMPDIR"))})
            return
        port = listener.getsockname()[1]
        # From here on only the server has the socket, so that it closes when the server ends.
        listener.close()
        try:
            _wait_until_ready(port)
        except (OSError, http.client.HTTPException):
            _report({"error": f"the sandbox's server did not start: {server.last_log_line()}"})
            return
        running = state.SandboxState(
            url=f"http://127.0.0.1:{port}",
            port=port,
            name=arguments.background or state.DEFAULT_NAME,
            account=arguments.account,
            region=arguments.region,
            **keys,
            supervisor_pid=os.getpid(),
            server_pid=server.pid,
            logs=str(server.logs_folder),
        )
        if state_file:
            try:
                state.write(arguments.background, state_file, running)
            except SandboxError as error:
                _report({"error": str(error)})
                return
        _report({"ready": vars(running)})
        if arguments.background and not sys.stdin.readline():  # the starting process was killed
            server.retain_logs = False
            return
        ended = _wait_for_any(end_requested, server.connection, None if arguments.background else sys.stdin)
        server.retain_logs = ended is server.connection


def _create_keys() -> dict[str, str]:
    """Create the credentials of the root user, which is allowed to perform every action."""
    return {
        "access_key_id": f"AKIA{secrets.token_hex(8).upper()}",
        "secret_access_key": secrets.token_urlsafe(30),
        "session_token": secrets.token_urlsafe(30),
    }


class _Server:
    """The server process, its logs and a connection that closes when the server ends."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket, logs_folder: Path) -> None:
        self.pid = process.pid
        self.connection = connection
        self.logs_folder = logs_folder
        self.retain_logs = True
        log = logs.RotatingLog(logs_folder / logs.SERVER)
        self._log = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
        self._log.start()

    def last_log_line(self) -> str:
        """Return the last line of the log of the server, which has ended."""
        self.finish_log()
        lines = (self.logs_folder / logs.SERVER).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote no message"

    def finish_log(self) -> None:
        """Wait until the rest of the output is in the log."""
        self._log.join(_LOG_SECONDS)


@contextlib.contextmanager
def _server(
    listener: socket.socket,
    *,
    python: str,
    logs_folder: Path | None,
    settings: Mapping[str, str],
    options: list[str],
) -> Iterator[_Server]:
    folder = Path(tempfile.mkdtemp(prefix="imgver-sandbox-"))
    ours, theirs = socket.socketpair()
    try:
        logs_folder = logs_folder or folder / "logs"
        shutil.rmtree(logs_folder, ignore_errors=True)
        logs_folder.mkdir(mode=0o700)
        descriptors = (listener.fileno(), theirs.fileno())
        process = subprocess.Popen(  # noqa: S603  our own module
            command("server", *map(str, descriptors), str(folder), str(logs_folder), *options, python=python),
            env={**_environment(folder, port=listener.getsockname()[1]), **settings},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            start_new_session=True,
        )
        theirs.close()
        server = _Server(process, ours, logs_folder)
        try:
            yield server
        finally:
            # Before wait(): until then no other process can get the id.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            server.finish_log()
            if not server.retain_logs:
                _remove(logs_folder)
    finally:
        _remove(folder)


def _copy(source: IO[bytes], log: logs.RotatingLog) -> None:
    with source, contextlib.closing(log):
        for line in source:
            log.write(line)


def _environment(folder: Path, *, port: int) -> dict[str, str]:
    """Return the environment of the server and its Lambda functions, without any AWS or Python setting of the user."""
    names = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    for name in ("home", "tmp", "state", "s3"):
        (folder / name).mkdir()
    return {
        **inherited,
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Without Docker, since MiniStack removes containers that it considers its own.
        "DOCKER_HOST": f"unix://{folder / 'no-docker'}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _signals() -> socket.socket:
    """Return a socket that becomes readable when a signal requests the end of this process."""
    reader, writer = socket.socketpair()

    def end(_number: int, _frame: FrameType | None) -> None:
        writer.send(b".")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    return reader


def _wait_until_ready(port: int) -> None:
    # The socket is already listening: the request waits in its queue until the server accepts it or ends.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_READY_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/_ministack/health")
        connection.getresponse().read()


def _wait_for_any(*sources: socket.socket | IO[str] | None) -> socket.socket | IO[str] | None:
    """Wait until one of the sources is readable, and return that source."""
    with selectors.DefaultSelector() as selector:
        for source in sources:
            if source is not None:
                selector.register(source, selectors.EVENT_READ, source)
        ready: socket.socket | IO[str] = selector.select()[0][0].data
        return ready


def _report(message: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent has ended; standard input is closed then
        sys.stdout.write(f"{json.dumps(message)}\n")
        sys.stdout.flush()


def _remove(folder: Path) -> None:
    for _ in range(_REMOVE_ATTEMPTS):  # a killed process can still finish a write
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_REMOVE_SECONDS)
