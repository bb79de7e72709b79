"""The page of errors explains each message of the code, and no other message.

Messages are compared as the source has them, with an ellipsis for each value.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from pages import ROOT, text

from imgver_constructs._provider import policies
from imgver_constructs._validation import rules

VALUE = "…"
RULE = f"{VALUE} {VALUE} must be {VALUE}"
"""How a message begins whose rule is data."""

AT_SYNTHESIS, AT_DEPLOYMENT = re.split(r"^## .*deploy.*$", text("reference/errors.md"), flags=re.MULTILINE)


def template(node: ast.AST) -> str | None:
    """The message of a string or an f-string; None for any other node."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in parts)
    return None


def messages(node: ast.AST | None) -> Iterator[str]:
    """The strings with a space in an expression; of a string inside another one, the outer one only."""
    found = None if node is None else template(node)
    if found is not None:
        yield from [found.strip()] if " " in found.strip() else []
    elif node is not None:
        for child in ast.iter_child_nodes(node):
            yield from messages(child)


def nodes(folder: str) -> Iterator[ast.AST]:
    for path in (ROOT / folder).rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text()))


def raised(node: ast.AST, exception: str) -> Iterator[str]:
    match node:
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[first, *_])) if name == exception:
            yield from messages(first)


def returned(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        yield from messages(node.value) if isinstance(node, ast.Return) else ()


def rules_of_options(function: ast.FunctionDef) -> Iterator[str]:
    """The rules in the table of a function that raises one of them."""
    if any(RULE in raised(node, "ValueError") for node in ast.walk(function)):
        cells = [cell for node in ast.walk(function) if isinstance(node, ast.Tuple) for cell in node.elts]
        yield from (message for cell in cells for message in messages(cell) if ": " in message)


def errors() -> set[str]:
    """The errors of the constructs: raised, returned by a validation, and those whose rule is data."""
    strings = {**vars(rules), **vars(policies)}.items()
    of_data = {
        f"{rule.rule}: {rule.remedy}" for name, rule in strings if hasattr(rule, "remedy") and "STUDIO" not in name
    }
    found = set()
    for node in nodes("imgver_constructs"):
        found |= set(raised(node, "ValueError"))
        if isinstance(node, ast.FunctionDef):
            of_data |= set(rules_of_options(node))
            found |= set(returned(node)) if node.name == "validate" else set()
    return {message for message in found if not message.startswith(RULE)} | {
        RULE.removesuffix(VALUE) + rule for rule in of_data
    }


def reasons() -> set[str]:
    """The reasons of the handler: of errors, assigned to a name, and hints, which functions return as sentences."""
    found = set()
    for node in nodes("lambda"):
        match node:
            case ast.Call(func=ast.Name(id="HandlerError"), args=[first, *_]):
                found |= set(messages(first))
            case ast.Assign(targets=[ast.Name(id=name)]) if name == "reason" or name.endswith("_REMEDY"):
                found |= set(messages(node.value))
            case ast.FunctionDef(returns=ast.Name(id="str")):
                found |= {message for message in returned(node) if not message[0].islower()}
    return {message for message in found if message.replace(VALUE, "").strip()}


def entries(part: str) -> list[str]:
    """The messages that the page explains: lines of code font only."""
    return re.findall(r"^`([^`]+)`$", part, re.MULTILINE)


def fits(message: str, entry: str) -> bool:
    return re.fullmatch(".+".join(map(re.escape, message.split(VALUE))), entry) is not None


@pytest.mark.parametrize(("part", "of_code"), [(AT_SYNTHESIS, errors()), (AT_DEPLOYMENT, reasons())])
def test_each_message_has_an_entry_and_each_entry_a_message(part: str, of_code: set[str]) -> None:
    assert [message for message in sorted(of_code) if not any(fits(message, entry) for entry in entries(part))] == []
    assert [entry for entry in entries(part) if not any(fits(message, entry) for message in of_code)] == []


def test_each_entry_has_an_explanation() -> None:
    assert re.findall(r"^`[^`]+`\n(?!`|:   )", AT_SYNTHESIS + AT_DEPLOYMENT, re.MULTILINE) == []
