"""The examples of the guide on testing work, and they are complete."""

import argparse
import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from imgver_sandbox.cli.fault_commands import add_fault_commands
from imgver_sandbox.faults.kinds import FAULT_KINDS
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.service_faults import ServiceFaults

GUIDE = (Path(__file__).parents[3] / "docs" / "sandbox-testing.md").read_text()
FILES = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", GUIDE, re.DOTALL)
ROWS = re.findall(r"^\| `(.*?)` \| `(.*?)` \| .*? \|$", GUIDE.partition("## Faults")[2], re.MULTILINE)
ENFORCE_IAM = """
import pytest
from imgver_sandbox import Sandbox


@pytest.fixture(scope="session")
def imgver_sandbox_server():
    with Sandbox.start(enforce_iam=True) as sandbox:
        yield sandbox
"""
PAIRS = [
    pair
    for commands, methods in ROWS
    if "…" not in commands
    for pair in zip(commands.split("`, `"), methods.split("`, `"), strict=True)
]


def test_its_example_passes(tmp_path):
    # GIVEN its files, WHEN pytest runs them with warnings as errors and enforces IAM
    for name, content in [*FILES, ("conftest.py", ENFORCE_IAM)]:
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "--strict-config", "-p", "no:cacheprovider", "-rA"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN exactly its tests pass
    tests = {
        f"{name}::{test}" for name, content in FILES for test in re.findall(r"^def (test_\w+)", content, re.MULTILINE)
    }
    assert len(tests) == 6
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"^PASSED (\S+)", done.stdout, re.MULTILINE)) == tests


def test_its_commands_work(command, state_folder):
    faults, several = [shell for shell in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) if "start" in shell]

    said = {line: command(*shlex.split(line)[1:]) for line in (faults + several).splitlines()}

    assert {line: (done.returncode, done.stderr) for line, done in said.items()} == dict.fromkeys(said, (0, ""))
    assert said["imgver-sandbox faults"].stdout == (
        "  1  CreateImageVersion fails: no space left (2 times)\n"
        "  2  version 3 of data-science is in use (until removed)\n"
    )
    identity = json.loads(said["imgver-sandbox run --name web -- aws sts get-caller-identity"].stdout)
    assert identity["Account"] == "111122223333"


@pytest.mark.parametrize(("command_line", "method"), PAIRS)
def test_a_fault_is_the_same_on_the_command_line_and_from_python(command_line, method):
    # GIVEN a row of its table
    parser = argparse.ArgumentParser()
    add_fault_commands(parser.add_subparsers())
    faults = ServiceFaults(clock=ManualClock(), operations=())

    # WHEN both are read
    parsed = parser.parse_args(["fault", "add", *shlex.split(command_line)])
    kind = parsed.kind(**{field.name: getattr(parsed, field.name) for field in dataclasses.fields(parsed.kind)})
    added = eval(f"faults.{method}", {"faults": faults})

    # THEN they are one
    assert added.kind == kind


def test_it_has_every_fault():
    assert {command_line.split()[0] for command_line, _ in PAIRS} == set(FAULT_KINDS)
