"""Every error that the code may show is on the page of errors, and nothing else is."""

from __future__ import annotations

import re

import pytest
from messages import VALUE, errors, reasons
from pages import text

PAGE = text("reference/errors.md")
AT_SYNTH, _, AT_DEPLOYMENT = PAGE.partition("\n## When it deploys\n")


def entries(part: str) -> list[str]:
    """The terms that are explained: lines that are nothing but code."""
    return re.findall(r"^`([^`]+)`$", part, re.MULTILINE)


def fits(written: str, entry: str) -> bool:
    """Whether an entry is what the code has written, with or without words for the values."""
    return re.fullmatch(".+".join(map(re.escape, written.split(VALUE))), entry) is not None


@pytest.mark.parametrize("written", sorted(errors()))
def test_an_error_at_synth_is_explained(written: str) -> None:
    assert any(fits(written, entry) for entry in entries(AT_SYNTH))


@pytest.mark.parametrize("written", sorted(reasons()))
def test_a_reason_of_the_function_is_explained(written: str) -> None:
    assert any(fits(written, entry) for entry in entries(AT_DEPLOYMENT))


def test_nothing_else_is_explained() -> None:
    assert [entry for entry in entries(AT_SYNTH) if not any(fits(written, entry) for written in errors())] == []
    assert [entry for entry in entries(AT_DEPLOYMENT) if not any(fits(written, entry) for written in reasons())] == []


def test_each_entry_has_an_explanation() -> None:
    # A term is followed by another one, or by its explanation.
    assert re.findall(r"^`[^`]+`\n(?!`|:   )", PAGE, re.MULTILINE) == []
