"""The version of MiniStack that the sandbox needs. Uses the standard library only, to report a missing MiniStack."""

import importlib.metadata

from imgver_sandbox.errors import INSTALL, SandboxError

MINISTACK_VERSION = "1.5.33"
"""The version whose private names the adapter uses. The requirements of imgver-sandbox pin the same version."""


def check_version() -> None:
    """Raise SandboxError unless the installed MiniStack is the pinned version. Does not import MiniStack."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        installed = "none"
    if installed != MINISTACK_VERSION:
        raise SandboxError(f"the sandbox needs ministack {MINISTACK_VERSION}, found {installed}: {INSTALL}")
