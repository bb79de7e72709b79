"""The commands `imgver-sandbox push` and `imgver-sandbox show`."""

import argparse
import json
import sys
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from imgver_sandbox.cli.named import add_name, running
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime.pushed_image import ManifestKind

_PUSH_DESCRIPTION = """\
Push a container image to Amazon ECR in the sandbox that `start` started, without Docker, and create its repository if
necessary. The sandbox reads only the manifest of a container image, so the image has no layers. Each push has a new
digest, also if the tag exists."""

_SHOW_DESCRIPTION = """\
Show the images of the sandbox that `start` started: their versions, the aliases of each version, and what uses the
version. The latest 50 versions of an image and those with aliases are shown."""

_COLUMNS = ("VERSION", "STATUS", "ALIASES", "USED BY", "BASE IMAGE")


def add_image_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the parsers of both commands."""
    push = commands.add_parser("push", help="push a container image to Amazon ECR", description=_PUSH_DESCRIPTION)
    push.add_argument("references", nargs="+", metavar="REPOSITORY:TAG", help="for example: data-science:1.0.0")
    push.add_argument(
        "--manifest",
        choices=typing.get_args(ManifestKind),
        default="docker",
        help="the kind of manifest; SageMaker refuses oci, and list, an image of several platforms (default: docker)",
    )
    add_name(push)
    push.set_defaults(perform=_push)

    show = commands.add_parser("show", help="show images, versions, aliases and users", description=_SHOW_DESCRIPTION)
    show.add_argument("--json", action="store_true", help="print JSON")
    add_name(show)
    show.set_defaults(perform=_show)


def table(images: Sequence[Mapping[str, Any]]) -> str:
    """Return the images of `Sandbox.images` as a table for a terminal."""
    if not images:
        return "No images."
    parts = []
    for image in images:
        region, account = image["arn"].split(":")[3:5]
        lines = [f"{image['name']} ({image['status']}, account {account}, region {region})"]
        if image["failure_reason"]:
            lines.append(f"  {image['failure_reason']}")
        if image["versions"]:
            lines += _version_lines(image["versions"])
        else:
            lines.append("  no versions")
        if image["more"]:
            lines.append(f"  and {image['more']} older versions")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _version_lines(versions: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        _COLUMNS,
        *(
            (
                str(version["number"]),
                version["status"],
                ", ".join(version["aliases"]) or "-",
                ", ".join(version["used_by"]) or ("a fault" if version["in_use"] else "-"),
                version["base_image"].partition("/")[2],  # all images are in the registry of one account
            )
            for version in versions
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    for number, version in reversed(list(enumerate(versions, start=1))):
        if version["failure_reason"]:
            lines.insert(number + 1, f"    {version['failure_reason']}")
    return lines


def _push(arguments: argparse.Namespace) -> int:
    sandbox = running(arguments.name)
    from botocore.exceptions import ClientError  # noqa: PLC0415  takes 0.2 s, which the other commands do not need

    for reference in arguments.references:
        try:
            image = sandbox.push(reference, manifest=arguments.manifest)
        except ClientError as error:
            raise SandboxError(f"{reference} was not pushed: {error}") from None
        sys.stdout.write(f"Pushed {image.uri} ({image.digest}).\n")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    images = running(arguments.name).images()
    sys.stdout.write(f"{json.dumps(images, indent=2) if arguments.json else table(images)}\n")
    return 0
