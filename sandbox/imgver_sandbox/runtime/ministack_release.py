"""Which MiniStack the sandbox is made for. Imports nothing of the extra `sandbox`: it says when that is missing."""

import importlib.metadata

from imgver_sandbox.errors import SandboxError

MINISTACK_VERSION = "1.5.33"
"""The version whose names the adapter knows. The extra pins the same."""


def check_version() -> None:
    """Raise SandboxError unless the installed MiniStack is the pinned one. Imports nothing of it."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        installed = "none"
    if installed != MINISTACK_VERSION:
        raise SandboxError(
            f"the sandbox needs ministack {MINISTACK_VERSION}, found {installed}: "
            "install imgver-constructs with its extra `sandbox`"
        )
