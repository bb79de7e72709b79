"""The commands `imgver-sandbox faults` and `imgver-sandbox fault`."""

import argparse
import dataclasses
import sys
import typing
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.cli.named import add_name, running
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.faults import kinds
from imgver_sandbox.faults.control import Faults

_DESCRIPTION = """\
Inject faults into SageMaker in the sandbox that `start` started. A fault ends when it is used up, when it is removed,
and with `imgver-sandbox fault reset`. `imgver-sandbox faults` shows the active faults."""

_HELP = {
    "fail": "the next version ends as CREATE_FAILED",
    "slow": "the creation of the next version takes longer",
    "hold": "a version is in use until the fault is removed",
    "in-service": "an app runs in a domain, whose updates are refused until the fault is removed",
    "throttle": "requests above the rate are throttled until the fault is removed",
    "deny": "the next request and those in the seconds after it are denied",
    "drop": "the connection of the next request is closed without a response",
    "error": "the next request gets the HTTP status 500",
    "limit": "the next version is refused with ResourceLimitExceeded",
}
_SETTINGS = {
    "reason": "the FailureReason of the version",
    "seconds": "the duration in seconds",
    "domain": "the id of the domain (default: every domain)",
    "image": "the name of the image",
    "version": "the number of the version",
    "per_second": "the number of requests per second",
    "when": "before or after the request takes effect",
    "times": "the number of times (default: 1)",
}
_OPERATION = "the operation, such as DescribeImageVersion (default: any)"


def add_fault_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the parsers of both commands."""
    listing = commands.add_parser("faults", help="show the active faults", description="Show the active faults.")
    add_name(listing)
    listing.set_defaults(perform=_list)

    fault = commands.add_parser("fault", help="add or remove a fault", description=_DESCRIPTION)
    actions = fault.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add a fault", description=_DESCRIPTION)
    parsers = add.add_subparsers(metavar="KIND", required=True)
    for name, kind in kinds.FAULT_KINDS.items():
        _add_settings(parsers.add_parser(name, help=_HELP[name], description=f"Add a fault: {_HELP[name]}."), kind)
    remove = actions.add_parser("remove", help="remove a fault", description="Remove a fault.")
    remove.add_argument("id", type=int, help="the number of the fault in `imgver-sandbox faults`")
    add_name(remove)
    remove.set_defaults(perform=_remove)
    reset = actions.add_parser("reset", help="remove all faults", description="Remove all faults.")
    add_name(reset)
    reset.set_defaults(perform=_reset)


def _add_settings(parser: argparse.ArgumentParser, kind: type[kinds.FaultKind]) -> None:
    types: Mapping[str, Any] = {**typing.get_type_hints(kind), "operation": str, "when": str, "domain": str}
    possible = ", ".join(kinds.LIMITED_OPERATIONS if kind is kinds.LimitFault else kinds.CHANGE_OPERATIONS)
    for setting in dataclasses.fields(kind):
        name, default = setting.name, setting.default
        if default is dataclasses.MISSING:
            choices = typing.get_args(kinds.DropMoment) if name == "when" else None
            parser.add_argument(name, type=types[name], choices=choices, metavar=name.upper(), help=_SETTINGS[name])
        else:
            description = _SETTINGS.get(name, f"{possible} (default: {default})" if default else _OPERATION)
            parser.add_argument(f"--{name}", type=types[name], default=default, metavar=name.upper(), help=description)
    add_name(parser)
    parser.set_defaults(perform=_add, kind=kind)


def _add(arguments: argparse.Namespace) -> int:
    settings = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(arguments.kind)}
    try:
        fault = _faults(arguments).add(arguments.kind(**settings))
    except ValueError as error:
        raise SandboxError(str(error)) from None
    sys.stdout.write(f"Fault {fault.id}: {fault.kind} ({fault.left}).\n")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    lines = [f"{fault.id:>3}  {fault.kind} ({fault.left})" for fault in _faults(arguments).left()]
    sys.stdout.write("\n".join(lines or ["No faults."]) + "\n")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    try:
        _faults(arguments).remove(arguments.id)
    except ValueError as error:
        raise SandboxError(str(error)) from None
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    _faults(arguments).reset()
    return 0


def _faults(arguments: argparse.Namespace) -> Faults:
    return running(arguments.name).faults
