"""Wrong types and values are refused with a sentence, in a Python that leaves out what is asserted, too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import refusals
from public_api import keywords


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docker")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


@pytest.fixture(scope="module")
def messages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return refusals.refusals(folder, tmp_path_factory.mktemp("cdk.out"))


@pytest.fixture(scope="module")
def optimised(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-O", refusals.__file__, str(folder), str(tmp_path_factory.mktemp("cdk.out"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


def test_every_wrong_type_is_refused_by_the_name_of_its_keyword(messages: dict[str, str]) -> None:
    assert [
        (what, keyword, messages[f"{what} {keyword}"])
        for what, keyword in keywords()
        if not re.search(rf"\b{keyword}\b.* must ", messages[f"{what} {keyword}"])
    ] == []


def test_a_refusal_is_one_sentence_with_a_rule_and_a_remedy(messages: dict[str, str]) -> None:
    assert [
        message
        for message in messages.values()
        if not (" must " in message and ": " in message and "\n" not in message and not message.endswith("."))
    ] == []


def test_the_same_is_refused_when_python_optimises(messages: dict[str, str], optimised: dict[str, str]) -> None:
    assert optimised == messages
