"""The demo: an image version deployed, changed and destroyed by the real CDK CLI on a sandbox of its own."""

import contextlib
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import ClientError

from imgver_sandbox.cli.progress import Steps
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import cdk_cli
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2

if TYPE_CHECKING:
    from botocore.client import BaseClient

_APP = "app.py"
_STACK = "ImgverDemo"
_IMAGE = _REPOSITORY = "data-science"
_TAGS = ("1.0.0", "1.1.0")
_EVENT_CELLS = 6


@dataclass(frozen=True)
class VersionRow:
    """One version of the image, as the API shows it."""

    number: int
    status: str
    aliases: Sequence[str]
    base_image: str


class CommandFailed(Exception):
    """A command did not exit with 0."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        """Keep what the command said."""
        super().__init__(f"{shlex.join(command)} failed with exit code {code}")
        self.code = code
        self.output = output


def main() -> int:
    """Run the demo in the working folder, which must have the repository's app; answer the exit code."""
    if not Path(_APP).is_file():
        raise SandboxError(f"there is no {_APP} in {Path.cwd()}: run the demo in the repository's folder")
    for number in (signal.SIGTERM, signal.SIGHUP):  # what Ctrl-C does, when it is killed or its terminal closes
        signal.signal(number, _terminate)
    steps = Steps()
    started = time.monotonic()
    try:
        _perform(steps)
    except CommandFailed as failure:
        steps.say(failure.output)
        sys.stderr.write(f"imgver-sandbox: {failure}\n")
        return failure.code
    steps.say(f"The demo took {time.monotonic() - started:.0f} s. Its sandbox has ended; nothing is left.")
    return 0


def table(rows: Sequence[VersionRow]) -> str:
    """The versions of an image as text, in the given order, narrow enough for a terminal of 80 columns."""
    if not rows:
        return "no versions"
    lines = [("VERSION", "STATUS", "ALIASES", "BASE IMAGE")]
    lines += [
        # All are in one registry, whose long name says nothing here.
        (str(row.number), row.status, ", ".join(row.aliases) or "-", row.base_image.partition("/")[2])
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def read_versions(sagemaker: "BaseClient", image_name: str) -> list[VersionRow]:
    """All versions of an image, oldest first. Raises botocore's ClientError when there is no such image."""
    pages = sagemaker.get_paginator("list_image_versions").paginate(ImageName=image_name, SortOrder="ASCENDING")
    return [
        _read_version(sagemaker, image_name, version["Version"]) for page in pages for version in page["ImageVersions"]
    ]


def _read_version(sagemaker: "BaseClient", image_name: str, number: int) -> VersionRow:
    described = sagemaker.describe_image_version(ImageName=image_name, Version=number)
    pages = sagemaker.get_paginator("list_aliases").paginate(ImageName=image_name, Version=number)
    return VersionRow(
        number=number,
        status=described["ImageVersionStatus"],
        aliases=sorted(alias for page in pages for alias in page["SageMakerImageVersionAliases"]),
        base_image=described["BaseImage"],
    )


def _perform(steps: Steps) -> None:
    first, changed = _TAGS
    with tempfile.TemporaryDirectory(prefix="imgver-demo-") as folder:
        with steps.step("CDK CLI"):
            cdk_cli.installed()
        with steps.step("sandbox: start"):
            sandbox = Sandbox.start(enforce_iam=True)
        with sandbox:
            commands = _Commands(steps, sandbox, Path(folder))
            with steps.step(f"ECR: push {_REPOSITORY}:{first} and {_REPOSITORY}:{changed}"):
                _push(sandbox)
            commands.bootstrap()
            commands.deploy(first)
            _show(steps, sandbox)
            commands.deploy(changed)
            _show(steps, sandbox)
            commands.destroy()
            _show(steps, sandbox)


class _Commands:
    """The CDK CLI's commands. What they write goes to a folder of the demo's own."""

    def __init__(self, steps: Steps, sandbox: Sandbox, folder: Path) -> None:
        self._steps = steps
        self._environment = {**sandbox.environment(), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._target = f"aws://{sandbox.account}/{sandbox.region}"
        self._folder = folder
        self._assembly = folder / "cdk.out"

    def bootstrap(self) -> None:
        # Outside the app's folder, so that the app does not run for it.
        self._run("cdk bootstrap", ["cdk", "bootstrap", self._target], folder=self._folder)

    def deploy(self, tag: str) -> None:
        # This interpreter has what the app imports, whatever `python3` is. No change set: it takes longer.
        app = ["--app", shlex.join([sys.executable, _APP]), "--output", str(self._assembly)]
        options = ["--require-approval", "never", "--method", "direct", "--progress", "events", "--ci"]
        context = [] if tag == _TAGS[0] else ["--context", f"image_tag={tag}"]
        self._run(shlex.join(["cdk", "deploy", *context]), ["cdk", "deploy", _STACK, *app, *options, *context])

    def destroy(self) -> None:
        # What the last deployment wrote is enough: the app does not run again.
        self._run("cdk destroy", ["cdk", "destroy", _STACK, "--force", "--app", str(self._assembly)])

    def _run(self, title: str, command: Sequence[str], *, folder: Path | None = None) -> None:
        with self._steps.step(title) as show:
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
                try:
                    assert process.stdout is not None  # noqa: S101  it is a pipe
                    for line in process.stdout:
                        lines.append(line)
                        if line.strip():
                            show(brief(line))
                except BaseException:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)  # the CLI and the app that it runs
                    raise
            if process.returncode:
                raise CommandFailed(command, process.returncode, "".join(lines))


def brief(line: str) -> str:
    """A line of the CLI's output; of an event only the status and the construct, since a terminal is narrow."""
    cells = line.split(" | ", maxsplit=5)  # stack, count, time, status, type, construct
    return f"{cells[3].strip()} {cells[5].strip()}" if len(cells) == _EVENT_CELLS else line.strip()


def _push(sandbox: Sandbox) -> None:
    ecr = sandbox.client("ecr")
    ecr.create_repository(repositoryName=_REPOSITORY)
    for tag in _TAGS:
        ecr.put_image(
            repositoryName=_REPOSITORY,
            imageManifest=json.dumps(_manifest(tag)),
            imageManifestMediaType=DOCKER_V2_SCHEMA_2,
            imageTag=tag,
        )


def _manifest(tag: str) -> Mapping[str, object]:
    """A manifest of its own for each tag. Nobody pulls these images, so no layers are behind it."""
    config = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "digest": f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}",
        "size": 0,
    }
    return {"schemaVersion": 2, "mediaType": DOCKER_V2_SCHEMA_2, "config": config, "layers": []}


def _show(steps: Steps, sandbox: Sandbox) -> None:
    try:
        shown = table(read_versions(sandbox.client("sagemaker"), _IMAGE))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        shown = f"no image {_IMAGE}"
    steps.say(f"\n{shown}\n")


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
