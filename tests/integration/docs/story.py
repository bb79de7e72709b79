"""A page as a reader follows it: files are written, the app is changed, commands are run, their output is compared."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pages import Block, blocks

BIN = Path(sys.prefix) / "bin"
START = "index.md"

TAKEN_OUT = {
    ("how-to/promote-an-alias.md", "releases"): "version",
    ("moving/from-cfnimageversion.md", "version"): "native",
}
"""What a page says to put one thing in place of: by the page and the name of the new one, the name of the old one."""

Deploy = Callable[[str, Mapping[str, str]], int]
"""Deploys an app, given its source and context values; answers how many stacks it has."""

Synthesize = Callable[[str, Mapping[str, str]], Path]
"""Runs the same; answers the folder of the assembly."""


class App:
    """The source of an app, into which fragments are put as a reader puts them."""

    def __init__(self, source: str) -> None:
        self._statements = _statements(source)

    def put(self, fragment: str, *, page: str) -> None:
        """Put a fragment before ``app.synth()``, or where what it declares anew was declared before."""
        new = _statements(fragment)
        declared = {key for statement in new for key in _keys(statement)}
        leaving = {TAKEN_OUT[page, key] for key in declared if (page, key) in TAKEN_OUT}
        for name in leaving:
            declared |= {key for statement in self._statements for key in _keys(statement) if _root(statement) == name}
        gone = [
            position
            for position, statement in enumerate(self._statements)
            if declared & _keys(statement) or _root(statement) in leaving
        ]
        where = min(gone, default=len(self._statements) - 1)
        kept = [(position, statement) for position, statement in enumerate(self._statements) if position not in gone]
        self._statements = [
            *(statement for statement in new if _is_import(statement)),
            *(statement for position, statement in kept if position < where),
            *(statement for statement in new if not _is_import(statement)),
            *(statement for position, statement in kept if position >= where),
        ]

    def source(self) -> str:
        """All of it."""
        return "\n".join(self._statements) + "\n"


def _statements(source: str) -> list[str]:
    return [ast.get_source_segment(source, node) or "" for node in ast.parse(source).body]


def _node(statement: str) -> ast.stmt:
    return ast.parse(statement).body[0]


def _is_import(statement: str) -> bool:
    return isinstance(_node(statement), ast.Import | ast.ImportFrom)


def _keys(statement: str) -> set[str]:
    """What a statement declares: a variable, or a construct by its scope and id."""
    node = _node(statement)
    keys = {target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)}
    match getattr(node, "value", None):
        case ast.Call(args=[ast.Name(id=scope), ast.Constant(value=str(construct_id))]):
            keys.add(f"{scope}/{construct_id}")
    return keys


def _root(statement: str) -> str:
    """The variable that a statement declares, or calls a method of."""
    match _node(statement):
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=value))):
            return ast.unparse(value).partition(".")[0]
    return ""


def start() -> dict[str, str]:
    """The files of the page that all others continue from, by name."""
    return {block.title: block.code for block in blocks(START) if block.title}


class Story:
    """One page, in a folder of its own.

    Args:
        page: the page.
        folder: an empty folder.
        deploy: what stands in for ``cdk deploy``.
        environment: that of the commands.
    """

    def __init__(self, page: str, folder: Path, *, deploy: Deploy, environment: Mapping[str, str]) -> None:
        self._page = page
        self._folder = folder
        self._deploy = deploy
        self._environment = {**environment, "PATH": f"{BIN}{os.pathsep}{environment['PATH']}"}
        self._printed = ""
        for name, content in start().items():
            self._write(name, content)

    def tell(self, block: Block) -> None:
        """Do what a block says."""
        match block.language:
            case "python" if not block.title:
                self._app.put(block.code, page=self._page)
            case "python" | "json" if block.title:
                self._write(block.title, block.code)
            case "sh":
                self._printed = "".join(self._run(line) for line in block.code.splitlines())
            case "text":
                pattern = ".*".join(map(re.escape, block.code.split("…")))
                assert re.fullmatch(pattern, self._printed), (block.code, self._printed)
            case _:
                raise AssertionError(f"{self._page}: nobody knows how to run {block.language} {block.first_line}")

    def source(self) -> str:
        """The app as it is now."""
        return self._app.source()

    def _write(self, name: str, content: str) -> None:
        if name == "app.py":
            self._app = App(content)
        if name.endswith(".json"):
            json.loads(content)
        (self._folder / name).write_text(content)

    def _run(self, line: str) -> str:
        command = line.partition("  #")[0]
        match shlex.split(command):
            case ["imgver-sandbox", "start" | "stop"] | ["imgver-sandbox", "run", "--", "cdk", "bootstrap"]:
                return ""  # each page has its own, with what a bootstrap brings
            case ["imgver-sandbox", "run", "--", "cdk", "deploy", *options]:
                several = options == ["--all"]
                context = [] if several else options
                assert all(option == "-c" for option in context[::2]), line
                stacks = self._deploy(self.source(), dict(value.split("=", 1) for value in context[1::2]))
                assert several or stacks == 1, f"{line}: the CDK CLI asks which of several stacks"
                return ""
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout
