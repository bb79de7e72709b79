"""The logs of the sandbox: two files in one folder, both of which are rotated."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from imgver_sandbox.errors import is_disk_full

SERVER = "server.log"
"""The log of the server: the log of MiniStack, and the error if the server fails."""

LAMBDA = "lambda.log"
"""The output of the Lambda functions, invocation by invocation."""

MAX_BYTES = 5_000_000
"""The size after which a file is renamed to `<name>.1`, which replaces an older file of that name."""


_INCOMPLETE = b"\n(Lines are missing here, because the disk was full.)\n"


class RotatingLog:
    """A log file that is written by this process and rotated. Thread-safe."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        """Create the file, or truncate it, and rotate it at `max_bytes`."""
        self._path = path
        self._max_bytes = max_bytes
        self._file = self._open()
        self._incomplete = False
        self._lock = threading.Lock()

    def write(self, output: bytes) -> None:
        """Append `output`. While the disk is full, the output is lost, and the next output follows a notice."""
        with self._lock:
            try:
                if self._file.tell() >= self._max_bytes:
                    self._file.close()
                    self._path.replace(f"{self._path}.1")
                    self._file = self._open()
                if self._incomplete:
                    self._file.write(_INCOMPLETE)
                self._file.write(output)
            except OSError as error:
                if not is_disk_full(error):
                    raise
                self._incomplete = True
            else:
                self._incomplete = False

    def _open(self) -> IO[bytes]:
        # Without a buffer, which would keep the output while the disk is full.
        return self._path.open("wb", buffering=0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def files(folder: Path) -> list[Path]:
    """Return the paths of the log files."""
    return [folder / SERVER, folder / LAMBDA]


def follow(folder: Path, *, has_ended: Callable[[], bool], write: Callable[[str], object]) -> None:
    """Write the logs and everything that is added to them, each part below the path of its file, until `has_ended`.

    `has_ended` is called in a loop. It should block for a moment; new lines are written after it.
    """
    shown: Path | None = None
    with contextlib.ExitStack() as stack:
        # A server that could not start has only one of the files.
        existing = filter(Path.exists, files(folder))
        readers = {path: stack.enter_context(_Reader(path)) for path in existing}
        ended = False
        while not ended:
            ended = has_ended()
            for path, reader in readers.items():
                if new := reader.read():
                    if path != shown:
                        write(f"==> {path} <==\n")
                    write(new)
                    shown = path


class _Reader:
    """Reads the additions to a file, across a rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)

    def read(self) -> str:
        rotated = self._is_rotated()  # first: afterwards nothing is added to the old file
        added = self._file.read()
        if rotated:
            self._file.close()
            self._file = _open(self._path)
            added += self._file.read()
        return added

    def _is_rotated(self) -> bool:
        try:
            return not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:  # the sandbox has stopped, or the file is being renamed
            return False

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _open(path: Path) -> IO[str]:
    return path.open(encoding="utf-8", errors="replace")
