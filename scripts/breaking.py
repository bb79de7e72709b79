"""What a change means for users: whether it is breaking, a feature, or neither.

Breaking is what CONTRIBUTING.md says: a public name, parameter, type or default that is no longer what it was in
tests/unit/constructs/checks/public_api.txt, or a logical id that is no longer in tests/unit/constructs/test_logical_ids.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

Version = tuple[int, int, int]


class Size(IntEnum):
    """How much of a version number a change asks for."""

    PATCH = 0
    FEATURE = 1
    BREAKING = 2


def smallest_version(last: Version, size: Size) -> Version:
    """The smallest version number for such a change. Below 1.0.0 the second number says what is breaking."""
    major, minor, patch = last
    if size is Size.BREAKING and major:
        return major + 1, 0, 0
    if size is Size.BREAKING or (size is Size.FEATURE and major):
        return major, minor + 1, 0
    return major, minor, patch + 1


@dataclass(frozen=True)
class Changes:
    """What is different, a line each."""

    breaking: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)

    def __add__(self, other: Changes) -> Changes:
        return Changes([*self.breaking, *other.breaking], [*self.features, *other.features])


def logical_id_changes(before: str, after: str) -> Changes:
    """Compare what each test of logical ids, types and names asserts: all of it has to stay."""
    gone = _asserted(before) - _asserted(after)
    return Changes(breaking=[f"{text!r} is gone from {test}" for test, text in sorted(gone)])


def _asserted(source: str) -> set[tuple[str, str]]:
    """Every text that is asserted, with the name of the test."""
    return {
        (test.name, constant.value)
        for test in ast.walk(ast.parse(source))
        if isinstance(test, ast.FunctionDef)
        for statement in ast.walk(test)
        if isinstance(statement, ast.Assert)
        for constant in ast.walk(statement)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def api_changes(before: str, after: str) -> Changes:
    """Compare two states of the file that says what is public."""
    old, new = _entries(before), _entries(after)
    changes = Changes()
    for name, was in old.items():
        if name not in new:
            changes.breaking.append(f"{name} is gone")
        elif not new[name].takes_all_of(was):
            changes.breaking.append(f"{name} was {was.text}, and is {new[name].text}")
        elif new[name] != was:
            changes.features.append(f"{name} was {was.text}, and is {new[name].text}")
    for name, entry in new.items():
        if name not in old:
            of_old = name.partition("(")[0] + "()" in old
            (changes.breaking if entry.required and of_old else changes.features).append(f"{name} is new")
    return changes


@dataclass(frozen=True)
class _Entry:
    """One thing that is public, by all that users rely on."""

    text: str
    types: frozenset[str] = frozenset()
    """Of a parameter: what it takes."""
    place: str = ""
    """Of a parameter: its position, or that it is a keyword."""
    default: str = ""
    """Of a parameter that has one."""
    required: bool = False

    def takes_all_of(self, was: _Entry) -> bool:
        """Whether what was written for the other one is right for this one, and means the same."""
        if not was.place:
            return self == was
        if self.required and not was.required:
            return False
        same_default = was.required or self.default == was.default
        return self.place == was.place and self.types >= was.types and same_default


def _entries(text: str) -> dict[str, _Entry]:
    """By name: `Class(Base)`, `Class.member`, `Class.method()`, `Class.method(parameter)`. With what is inherited."""
    own: dict[str, dict[str, _Entry]] = {}
    bases: dict[str, list[str]] = {}
    for block in re.split(r"\n\n", text.strip()):
        head, *lines = block.splitlines()
        declared = re.fullmatch(r"class (\w+)\((.*)\)", head)
        if declared is None:
            raise ValueError(f"line {head!r} must be a class, as `make api` writes it")
        name = declared[1]
        bases[name] = declared[2].split(", ")
        own[name] = {f"({base})": _Entry("a base") for base in bases[name]}
        for member in re.findall(r"^    (\S.*(?:\n {8}.*)*(?:\n {4}\).*)?)", "\n".join(lines), re.MULTILINE):
            own[name] |= _member(member)
    return {f"{name}{key}": entry for name in own for key, entry in _with_inherited(name, own, bases).items()}


def _with_inherited(
    name: str, own: Mapping[str, Mapping[str, _Entry]], bases: Mapping[str, list[str]]
) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for base in bases.get(name, []):
        found |= _with_inherited(base, own, bases)
    return found | dict(own.get(name, {}))


def _member(text: str) -> dict[str, _Entry]:
    method = re.fullmatch(r"((?:static|class)method )?(\w+)\((.*)\) -> (.*)", text, re.DOTALL)
    if method is None:
        name, _, rest = re.sub(r"^(\w+)( = |: )", r"\1\n", text).partition("\n")
        return {f".{name}": _Entry(rest)}
    kind, name, parameters, answer = method.groups()
    (function,) = ast.parse(f"def _({parameters}): ...").body
    assert isinstance(function, ast.FunctionDef)  # noqa: S101  it is what was written
    entries = {f".{name}()": _Entry(f"{kind or ''}-> {answer}")}
    arguments = function.args
    defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    for position, (each, default) in enumerate(zip(arguments.args, defaults, strict=True)):
        entries[f".{name}({each.arg})"] = _parameter(each, default, f"number {position + 1}")
    for each, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        entries[f".{name}({each.arg})"] = _parameter(each, keyword_default, "a keyword")
    if arguments.vararg:
        entries[f".{name}(*{arguments.vararg.arg})"] = _Entry(ast.unparse(arguments.vararg))
    return entries


def _parameter(argument: ast.arg, default: ast.expr | None, place: str) -> _Entry:
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    value = ast.unparse(default) if default else ""
    return _Entry(
        text=f"{annotation} = {value}" if default else annotation,
        types=frozenset(annotation.split(" | ")),
        place=place,
        default=value,
        required=default is None,
    )
