"""The command imgver-sandbox."""

import argparse
import contextlib
import importlib.metadata
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from imgver_sandbox.cli.fault_commands import add_fault_commands
from imgver_sandbox.cli.image_commands import add_image_commands
from imgver_sandbox.cli.named import add_name, checked, running
from imgver_sandbox.cli.old_client import warning_of_old_client
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import cdk_cli, server_environment
from imgver_sandbox.runtime import log_files as logs
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.sandbox import (
    ACCOUNT,
    ACCOUNT_RULE,
    DEFAULT_PORT,
    LAST_PORT,
    REGION,
    REGION_RULE,
    Sandbox,
    is_account,
    is_region,
)
from imgver_sandbox.sagemaker.assumptions import SHORT_NAMES, Assumptions

_DESCRIPTION = f"""\
A local AWS: CloudFormation, Lambda, IAM, S3, ECR and other services of MiniStack,
and SageMaker images and image versions. It needs no AWS account and no Docker.
It listens on 127.0.0.1 only. The default account is {ACCOUNT} and the default region {REGION}."""

_START_DESCRIPTION = """\
Start a sandbox in the background. Its state file and logs are in the folder
IMGVER_SANDBOX_STATE_DIR (default: ~/.local/state/imgver-sandbox). With --name,
several sandboxes run side by side, each with its own port, resources and logs.

Give --account and --region if a stack has them in its `env`. Some behaviour of the SageMaker images API is
not documented. The option --assume selects it. These are the switches with their
values. The first value is the default; it is the harder one for the caller.

""" + "\n".join(f"  {short}, {name}: {' | '.join(Assumptions.choices()[name])}" for short, name in SHORT_NAMES.items())

_RUN_DESCRIPTION = """\
Run COMMAND with an environment in which the CDK CLI, the AWS CLI and boto3 use the sandbox that `start` started. If
no sandbox is running and --name is not given, run COMMAND with a new one, which stops when COMMAND ends. The pinned
`cdk` comes first in PATH. HTTP_PROXY and HTTPS_PROXY are not used for the sandbox.
Your AWS profiles and credentials are not used. The exit code is the exit code of COMMAND."""

_LOGS_DESCRIPTION = """\
Print the paths of the log files of the sandbox that `start` started: the log of the server and the log of the Lambda
functions. `stop` removes both. If the sandbox ended unexpectedly, they remain until the next `start`."""

_FOLLOW_SECONDS = 0.1
_FULL_BYTES = 1_000_000
_NOT_RUNNING = 1
_CANNOT_RUN = 126
_NOT_FOUND = 127


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (default: those of this process) and return the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.perform(parsed)
        sys.stdout.flush()
    except SandboxError as error:
        sys.stderr.write(f"imgver-sandbox: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("imgver-sandbox: interrupted\n")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader, such as `head`, closed the pipe. Without this, Python would write to it again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imgver-sandbox", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the versions of the sandbox")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    start = commands.add_parser(
        "start",
        help="start the sandbox in the background",
        description=_START_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    start.add_argument(
        "--port", type=_port, help=f"1 to 65535 (default: {DEFAULT_PORT}, or any free port if that is taken)"
    )
    start.add_argument(
        "--assume",
        type=_switch,
        action="append",
        default=[],
        metavar="SWITCH=VALUE",
        help="set one of the switches above; can be repeated",
    )
    start.add_argument(
        "--enforce-iam",
        action="store_true",
        help="enforce the IAM policies of roles and users (default: every call is allowed)",
    )
    account, region = checked(is_account, ACCOUNT_RULE), checked(is_region, REGION_RULE)
    start.add_argument("--account", type=account, default=ACCOUNT, metavar="ID", help=f"12 digits (default: {ACCOUNT})")
    start.add_argument("--region", type=region, default=REGION, help=f"the default region (default: {REGION})")
    add_name(start)
    start.set_defaults(perform=_start)

    stop = commands.add_parser(
        "stop", help="stop the sandbox", description="Stop the sandbox and wait until it has ended."
    )
    add_name(stop)
    stop.set_defaults(perform=_stop)

    status = commands.add_parser(
        "status",
        help="show whether the sandbox is running, and its address",
        description=f"Show whether the sandbox is running, and its address. Exit code {_NOT_RUNNING}: it is not.",
    )
    add_name(status)
    status.set_defaults(perform=_status)

    show_logs = commands.add_parser(
        "logs", help="show the paths of the logs, or follow the logs", description=_LOGS_DESCRIPTION
    )
    show_logs.add_argument(
        "--follow",
        action="store_true",
        help="print the logs until the sandbox stops",
    )
    add_name(show_logs)
    show_logs.set_defaults(perform=_logs)

    add_image_commands(commands)
    add_fault_commands(commands)

    run = commands.add_parser(
        "run",
        help="run a command that uses the sandbox",
        description=_RUN_DESCRIPTION,
        usage="imgver-sandbox run [-h] [--name NAME] -- COMMAND ...",
    )
    add_name(run, default=None)
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="for example: cdk deploy")
    run.set_defaults(perform=_run, parser=run)

    demo = commands.add_parser(
        "demo",
        help="deploy, change and destroy the demo app with the CDK CLI",
        description="Deploy the app in the current folder, change it and destroy it, on a sandbox of its own.",
    )
    demo.set_defaults(perform=_demo)
    return parser


