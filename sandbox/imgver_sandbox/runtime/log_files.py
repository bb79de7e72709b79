"""The sandbox's logs: two files in one folder, neither of which grows without end."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

SERVER = "server.log"
"""What the server writes: MiniStack's log, and the reason if it ends."""

LAMBDA = "lambda.log"
"""What Lambda functions write, invocation by invocation."""

FULL = 5_000_000
"""Bytes after which a file is moved aside, to `….1`; what was there before goes."""


class RotatingLog:
    """One of the files, for the process that writes it. Threads may share it."""

    def __init__(self, path: Path, *, full: int = FULL) -> None:
        """Begin it anew."""
        self._path = path
        self._full = full
        self._file = path.open("wb")
        self._lock = threading.Lock()

    def write(self, text: bytes) -> None:
        """Append `text`, and see to it that it can be read at once."""
        with self._lock:
            if self._file.tell() >= self._full:
                self._file.close()
                self._path.replace(f"{self._path}.1")
                self._file = self._path.open("wb")
            self._file.write(text)
            self._file.flush()

    def close(self) -> None:
        """No more of it."""
        self._file.close()


def files(folder: Path) -> list[Path]:
    """Where the logs are."""
    return [folder / SERVER, folder / LAMBDA]


def follow(folder: Path, *, has_ended: Callable[[], bool], write: Callable[[str], object]) -> None:
    """Write what is in the logs and what comes, under the name of each, until `has_ended`.

    `has_ended` is asked again and again, and should take its time: so long may lines wait.
    """
    shown: Path | None = None
    with contextlib.ExitStack() as stack:
        # A server that could not start has left one only.
        there = filter(Path.exists, files(folder))
        readers = {path: stack.enter_context(_Reader(path)) for path in there}
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
    """What is new in a file, also when it is moved aside meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)

    def read(self) -> str:
        moved = self._has_moved()  # asked first: what is in it then, is all that will ever be
        text = self._file.read()
        if moved:
            self._file.close()
            self._file = _open(self._path)
            text += self._file.read()
        return text

    def _has_moved(self) -> bool:
        try:
            return not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:  # the sandbox has ended, or the file is just being moved
            return False

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _open(path: Path) -> IO[str]:
    return path.open(encoding="utf-8", errors="replace")
