"""A user with type checking on sees an error for every wrong type, and for no right one."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import uses
from public_api import keywords

CHECKOUT = Path(__file__).parents[4]
USES = Path(uses.__file__)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """What mypy says about the uses: lines and messages."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context"),
            *("--config-file", str(CHECKOUT / "pyproject.toml"), "--cache-dir", str(CHECKOUT / ".mypy_cache")),
            str(USES),
        ],
        # Elsewhere, so that it is the installed package whose types count.
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.splitlines()
    found = [re.fullmatch(rf".*{re.escape(USES.name)}:(\d+): error: (.+)", line) for line in said]
    assert [line for line, match in zip(said, found, strict=True) if match is None] == [], done.stderr
    return [(int(match[1]), match[2]) for match in found if match]


@pytest.fixture(scope="module")
def lines() -> dict[int, tuple[str, str]]:
    """By the line of each wrong use: what it makes, and its keyword."""
    (function,) = [
        node
        for node in ast.parse(USES.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "wrong_uses"
    ]
    returned = function.body[-1]
    assert isinstance(returned, ast.Return)
    assert isinstance(returned.value, ast.Dict)
    return {
        line: (ast.literal_eval(what), ast.literal_eval(keyword))
        for what, by_keyword in zip(returned.value.keys, returned.value.values, strict=True)
        for keyword, use in zip(by_keyword.keys, by_keyword.values, strict=True)
        for line in range(use.lineno, use.end_lineno + 1)
    }


def test_every_wrong_type_is_an_error_and_nothing_else_is(
    errors: list[tuple[int, str]], lines: dict[int, tuple[str, str]]
) -> None:
    assert [f"line {line}: {error}" for line, error in errors if line not in lines] == []
    assert Counter(lines[line] for line, _ in errors) == dict.fromkeys(keywords(), 1)


def test_every_error_names_the_types(errors: list[tuple[int, str]]) -> None:
    of_type = re.compile(r"has incompatible type .+; expected .+\[(arg-type|list-item|dict-item)\]")

    assert [error for _, error in errors if not of_type.search(error)] == []
