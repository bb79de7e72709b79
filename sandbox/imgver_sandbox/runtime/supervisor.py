"""The supervisor process: starts one server, watches it, and leaves nothing behind when it ends.

It ends when it is asked to (SIGTERM, SIGINT, SIGHUP), when the server ends, and, unless it runs in the background,
when its standard input does: the process that started it holds the other end, and however it ends, that is closed. Then
the server's process group is killed, Lambda workers in mid-invocation included, and the folder is removed. The logs of
a background sandbox are elsewhere: they stay if the server ended of its own accord, for whoever wants to know why.
"""

import argparse
import contextlib
import http.client
import json
import os
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

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import log_files as logs
from imgver_sandbox.runtime import state_file as state

ROOT_SECRET = "sandbox"  # noqa: S105  no secret: it lets the user in, whoever that is
"""The secret access key of the account's root, who may do everything."""

_READY_SECONDS = 60.0
_LOG_SECONDS = 2.0
_REMOVE_ATTEMPTS = 20
_REMOVE_SECONDS = 0.05


def command(module: str, *arguments: str) -> list[str]:
    """How to run `main` of a module of this package in a process of its own, in whatever way the package was found."""
    # From the file, not from the path: the child has to be the release that this process is, whatever is installed.
    package = __package__.partition(".")[0]
    init = Path(__file__).parents[1] / "__init__.py"
    code = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location({package!r}, {str(init)!r}); "
        "package = importlib.util.module_from_spec(spec); "
        "sys.modules[spec.name] = package; "
        "spec.loader.exec_module(package); "
        f"import {__package__}.{module} as module"
    )
    return [sys.executable, "-P", "-c", f"{code}; module.main()", *arguments]


def main() -> None:
    """Run one server; say on standard output, in one line of JSON, that it is ready or why it is not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of the bound socket")
    parser.add_argument("--background", action="store_true", help="outlive the parent, and write the state file")
    parser.add_argument("--path", required=True, help="PATH of the server and its Lambda functions")
    parser.add_argument("--assume", action="append", default=[], help="a switch of the images service")
    parser.add_argument("--enforce-iam", action="store_true", help="refuse what no policy allows")
    parser.add_argument("--fast", action="store_true", help="let SageMaker need almost no time")
    arguments = parser.parse_args()
    asked_to_end = _signals()
    listener = socket.socket(fileno=arguments.listener)
    with contextlib.ExitStack() as stack:
        try:
            state_file = state.claim() if arguments.background else None
        except SandboxError as error:
            _say({"error": str(error)})
            return
        if state_file:
            stack.callback(state.release, state_file)
        settings = {"PATH": arguments.path, **({"AUTH": "true"} if arguments.enforce_iam else {})}
        logs_folder = state.logs_folder() if arguments.background else None
        options = [*(f"--assume={switch}" for switch in arguments.assume), *(["--fast"] if arguments.fast else [])]
        try:
            server = stack.enter_context(_server(listener, logs_folder=logs_folder, settings=settings, options=options))
        except OSError as error:
            remedy = "set IMGVER_SANDBOX_STATE_DIR and TMPDIR to folders that you may write"
            _say({"error": f"the sandbox has no place for its files, {error}: {remedy}"})
            return
        port = listener.getsockname()[1]
        # From here on only the server has the socket: it closes when the server ends.
        listener.close()
        try:
            _wait_until_ready(port)
        except (OSError, http.client.HTTPException):
            _say({"error": f"the sandbox's server did not start: {server.last_words()}"})
            return
        running = state.SandboxState(
            url=f"http://127.0.0.1:{port}",
            port=port,
            supervisor_pid=os.getpid(),
            server_pid=server.pid,
            logs=str(server.logs_folder),
        )
        if state_file:
            state.write(state_file, running)
        _say({"ready": vars(running)})
        ended = _wait_for_any(asked_to_end, server.connection, None if arguments.background else sys.stdin)
        server.logs_stay = ended is server.connection


class _Server:
    """The server process, its logs and the connection that ends with it."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket, logs_folder: Path) -> None:
        self.pid = process.pid
        self.connection = connection
        self.logs_folder = logs_folder
        self.logs_stay = True
        log = logs.RotatingLog(logs_folder / logs.SERVER)
        self._log = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
        self._log.start()

    def last_words(self) -> str:
        """The last line of the log."""
        self.finish_log()
        lines = (self.logs_folder / logs.SERVER).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it left no message"

    def finish_log(self) -> None:
        """Wait for the rest of what the server wrote; it has ended."""
        self._log.join(_LOG_SECONDS)


@contextlib.contextmanager
def _server(
    listener: socket.socket, *, logs_folder: Path | None, settings: Mapping[str, str], options: list[str]
) -> Iterator[_Server]:
    folder = Path(tempfile.mkdtemp(prefix="imgver-sandbox-"))
    ours, theirs = socket.socketpair()
    try:
        logs_folder = logs_folder or folder / "logs"
        shutil.rmtree(logs_folder, ignore_errors=True)
        logs_folder.mkdir(mode=0o700)
        descriptors = (listener.fileno(), theirs.fileno())
        process = subprocess.Popen(  # noqa: S603  our own module
            command("server", *map(str, descriptors), str(folder), str(logs_folder), *options),
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
            # The process is not waited for before its group is killed, so nobody else can have its id yet.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            server.finish_log()
            if not server.logs_stay:
                _remove(logs_folder)
    finally:
        _remove(folder)


def _copy(source: IO[bytes], log: logs.RotatingLog) -> None:
    with source, contextlib.closing(log):
        for line in source:
            log.write(line)


def _environment(folder: Path, *, port: int) -> dict[str, str]:
    """What the server and its Lambda functions see: nothing of the user's AWS, Python or MiniStack settings."""
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
        # No Docker: MiniStack would remove containers that it takes for leftovers of its own.
        "DOCKER_HOST": f"unix://{folder / 'no-docker'}",
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _signals() -> socket.socket:
    """A socket that can be read once this process was asked to end."""
    reader, writer = socket.socketpair()

    def end(_number: int, _frame: FrameType | None) -> None:
        writer.send(b".")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    return reader


def _wait_until_ready(port: int) -> None:
    # The socket listens already: the request waits in its queue until the server takes it, or breaks when it ends.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_READY_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/_ministack/health")
        connection.getresponse().read()


def _wait_for_any(*sources: socket.socket | IO[str] | None) -> socket.socket | IO[str] | None:
    """The first of the sources that can be read."""
    with selectors.DefaultSelector() as selector:
        for source in sources:
            if source is not None:
                selector.register(source, selectors.EVENT_READ, source)
        ready: socket.socket | IO[str] = selector.select()[0][0].data
        return ready


def _say(message: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more; the end of standard input will tell
        sys.stdout.write(f"{json.dumps(message)}\n")
        sys.stdout.flush()


def _remove(folder: Path) -> None:
    for _ in range(_REMOVE_ATTEMPTS):  # a killed process may finish a write first
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_REMOVE_SECONDS)