def _port(value: str) -> int:
    port = int(value) if value.isdecimal() else 0
    if not 1 <= port <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{value!r} must be a number from 1 to {LAST_PORT}")
    return port


def _switch(value: str) -> str:
    try:
        Assumptions.parse([value])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return value


class _Version(argparse.Action):
    """Prints the versions, which only this option reads."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        version = importlib.metadata.version("imgver-sandbox")
        _print(
            f"imgver-sandbox {version} (MiniStack {server_environment.ministack_version()}, "
            f"CDK CLI {cdk_cli.version()}, Python {platform.python_version()})"
        )
        parser.exit()


def _start(arguments: argparse.Namespace) -> int:
    sandbox = Sandbox.start_in_background(
        name=arguments.name,
        port=arguments.port,
        account=arguments.account,
        region=arguments.region,
        assumptions=Assumptions.parse(arguments.assume),
        enforce_iam=arguments.enforce_iam,
    )
    name = state.option(arguments.name)
    _print(f"The sandbox is running on {sandbox.url} (account {sandbox.account}, region {sandbox.region}).")
    _print(f"Use:   imgver-sandbox run{name} -- cdk bootstrap")
    _print(f"Watch: {sandbox.page}")
    _print(f"Logs:  imgver-sandbox logs{name}")
    _print(f"Stop:  imgver-sandbox stop{name}")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    sandbox = Sandbox.running(arguments.name)
    if sandbox is None:
        _print(_none_running(arguments.name))
        return 0
    sandbox.stop()
    _print(f"The sandbox on {sandbox.url} has stopped.")
    return 0


def _none_running(name: str) -> str:
    return "No sandbox is running." if name == state.DEFAULT_NAME else f"No sandbox {name!r} is running."


def _status(arguments: argparse.Namespace) -> int:
    sandbox = Sandbox.running(arguments.name)
    if sandbox is None:
        _print(_none_running(arguments.name))
        return _NOT_RUNNING
    _print(f"The sandbox is running on {sandbox.url} (process {sandbox.server_pid}).")
    _print(f"Watch: {sandbox.page}")
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    sandbox = Sandbox.running(arguments.name)
    folder = sandbox.logs if sandbox else state.logs_folder(arguments.name)
    if not folder.exists():
        _print(_none_running(arguments.name))
        return _NOT_RUNNING
    if arguments.follow:
        logs.follow(folder, has_ended=lambda: state.wait_until_ended(arguments.name, _FOLLOW_SECONDS), write=_write)
        return 0
    for file in logs.files(folder):
        _print(str(file))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        arguments.parser.error("COMMAND is missing")
    with contextlib.ExitStack() as stack:
        sandbox = running(arguments.name) if arguments.name else Sandbox.running()
        sandbox = sandbox or stack.enter_context(Sandbox.start())
        environment = sandbox.environment()
        if warning := warning_of_old_client(environment["PATH"]):
            sys.stderr.write(f"imgver-sandbox: {warning}\n")
        code = _run_command(command, environment)
        if code and (full := _full_disk(sandbox)):
            sys.stderr.write(f"imgver-sandbox: the disk of {full} is full, which can be the reason: delete files\n")
        return code


def _full_disk(sandbox: Sandbox) -> Path | None:
    """Return the folder of the logs or of temporary files if its disk is full. The server writes to both."""
    folders = (sandbox.logs, Path(tempfile.gettempdir()))
    return next((folder for folder in folders if shutil.disk_usage(folder).free < _FULL_BYTES), None)


def _run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    if shutil.which(command[0], path=environment["PATH"]) is None:
        sys.stderr.write(f"imgver-sandbox: {command[0]}: command not found\n")
        return _NOT_FOUND
    try:
        running = subprocess.Popen(command, env=environment)  # noqa: S603  the command of the user
    except OSError as error:  # a script without an interpreter line, or whose interpreter does not exist
        sys.stderr.write(f"imgver-sandbox: {command[0]}: cannot be run: {str(error.strerror).lower()}\n")
        return _CANNOT_RUN
    with running as process:

        def forward(number: int, _frame: FrameType | None) -> None:
            # On Ctrl-C, a terminal has already sent SIGINT to the command.
            if number != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(number)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, forward)
        code = process.wait()
    return 128 - code if code < 0 else code


def _demo(_: argparse.Namespace) -> int:
    from imgver_sandbox.cli import demo  # noqa: PLC0415  imports rich, which the other commands do not need

    return demo.main()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _write(output: str) -> None:
    sys.stdout.write(output)
    sys.stdout.flush()
