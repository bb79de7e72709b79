"""The state file of a background sandbox of the user. Each has a name, and `sandbox` is the name of the first one.

The supervisor holds a lock on the file while it runs. The kernel releases the lock when the supervisor ends, for
whatever reason. An unlocked file is therefore stale, even if another process has the recorded process id.
"""

import fcntl
import json
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from imgver_sandbox.errors import SandboxError, file_error

DEFAULT_NAME = "sandbox"
NAME_RULE = "1 to 40 letters, digits, hyphens and underscores, and must not start with a hyphen"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}")
_LOCK_ATTEMPTS = 20
_LOCK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class SandboxState:
    """The address, the root user's account and credentials, the processes and the logs of a running sandbox."""

    url: str
    port: int

    name: str
    """The name of a background sandbox."""

    account: str
    region: str
    """The default region."""

    access_key_id: str
    secret_access_key: str

    session_token: str
    """Also the token of the paths that control the sandbox."""

    supervisor_pid: int
    server_pid: int
    logs: str
    """The folder of the logs."""


def is_name(name: str) -> bool:
    """Return whether a sandbox may have this name; `NAME_RULE` is the rule."""
    return _NAME.fullmatch(name) is not None


def option(name: str) -> str:
    """Return the option that a command needs to use the sandbox `name`, after a space; nothing for the default."""
    return "" if name == DEFAULT_NAME else f" --name {name}"


def state_file(name: str) -> Path:
    """Return the path of `<name>.json` in $IMGVER_SANDBOX_STATE_DIR, or else in the state folder of the user."""
    folder = os.environ.get("IMGVER_SANDBOX_STATE_DIR")
    if folder:
        # Absolute, since the server has another working folder.
        return Path(folder).absolute() / f"{name}.json"
    state_home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state_home).absolute() / "imgver-sandbox" / f"{name}.json"


def logs_folder(name: str) -> Path:
    """Return the folder of the logs. They remain after an unexpected end, until the next sandbox starts."""
    # The folder is removed with its content. The name `logs` could be a folder of the user.
    return state_file(name).with_name(f"{name}-logs")


def read(name: str) -> SandboxState | None:
    """Return the running background sandbox with this name, or None.

    Raises SandboxError while it is starting or stopping, and if the file cannot be read.
    """
    path = state_file(name)
    try:
        file = path.open("r")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _file_error(path, error) from None
    with file:
        if _locked(file, fcntl.LOCK_SH):
            return None
        try:
            return SandboxState(**json.load(file))
        except (ValueError, TypeError):
            raise SandboxError(
                "another `imgver-sandbox start` or `stop` is in progress: try again in a moment"
            ) from None


def claim(name: str) -> IO[str]:
    """Lock the file until this process ends.

    Raises SandboxError if another process has locked it, and if the file cannot be written.
    """
    path = state_file(name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_LOCK_ATTEMPTS):  # a reader holds its lock only for a moment
            file = _open_private(path)
            if _locked(file, fcntl.LOCK_EX) and _is_at(path, file):
                file.truncate(0)
                return file
            file.close()
            time.sleep(_LOCK_SECONDS)
    except OSError as error:
        raise _file_error(path, error) from None
    raise SandboxError(f"a sandbox is already running: use it, or stop it with `imgver-sandbox stop{option(name)}`")


def write(name: str, file: IO[str], state: SandboxState) -> None:
    """Write `state` to the locked file. Raises SandboxError if the file cannot be written."""
    try:
        os.write(file.fileno(), json.dumps(asdict(state)).encode())  # without a buffer, which `close` would write
    except OSError as error:
        raise _file_error(state_file(name), error) from None


def release(name: str, file: IO[str]) -> None:
    """Remove the locked file."""
    if _is_at(state_file(name), file):
        state_file(name).unlink()
    file.close()


def wait_until_ended(name: str, seconds: float) -> bool:
    """Wait up to `seconds` for the sandbox to end, and return whether it has ended."""
    end = time.monotonic() + seconds
    while _held(name):
        if time.monotonic() > end:
            return False
        time.sleep(_LOCK_SECONDS)
    return True


def _held(name: str) -> bool:
    try:
        with state_file(name).open("r") as file:
            return not _locked(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _open_private(path: Path) -> IO[str]:
    """Open the file, which contains the keys of the sandbox, so that only the user may read and write it."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    os.fchmod(descriptor, 0o600)  # the file may exist
    return os.fdopen(descriptor, "a+")


def _is_at(path: Path, file: IO[str]) -> bool:
    """Return whether the open file still has this path: a sandbox that ends removes its file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _file_error(path: Path, error: OSError) -> SandboxError:
    return file_error(f"the state file {path} cannot be used", error, variables="IMGVER_SANDBOX_STATE_DIR")


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
