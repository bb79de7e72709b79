"""What the code may say to users, as it is written: every value in it is an ellipsis."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONSTRUCTS = ROOT / "imgver_constructs"
HANDLER = ROOT / "lambda" / "imgver_handler"
VALUE = "…"

ANYTHING = f"{VALUE} {VALUE} must be {VALUE}"
"""What the rules below are put into: by itself it says nothing."""


def template(node: ast.AST) -> str | None:
    """A text or an f-string, with an ellipsis for each value; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in parts)
    return None


def _texts(node: ast.AST) -> Iterator[str]:
    """The sentences below a node: of texts within texts the outermost, and no names."""
    found = template(node)
    if found is None:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)
    elif " " in found.strip():
        yield found.strip()


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def _raised(path: Path, exception: str) -> Iterator[str]:
    for node in _nodes(path):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[first, *_])) if name == exception:
                yield from _texts(first)


def _returned(path: Path, *functions: str) -> Iterator[str]:
    """What functions return; all functions, if none is named."""
    for function in _nodes(path):
        if isinstance(function, ast.FunctionDef) and (not functions or function.name in functions):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from _texts(node.value)


def _assigned(path: Path, variable: str) -> Iterator[str]:
    for node in _nodes(path):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == variable:
            yield from _texts(node.value)


@cache
def reasons() -> frozenset[str]:
    """What CloudFormation may show as the reason of a resource."""
    found = {text for path in HANDLER.glob("*.py") for text in _raised(path, "Failure")}
    # What is made of AWS's words, what is added to them and to a failed replacement, and the last resort.
    found |= set(_assigned(HANDLER / "failures.py", "reason"))
    found |= set(_returned(HANDLER / "failures.py", "_remedy"))
    found |= set(_returned(HANDLER / "diagnosis.py"))
    found |= set(_returned(HANDLER / "image_versions.py", "_remove_quietly"))
    found |= set(_assigned(HANDLER / "dispatch.py", "reason"))
    # A HandlerError that carries another's words, with a hint behind them, says nothing of its own.
    return frozenset(text for text in found if text.replace(VALUE, "").strip())


@cache
def errors() -> frozenset[str]:
    """What is raised, or said by a validation, when an app runs."""
    found = {text for path in CONSTRUCTS.glob("*.py") for text in _raised(path, "ValueError")}
    found |= set(_returned(CONSTRUCTS / "inline_limit.py", "validate"))
    found -= {text for text in found if text.startswith(ANYTHING)}
    return frozenset(found | {f"{VALUE} {VALUE} must be {rule}" for rule in _rules()})


def _rules() -> Iterator[str]:
    """The rules as data: those of texts, and those of a provider's options."""
    for path in CONSTRUCTS.glob("*.py"):
        for node in _nodes(path):
            match node:
                case ast.Call(func=ast.Name(id="Text"), keywords=keywords):
                    values = {keyword.arg: keyword.value for keyword in keywords}
                    named = {
                        ast.unparse(each.targets[0]): template(each.value)
                        for each in _nodes(path)
                        if isinstance(each, ast.Assign)
                    }
                    rule, remedy = (
                        template(value) if template(value) is not None else named[ast.unparse(value)]
                        for value in (values["rule"], values["remedy"])
                    )
                    # What Studio takes of an alias is only warned of.
                    if "semantic version" not in str(rule):
                        yield f"{rule}: {remedy}"
    for node in _nodes(CONSTRUCTS / "provider.py"):
        match node:
            case ast.Tuple(elts=[ast.Constant(), ast.Name(), _, ast.Constant(value=str(rule))]):
                yield rule
