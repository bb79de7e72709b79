"""The types of the wheel, in an app outside the repository: mypy and pyright, both strict."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
IGNORE = re.compile(r"  # type: ignore\[.*\]$")
OF_THE_CDK = """
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_sns as sns


def act(alarm: cloudwatch.Alarm, topic: sns.Topic) -> None:
    alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))
"""
"""A correct use of the CDK alone. pyright refuses it: a parameter has another name in the interface."""


@pytest.fixture(scope="module")
def environment(install: Callable[..., Path], built) -> Path:
    """The environment of a user: the wheel and the type checkers. pyright runs on the Node.js of the tests."""
    return install(built["imgver_constructs"].wheel, "mypy", "pyright")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with a right and a wrong use of every keyword, without a comment that ignores an error."""
    source = (CHECKOUT / "tests/unit/constructs/checks/typed_uses.py").read_text()
    path = tmp_path / "app.py"
    path.write_text("\n".join(IGNORE.sub("", line) for line in source.split("\n")))
    (tmp_path / "of_the_cdk.py").write_text(OF_THE_CDK)
    return path


@pytest.fixture(scope="module")
def wrong_lines() -> set[int]:
    """The lines of the app that have a wrong use."""
    source = (CHECKOUT / "tests/unit/constructs/checks/typed_uses.py").read_text()
    return {number for number, line in enumerate(source.split("\n"), 1) if IGNORE.search(line)}


def check(*command: str | Path, folder: Path) -> str:
    """Run a type checker, which finds errors, and return its output."""
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_mypy_finds_every_wrong_use_and_nothing_else(environment: Path, app: Path, wrong_lines: set[int]) -> None:
    output = check(environment / "bin" / "mypy", "--strict", "app.py", folder=app.parent)

    assert {int(line) for line in re.findall(r"^app\.py:(\d+): error", output, re.MULTILINE)} == wrong_lines


def test_pyright_finds_every_wrong_use_and_otherwise_errors_of_the_cdk_only(
    environment: Path, app: Path, wrong_lines: set[int]
) -> None:
    # GIVEN the strict mode, and an interpreter that has the wheel
    settings = {"typeCheckingMode": "strict", "include": ["*.py"]}
    (app.parent / "pyrightconfig.json").write_text(json.dumps(settings))
    python = environment / "bin" / "python"

    output = check(
        *(environment / "bin" / "pyright", "--pythonpath", python, "--outputjson"),
        folder=app.parent,
    )

    found = json.loads(output)["generalDiagnostics"]
    lines = {
        path: {each["range"]["start"]["line"] + 1 for each in found if each["file"] == str(path)}
        for path in app.parent.glob("*.py")
    }
    # THEN the only other error is the one that the CDK alone has, too
    source = app.read_text().split("\n")
    assert [source[line - 1].strip() for line in sorted(lines[app] - wrong_lines)] == [
        "alarm_actions=[cloudwatch_actions.SnsAction(topic)],"
    ]
    assert lines[app] >= wrong_lines
    assert len(lines[app.parent / "of_the_cdk.py"]) == 1
