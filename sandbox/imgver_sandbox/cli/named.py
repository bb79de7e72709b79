"""The option `--name` of the commands that use a sandbox in the background."""

import argparse

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.sandbox import Sandbox


def add_name(parser: argparse.ArgumentParser, *, default: str | None = state.DEFAULT_NAME) -> None:
    """Add the option to the parser of a command."""
    help_ = f"the name of the sandbox (default: {state.DEFAULT_NAME})"
    parser.add_argument("--name", type=_name, default=default, help=help_)


def running(name: str) -> Sandbox:
    """Return the running sandbox with this name. Raises SandboxError if no sandbox has this name."""
    sandbox = Sandbox.running(name)
    if sandbox is None:
        named = "" if name == state.DEFAULT_NAME else f" {name!r}"
        raise SandboxError(f"no sandbox{named} is running: start one with `imgver-sandbox start{state.option(name)}`")
    return sandbox


def _name(value: str) -> str:
    if not state.is_name(value):
        raise argparse.ArgumentTypeError(f"{value!r} must be {state.NAME_RULE}")
    return value
