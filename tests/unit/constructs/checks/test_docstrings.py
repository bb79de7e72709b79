"""What an editor shows: every public name is described, every parameter too, with its default and what it may raise."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from public_api import members

import imgver_constructs

CLASSES = [getattr(imgver_constructs, name) for name in imgver_constructs.__all__]
MEMBERS = {f"{each.__name__}.{name}": (each, name) for each in CLASSES for name in members(each)}
METHODS = {
    path: getattr(each, name) for path, (each, name) in MEMBERS.items() if inspect.isfunction(getattr(each, name))
}


def entries(section: str, method: Callable[..., Any]) -> dict[str, str]:
    """The entries of a section of a docstring, by what they are about."""
    text = inspect.getdoc(method) or ""
    _, _, rest = text.partition(f"\n{section}:\n")
    body = re.split(r"\n(?=\S)", rest, maxsplit=1)[0]
    parts = re.split(r"^    (\w+): ", textwrap.dedent(body) and body, flags=re.MULTILINE)[1:]
    return {name: " ".join(entry.split()) for name, entry in zip(parts[::2], parts[1::2], strict=True)}


def parameters(method: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {name: each for name, each in inspect.signature(method).parameters.items() if name != "self"}


def may_raise(method: Callable[..., Any]) -> bool:
    """Whether it raises, or checks something, by itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [getattr(function, "id", getattr(function, "attr", "")) for function in called]
    return any(isinstance(node, ast.Raise) for node in ast.walk(tree)) or any(
        re.match("_?check_|refuse", name) for name in names
    )


def test_the_package_is_described() -> None:
    assert imgver_constructs.__doc__


@pytest.mark.parametrize("each", CLASSES, ids=lambda each: each.__name__)
def test_classes_are_described(each: type) -> None:
    assert each.__doc__
    assert each.__doc__ != each.__mro__[1].__doc__


@pytest.mark.parametrize("path", MEMBERS)
def test_members_are_described(path: str) -> None:
    each, name = MEMBERS[path]

    # What a class overrides may be described where it comes from.
    assert inspect.getdoc(inspect.getattr_static(each, name)) or inspect.getdoc(getattr(each, name))


@pytest.mark.parametrize("path", METHODS)
def test_parameters_are_described(path: str) -> None:
    method = METHODS[path]

    assert list(entries("Args", method)) == list(parameters(method))


@pytest.mark.parametrize("path", METHODS)
def test_defaults_are_described(path: str) -> None:
    method = METHODS[path]
    optional = [name for name, each in parameters(method).items() if each.default is not each.empty]

    assert [
        name for name, entry in entries("Args", method).items() if "Default: " not in entry and name in optional
    ] == []


@pytest.mark.parametrize("path", METHODS)
def test_what_it_raises_is_described(path: str) -> None:
    method = METHODS[path]

    if may_raise(method):
        assert entries("Raises", method).keys() >= {"ValueError"}


@pytest.mark.parametrize("each", [each for each in CLASSES if issubclass(each, Enum)], ids=lambda each: each.__name__)
def test_choices_are_described(each: type[Enum]) -> None:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
    assert isinstance(definition, ast.ClassDef)
    described = {
        target.id
        for node, following in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(node, ast.Assign) and isinstance(following, ast.Expr)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    assert described == {member.name for member in each}
