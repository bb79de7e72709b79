"""The option `--name` of the commands that use a sandbox in the background, and the check of an option."""

import argparse
from collections.abc import Callable

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.sandbox import Sandbox


def add_name(parser: argparse.ArgumentParser, *, default: str | None = state.DEFAULT_NAME) -> None:
    """Add the option to the parser of a command."""
    help_ = f"the name of the sandbox (default: {state.DEFAULT_NAME})"
    parser.add_argument("--name", type=checked(state.is_name, state.NAME_RULE), default=default, help=help_)


def checked(is_valid: Callable[[str], bool], rule: str) -> Callable[[str], str]:
    """Return the type of an option whose value must satisfy a rule."""

    def check(value: str) -> str:
        if not is_valid(value):
            raise argparse.ArgumentTypeError(f"{value!r} must be {rule}")
        return value

    return check


def running(name: str) -> Sandbox:
    """Return the running sandbox with this name. Raises SandboxError if no sandbox has this name."""
    sandbox = Sandbox.running(name)
    if sandbox is None:
        named = "" if name == state.DEFAULT_NAME else f" {name!r}"
        raise SandboxError(f"no sandbox{named} is running: start one with `imgver-sandbox start{state.option(name)}`")
    return sandbox
