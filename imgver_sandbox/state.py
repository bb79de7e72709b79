"""The file that says where this user's background sandbox is.

Its supervisor holds a lock on the file for as long as it lives, and the kernel takes the lock away however that ends.
So an unlocked file is a leftover, whatever process has its pid by now.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from imgver_sandbox.errors import SandboxError

_LOCK_ATTEMPTS = 20
_LOCK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class State:
    """A running background sandbox."""

    url: str
    port: int
    supervisor_pid: int
    server_pid: int
    log: str
    """The server's log, a file."""


def state_file() -> Path:
    """`sandbox.json` in $IMGVER_SANDBOX_STATE_DIR, else in the user's state folder."""
    folder = os.environ.get("IMGVER_SANDBOX_STATE_DIR")
    if folder:
        return Path(folder) / "sandbox.json"
    state_home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state_home) / "imgver-sandbox" / "sandbox.json"


def read() -> State | None:
    """The background sandbox that runs now, or None.

    Raises SandboxError while one is just being started, and when the file cannot be used.
    """
    path = state_file()
    try:
        file = path.open("r")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from None
    with file:
        if _locked(file, fcntl.LOCK_SH):
            return None
        try:
            return State(**json.load(file))
        except (ValueError, TypeError):
            raise SandboxError("another `imgver-sandbox start` or `stop` is under way: try again in a moment") from None


def claim() -> IO[str]:
    """Take the file for this process's lifetime. Raises SandboxError when another process has it, or nobody can."""
    path = state_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise _unusable(path, error) from None
    for _ in range(_LOCK_ATTEMPTS):  # a reader holds its lock for a moment only
        if _locked(file, fcntl.LOCK_EX):
            file.truncate(0)
            return file
        time.sleep(_LOCK_SECONDS)
    file.close()
    raise SandboxError("a sandbox runs already: use it, or end it with `imgver-sandbox stop`")


def write(file: IO[str], state: State) -> None:
    """Put `state` into the claimed file."""
    json.dump(asdict(state), file)
    file.flush()


def wait_until_gone(seconds: float) -> bool:
    """Whether the sandbox is gone within `seconds`."""
    end = time.monotonic() + seconds
    while _held():
        if time.monotonic() > end:
            return False
        time.sleep(_LOCK_SECONDS)
    return True


def _held() -> bool:
    try:
        with state_file().open("r") as file:
            return not _locked(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _unusable(path: Path, error: OSError) -> SandboxError:
    reason = (error.strerror or str(error)).lower()
    return SandboxError(
        f"the state file {path} cannot be used, {reason}: set IMGVER_SANDBOX_STATE_DIR to a folder that you may write"
    )


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
