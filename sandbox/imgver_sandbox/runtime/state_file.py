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
class SandboxState:
    """A running background sandbox."""

    url: str
    port: int
    supervisor_pid: int
    server_pid: int
    logs: str
    """The folder of its logs."""


def state_file() -> Path:
    """`sandbox.json` in $IMGVER_SANDBOX_STATE_DIR, else in the user's state folder."""
    folder = os.environ.get("IMGVER_SANDBOX_STATE_DIR")
    if folder:
        # The server works in another folder.
        return Path(folder).absolute() / "sandbox.json"
    state_home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state_home).absolute() / "imgver-sandbox" / "sandbox.json"


def logs_folder() -> Path:
    """Where the background sandbox has its logs. Those of one that ended of its own accord stay until the next one."""
    # It is removed with all that is in it, and the folder may be one that the user has chosen: not just `logs`.
    return state_file().with_name("sandbox-logs")


def read() -> SandboxState | None:
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
            return SandboxState(**json.load(file))
        except (ValueError, TypeError):
            raise SandboxError("another `imgver-sandbox start` or `stop` is under way: try again in a moment") from None


def claim() -> IO[str]:
    """Take the file for this process's lifetime. Raises SandboxError when another process has it, or nobody can."""
    path = state_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_LOCK_ATTEMPTS):  # a reader holds its lock for a moment only
            file = path.open("a+")
            if _locked(file, fcntl.LOCK_EX) and _is_at(path, file):
                file.truncate(0)
                return file
            file.close()
            time.sleep(_LOCK_SECONDS)
    except OSError as error:
        raise _unusable(path, error) from None
    raise SandboxError("a sandbox runs already: use it, or end it with `imgver-sandbox stop`")


def write(file: IO[str], state: SandboxState) -> None:
    """Put `state` into the claimed file."""
    json.dump(asdict(state), file)
    file.flush()


def release(file: IO[str]) -> None:
    """Remove the claimed file."""
    if _is_at(state_file(), file):
        state_file().unlink()
    file.close()


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


def _is_at(path: Path, file: IO[str]) -> bool:
    """Whether the open file is the one that has this path: a sandbox that ended removes the one that it claimed."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
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
