"""Every phrase that an error or a warning may hold is in a test, word by word.

What is said to users is put together of a value, a rule and a remedy; each of them is looked for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import imgver_constructs

PACKAGE = Path(imgver_constructs.__file__).parent
TESTS = Path(__file__).parents[1]

# What is in the template, and no message.
DESCRIPTIONS = (
    "Creates, updates and deletes SageMaker image versions for CloudFormation",
    "Pulls the container images",
)


def texts(path: Path) -> Iterator[str]:
    """The texts of a module as they are written, f-strings in the parts between their values; no docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def phrases() -> list[str]:
    """What messages are made of, by the words that join them."""
    found = {
        phrase
        for path in PACKAGE.glob("*.py")
        for text in texts(path)
        if not text.startswith(DESCRIPTIONS)
        for phrase in re.split(r": | must be |^must be ", text.strip(" :"))
    }
    # One word alone is a name, and what has a backslash is a pattern.
    return sorted(phrase.strip() for phrase in found if re.search(r"\w \w", phrase) and "\\" not in phrase)


@pytest.fixture(scope="module")
def tested() -> str:
    paths = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    return "\n".join(text for path in paths for text in texts(path))


@pytest.mark.parametrize("phrase", phrases())
def test_is_in_a_test(tested: str, phrase: str) -> None:
    assert phrase in tested
