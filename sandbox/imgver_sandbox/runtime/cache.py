"""The user's cache folder: programs that are installed once for each user, by the process that needs them first."""

import errno
import fcntl
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from imgver_sandbox.errors import SandboxError, file_error

_REASON_LINES = 4

Run = Callable[..., None]
"""Runs a command of an installation; the parameters are those of `_run`."""


def installed(name: str, *, program: str, title: str, install: Callable[[Path, Run], None]) -> Path:
    """Return the folder `name` of the cache, which contains `program`. The first call of a user installs it.

    Several processes may call this at the same time. A folder is always complete: `install` fills another one, which
    is renamed afterwards. Raises SandboxError if `install` does, and if the cache cannot be written.

    Args:
        name: The name of the folder, without dots. A hash in it says which release of the program it contains.
        program: The path of the program in the folder. If it does not exist, the folder is installed again.
        title: The name of the program in messages.
        install: Fills an empty folder, with commands that the given function runs.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imgver-sandbox" / name
    if not (folder / program).exists():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with folder.with_suffix(".lock").open("w") as lock:
                _wait_for(lock, title)
                if not (folder / program).exists():
                    _install(folder, title, install, lock)
        except OSError as error:
            sentence = f"{title} cannot be installed into {folder.parent}"
            raise file_error(sentence, error, variables="XDG_CACHE_HOME") from None
    return folder


def _wait_for(lock: IO[str], title: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"Waiting for another process that installs {title} ...\n")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _install(folder: Path, title: str, install: Callable[[Path, Run], None], lock: IO[str]) -> None:
    sys.stderr.write(f"Installing {title} into {folder} (once) ...\n")
    sys.stderr.flush()
    new = folder.with_suffix(".new")
    for left in (new, folder):  # of a process that was killed, and a folder without the program
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir()

    try:
        install(new, functools.partial(_run, title=title, lock=lock))
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _run(
    command: Sequence[str | Path],
    *,
    installer: str,
    title: str,
    lock: IO[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    remedy: str = "",
) -> None:
    result = subprocess.run(  # noqa: S603  npm, uv, or a module of this Python
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        # If this process is killed, the command keeps the lock until it ends.
        pass_fds=(lock.fileno(),),
    )
    if result.returncode:
        if os.strerror(errno.ENOSPC) in result.stdout:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        lines = [line for line in result.stdout.splitlines() if line.strip()]
        reason = " ".join(" ".join(lines[-_REASON_LINES:]).split()) or f"exit code {result.returncode}"
        raise SandboxError(f"{installer} could not install {title}: {reason}{remedy}")
