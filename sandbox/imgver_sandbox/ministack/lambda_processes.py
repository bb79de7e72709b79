"""The processes of functions in Python.

MiniStack starts Python for each of them, which imports boto3: that takes most of the processor time of a start. Lambda
has a machine for each process. Here, hundreds of them share a few processor cores, and are forked from one process that
has imported boto3 already.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from imgver_sandbox.ministack.hooks import LAMBDA_RUNTIME, module

_FORK_SERVER = Path(__file__).with_name("fork_server.py")

IMPORTED = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})
"""The packages that a forked process has imported, besides modules of Python."""


def fork_processes() -> None:
    """Fork the processes of functions in Python, on Linux: on macOS, a forked process may not use some libraries."""
    if sys.platform != "linux":
        return
    runtime, server = module(LAMBDA_RUNTIME), _ForkServer()

    def start(command: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any) -> Any:  # noqa: ANN401
        if command[0] == sys.executable and _can_be_forked(cwd, env):
            return server.fork(script=command[1], folder=cwd, environment=env)
        return subprocess.Popen(command, cwd=cwd, env=env, **options)  # noqa: S603  MiniStack's command

    runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": start})


def _can_be_forked(folder: str, environment: Mapping[str, str]) -> bool:
    """Return whether a function would find no module of its own, or a setting of Python, that comes too late."""
    modules = {path.name.partition(".")[0] for path in Path(folder).iterdir()}
    return (
        "_LAMBDA_LAYERS_DIRS" not in environment
        and not any(name.startswith("PYTHON") for name in environment)
        and modules.isdisjoint(IMPORTED | sys.stdlib_module_names)
    )


class _ForkServer:
    """The connection to the process that forks. It starts with the first function."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def fork(self, *, script: str, folder: str, environment: Mapping[str, str]) -> "_ForkedProcess":
        request = json.dumps({"script": script, "folder": folder, "environment": dict(environment)}).encode()
        pipes = [os.pipe() for _ in range(4)]
        (their_stdin, our_stdin), *from_process = pipes
        theirs = [their_stdin, *(write for _, write in from_process)]
        try:
            with self._lock:
                self._send(request, theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return _ForkedProcess(our_stdin, *(read for read, _ in from_process))

    def _send(self, request: bytes, descriptors: Sequence[int]) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # the process has ended
                socket.send_fds(self._connection, [request], descriptors)
                return
            self._connection.close()
        self._connection = self._start()
        socket.send_fds(self._connection, [request], descriptors)

    @staticmethod
    def _start() -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(  # noqa: S603  our own file
                [sys.executable, "-P", str(_FORK_SERVER), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        return ours


class _ForkedProcess:
    """The part of `subprocess.Popen` that MiniStack uses."""

    def __init__(self, stdin: int, stdout: int, stderr: int, pipe: int) -> None:
        self.stdin = os.fdopen(stdin, "w", buffering=1)
        self.stdout = os.fdopen(stdout)
        self.stderr = os.fdopen(stderr)
        self._pipe = os.fdopen(pipe)
        line = self._pipe.readline()
        if not line:
            raise RuntimeError("the process that forks the processes of functions has ended")
        self.pid = int(line)

    def poll(self) -> int | None:
        """Return whether the process has ended: None while it runs, and otherwise 0."""
        return 0 if self._ended(0) else None

    def wait(self, timeout: float) -> int:
        """Wait until the process ends. Raises TimeoutExpired after `timeout` seconds."""
        if not self._ended(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return 0

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _ended(self, timeout: float) -> bool:
        pipe = select.poll()
        pipe.register(self._pipe, select.POLLIN)
        return bool(pipe.poll(timeout * 1000))

    def _send(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
