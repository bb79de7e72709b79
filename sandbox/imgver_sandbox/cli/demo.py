"""The demo: the real CDK CLI deploys, changes and destroys an image version on a sandbox."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

from imgver_sandbox.cli.image_commands import table
from imgver_sandbox.cli.progress import Steps
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import cdk_cli, server_environment
from imgver_sandbox.runtime.sandbox import Sandbox

_APP = "app.py"
_STACK = "ImgverDemo"
_REPOSITORY = "data-science"
_TAGS = ("1.0.0", "1.1.0")
_EVENT_CELLS = 6


class CommandFailed(Exception):
    """A command exited with another code than 0."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        """Store the exit code and the output of the command."""
        super().__init__(f"{shlex.join(command)} failed with exit code {code}")
        self.code = code
        self.output = output


def main() -> int:
    """Run the demo in the current folder, which must have an app.py, and return the exit code."""
    if not Path(_APP).is_file():
        raise SandboxError(f"there is no {_APP} in {Path.cwd()}: run the demo in the repository's folder")
    for number in (signal.SIGTERM, signal.SIGHUP):  # clean up as on Ctrl-C
        signal.signal(number, _terminate)
    steps = Steps()
    started = time.monotonic()
    try:
        _perform(steps)
    except CommandFailed as failure:
        steps.print(failure.output)
        sys.stderr.write(f"imgver-sandbox: {failure}\n")
        return failure.code
    steps.print(f"The demo took {time.monotonic() - started:.0f} s. Its sandbox has stopped and left nothing behind.")
    steps.print("Creating a version takes 1 s in this sandbox. On AWS, it is expected to take 10 to 40 s.")
    return 0


def _perform(steps: Steps) -> None:
    first, changed = _TAGS
    with tempfile.TemporaryDirectory(prefix="imgver-demo-") as folder:
        with steps.step("CDK CLI and MiniStack"), ThreadPoolExecutor(1) as installers:
            ministack = installers.submit(server_environment.python)
            cdk_cli.installed()
            ministack.result()
        with steps.step("sandbox: start"):
            sandbox = Sandbox.start(enforce_iam=True, fast=True)
        with sandbox, _Commands(steps, sandbox, Path(folder)) as commands:
            # In the background, one after the other: the other commands mostly wait for the sandbox.
            assemblies = {tag: commands.synthesize(tag) for tag in _TAGS}
            with steps.step(f"ECR: push {_REPOSITORY}:{first} and {_REPOSITORY}:{changed}"):
                for tag in _TAGS:
                    sandbox.push(f"{_REPOSITORY}:{tag}")
            commands.bootstrap()
            for tag in _TAGS:
                commands.deploy(tag, assemblies[tag])
                _show(steps, sandbox)
            commands.destroy()
            _show(steps, sandbox)
            steps.print("cdk destroy retained the image and its versions, since running spaces may use them.")


class _Commands:
    """Runs the commands of the CDK CLI, which write to a temporary folder."""

    def __init__(self, steps: Steps, sandbox: Sandbox, folder: Path) -> None:
        self._steps = steps
        self._environment = {**sandbox.environment(), "NO_COLOR": "1"}
        self._target = f"aws://{sandbox.account}/{sandbox.region}"
        self._folder = folder
        self._background = ThreadPoolExecutor(1)
        self._processes: set[subprocess.Popen[str]] = set()

    def __enter__(self) -> "_Commands":
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the commands that are still running, and the app that they started."""
        self._background.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        self._background.shutdown()

    def synthesize(self, tag: str) -> Future[None]:
        """Run `cdk synth` in the background."""
        # The interpreter of the demo, since `python3` may not have the packages of the app.
        app = ["--app", shlex.join([sys.executable, _APP]), "--output", str(self._assembly(tag)), "--quiet"]
        return self._background.submit(self._run, ["cdk", "synth", _STACK, *app, *_context(tag)])

    def bootstrap(self) -> None:
        # Outside the app's folder, so that the CLI does not run the app.
        with self._steps.step("cdk bootstrap") as show:
            self._run(["cdk", "bootstrap", self._target], show=show, folder=self._folder)

    def deploy(self, tag: str, synthesized: Future[None]) -> None:
        with self._steps.step(shlex.join(["cdk", "synth", *_context(tag)])):
            synthesized.result()
        # No change set: it takes longer.
        options = ["--require-approval", "never", "--method", "direct", "--progress", "events", "--ci"]
        with self._steps.step(shlex.join(["cdk", "deploy", *_context(tag)])) as show:
            self._run(["cdk", "deploy", _STACK, "--app", str(self._assembly(tag)), *options], show=show)

    def destroy(self) -> None:
        with self._steps.step("cdk destroy") as show:
            self._run(["cdk", "destroy", _STACK, "--force", "--app", str(self._assembly(_TAGS[-1]))], show=show)

    def _assembly(self, tag: str) -> Path:
        return self._folder / f"cdk.out-{tag}"

    def _run(
        self, command: Sequence[str], *, show: Callable[[str], None] = lambda _: None, folder: Path | None = None
    ) -> None:
        lines = []
        with subprocess.Popen(  # noqa: S603  cdk, with arguments from this file
            command,
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            self._processes.add(process)
            assert process.stdout is not None  # noqa: S101  it is a pipe
            try:
                for line in process.stdout:
                    lines.append(line)
                    if line.strip():
                        show(brief(line))
                process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # the CLI and its app
                raise
            finally:
                self._processes.discard(process)
        if process.returncode:
            raise CommandFailed(command, process.returncode, "".join(lines))


def _context(tag: str) -> list[str]:
    return [] if tag == _TAGS[0] else ["--context", f"image_tag={tag}"]


def brief(line: str) -> str:
    """Shorten a line of the CLI's output: of an event, only the status and the construct remain."""
    cells = line.split(" | ", maxsplit=5)  # stack, count, time, status, type, construct
    return f"{cells[3].strip()} {cells[5].strip()}" if len(cells) == _EVENT_CELLS else line.strip()


def _show(steps: Steps, sandbox: Sandbox) -> None:
    steps.print(f"\n{table(sandbox.images())}\n")


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
