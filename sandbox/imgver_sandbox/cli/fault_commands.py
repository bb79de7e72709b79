"""The commands `imgver-sandbox faults` and `imgver-sandbox fault`."""

import argparse
import dataclasses
import sys
import typing
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.faults.control import Faults
from imgver_sandbox.faults.kinds import (
    CHANGE_OPERATIONS,
    FAULT_KINDS,
    LIMITED_OPERATIONS,
    DropMoment,
    FaultKind,
    LimitFault,
)
from imgver_sandbox.runtime.sandbox import Sandbox

_DESCRIPTION = """\
Let something go wrong with SageMaker in the sandbox that `start` started. A fault is gone when it is used up, when it
is removed, and after `imgver-sandbox fault reset`; `imgver-sandbox faults` shows what is left."""

_WHAT = {
    "fail": "the next version ends as CREATE_FAILED",
    "slow": "the next version takes its time",
    "hold": "a version is in use, until the fault is removed",
    "throttle": "more requests than that are throttled, until the fault is removed",
    "deny": "requests are denied, from the next one on for some seconds",
    "drop": "the next request loses its connection",
    "error": "the next request is answered with status 500",
    "limit": "the next version is refused with ResourceLimitExceeded",
}
_SETTINGS = {
    "reason": "the version's FailureReason",
    "seconds": "how many seconds",
    "image": "the image's name",
    "version": "the version's number",
    "per_second": "how many requests a second",
    "when": "before or after it had its effect",
    "times": "how often (default: once)",
}
_OPERATION = "the operation that it meets, like DescribeImageVersion (default: any)"


def add_fault_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both."""
    listing = commands.add_parser(
        "faults", help="show what is to go wrong", description="Show the faults that are left."
    )
    listing.set_defaults(perform=_list)

    fault = commands.add_parser("fault", help="let something go wrong", description=_DESCRIPTION)
    actions = fault.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add a fault", description=_DESCRIPTION)
    kinds = add.add_subparsers(metavar="KIND", required=True)
    for name, kind in FAULT_KINDS.items():
        _add_settings(kinds.add_parser(name, help=_WHAT[name], description=f"Add a fault: {_WHAT[name]}."), kind)
    remove = actions.add_parser("remove", help="end one of them", description="End a fault.")
    remove.add_argument("id", type=int, help="its number in `imgver-sandbox faults`")
    remove.set_defaults(perform=_remove)
    reset = actions.add_parser("reset", help="end all of them", description="End all faults.")
    reset.set_defaults(perform=_reset)


def _add_settings(parser: argparse.ArgumentParser, kind: type[FaultKind]) -> None:
    types: Mapping[str, Any] = {**typing.get_type_hints(kind), "operation": str, "when": str}
    possible = ", ".join(LIMITED_OPERATIONS if kind is LimitFault else CHANGE_OPERATIONS)
    for setting in dataclasses.fields(kind):
        name, default = setting.name, setting.default
        if default is dataclasses.MISSING:
            choices = typing.get_args(DropMoment) if name == "when" else None
            parser.add_argument(name, type=types[name], choices=choices, metavar=name.upper(), help=_SETTINGS[name])
        else:
            text = _SETTINGS.get(name, f"{possible} (default: {default})" if default else _OPERATION)
            parser.add_argument(f"--{name}", type=types[name], default=default, metavar=name.upper(), help=text)
    parser.set_defaults(perform=_add, kind=kind)


def _add(arguments: argparse.Namespace) -> int:
    settings = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(arguments.kind)}
    try:
        fault = _faults().add(arguments.kind(**settings))
    except ValueError as error:
        raise SandboxError(str(error)) from None
    sys.stdout.write(f"Fault {fault.id}: {fault.kind} ({fault.left}).\n")
    return 0


def _list(_: argparse.Namespace) -> int:
    lines = [f"{fault.id:>3}  {fault.kind} ({fault.left})" for fault in _faults().left()]
    sys.stdout.write("\n".join(lines or ["No faults."]) + "\n")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    try:
        _faults().remove(arguments.id)
    except ValueError as error:
        raise SandboxError(str(error)) from None
    return 0


def _reset(_: argparse.Namespace) -> int:
    _faults().reset()
    return 0


def _faults() -> Faults:
    sandbox = Sandbox.running()
    if sandbox is None:
        raise SandboxError("no sandbox is running: start one with `imgver-sandbox start`")
    return sandbox.faults
