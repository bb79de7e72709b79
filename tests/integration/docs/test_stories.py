"""Every code block of every page runs, in the order of the page and as a reader would follow it."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.runtime.sandbox import Sandbox
from pages import PAGES, Block, blocks

BIN = Path(sys.prefix) / "bin"

ELSEWHERE = {
    "sandbox-testing.md": "sandbox/tests/integration/test_guide.py runs it",
    "how-to/share-in-your-company.md": "tests/integration/packaging/test_private_index.py runs it",
    "how-to/without-python.md": "tests/integration/examples/test_other_languages.py runs the examples that it shows",
    "test-aws.md": "sandbox/tests/integration/test_conformance.py runs it without an account",
    "contributing.md": "its commands run these tests",
}
"""Pages that other tests run."""

NOT_RUN = {
    "python3 -m venv": "it downloads packages; tests/integration/packaging installs the wheels",
    "docker buildx": "it needs Docker and an account",
    "terraform ": "it needs Terraform and an account",
}
"""How blocks begin that are not run."""

REPLACES = {
    ("how-to/promote-an-alias.md", "releases"): "version",
    ("moving/from-cfnimageversion.md", "version"): "native",
}
"""The variable that a page says to replace, by the page and the new variable."""


class App:
    """The statements of an app, into which fragments are inserted as the start page says."""

    def __init__(self, page: str, source: str) -> None:
        self._page = page
        self._statements = statements(source)

    def insert(self, fragment: str) -> None:
        """Insert statements before ``app.synth()``, or where the statements were that they replace."""
        new = statements(fragment)
        declared = {key for statement in new for key in keys(statement)}
        removed = {REPLACES[self._page, key] for key in declared if (self._page, key) in REPLACES}
        declared |= {key for statement in self._statements for key in keys(statement) if root(statement) in removed}
        kept: list[str] = []
        position = -1
        for statement in self._statements:
            if declared & keys(statement) or root(statement) in removed:
                position = len(kept) if position < 0 else position
            else:
                kept.append(statement)
        imports = [statement for statement in new if statement.startswith(("import ", "from "))]
        kept[position:position] = [statement for statement in new if statement not in imports]
        self._statements = [*imports, *kept]

    def source(self) -> str:
        return "\n".join(self._statements) + "\n"


def statements(source: str) -> list[str]:
    return [ast.get_source_segment(source, node) or "" for node in ast.parse(source).body]


def keys(statement: str) -> set[str]:
    """The variable that a statement assigns, and the construct that it declares, as scope and id."""
    (node,) = ast.parse(statement).body
    found = {target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)}
    match getattr(node, "value", None):
        case ast.Call(args=[ast.Name(id=scope), ast.Constant(value=str(construct_id))]):
            found.add(f"{scope}/{construct_id}")
    return found


def root(statement: str) -> str:
    """The variable that a statement assigns, or whose method it calls."""
    match ast.parse(statement).body:
        case [ast.Assign(targets=[ast.Name(id=name)])]:
            return name
        case [ast.Expr(value=ast.Call(func=ast.Attribute(value=value)))]:
            return ast.unparse(value).partition(".")[0]
    return ""


class Story:
    """One page in a folder of its own, with the files of the start page."""

    def __init__(self, page: str, folder: Path, sandbox: Sandbox, deploy: Callable[[Mapping[str, str]], int]) -> None:
        self._page = page
        self._folder = folder
        self._sandbox = sandbox
        self._deploy = deploy
        self._output = ""
        for block in blocks("index.md"):
            if block.title:
                self._write(block.title, block.code)

    def follow(self, block: Block) -> None:
        """Do what a reader does with a block."""
        match block.language:
            case "python" | "json" if block.title:
                self._write(block.title, block.code)
            case "python":
                self._app.insert(block.code)
                (self._folder / "app.py").write_text(self._app.source())
            case "sh":
                self._output = "".join(self._run(line) for line in block.code.splitlines())
            case "text":
                assert re.fullmatch(".*".join(map(re.escape, block.code.split("…"))), self._output), self._output
            case _:
                raise AssertionError(f"{self._page}: no rule for a block of {block.language}")

    def _write(self, name: str, content: str) -> None:
        if name == "app.py":
            self._app = App(self._page, content)
        (self._folder / name).write_text(content)

    def _run(self, line: str) -> str:
        command = line.partition("  #")[0]
        match shlex.split(command):
            case ["imgver-sandbox", "start" | "stop"] | ["imgver-sandbox", "run", "--", "cdk", "bootstrap"]:
                return ""  # the fixtures did that
            case ["imgver-sandbox", "run", "--", "cdk", "deploy", *options]:
                several = "--all" in options
                context = dict(value.split("=", 1) for value in options if "=" in value)
                assert self._deploy(context) == 1 or several, f"{line}: the CDK CLI asks which of several stacks"
                return ""
            case ["imgver-sandbox", "push", *references]:
                for reference in references:
                    self._sandbox.push(reference)
                return ""  # the pages show the output of the programs only
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self._folder,
            env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONWARNINGS": "error"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout


def warnings(assembly: Path) -> Iterator[str]:
    """The warnings that the CDK CLI would print."""
    for artifact in json.loads((assembly / "manifest.json").read_text())["artifacts"].values():
        for entries in artifact.get("metadata", {}).values():
            yield from (str(entry["data"]) for entry in entries if entry["type"] == "aws:cdk:warning")


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE and blocks(page)])
def test_page(page: str, tmp_path: Path, started: Sandbox, run_app: Any, direct_deployment: Any) -> None:
    folder = tmp_path / "with a space"
    folder.mkdir()
    started.reset()
    # How long a version takes is not the subject of the pages.
    started.faults.slow(0.2, times=100)
    deployment = direct_deployment(started)
    deployment.bootstrap()

    def deploy(context: Mapping[str, str]) -> int:
        assembly = run_app(folder / "app.py", context)
        stacks = [path.name.removesuffix(".template.json") for path in sorted(assembly.glob("*.template.json"))]
        for stack in stacks:
            try:
                assert deployment.deploy(assembly, stack) in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            except ClientError as error:
                # The CDK CLI skips a stack that has not changed.
                if "No updates are to be performed" not in str(error):
                    raise
        return len(stacks)

    story = Story(page, folder, started, deploy)
    for block in blocks(page):
        if not block.code.startswith(tuple(NOT_RUN)):
            story.follow(block)

    assert list(warnings(run_app(folder / "app.py", {}))) == []
