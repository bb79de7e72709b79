"""Writes down what users of the package can rely on: ``make api``.

Every public name with its parameters, types and defaults, one to a line, so that a diff shows what changes for them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import imgver_constructs

FILE = Path(__file__).with_suffix(".txt")
_SHORT = 100
"""Characters up to which a method is written on one line."""


def public_api() -> str:
    """What the file has to say."""
    classes = [getattr(imgver_constructs, name) for name in sorted(imgver_constructs.__all__)]
    return "\n\n".join("\n".join(_class(each)) for each in classes) + "\n"


def keywords() -> list[tuple[str, str]]:
    """Every parameter of everything that makes something: a class, or its ``from_…`` method; and the parameter."""
    return sorted(
        (what, parameter)
        for what, signature in _makers()
        for parameter in signature.parameters
        if parameter not in ("self", "scope", "construct_id")
    )


def _makers() -> Iterator[tuple[str, inspect.Signature]]:
    for name in imgver_constructs.__all__:
        for method, member in vars(getattr(imgver_constructs, name)).items():
            # What versions share is made by them.
            if method == "__init__" and not name.endswith("Base"):
                yield name, inspect.signature(member)
            elif isinstance(member, staticmethod) and not method.startswith("_"):
                yield f"{name}.{method}", inspect.signature(member.__func__)


def _class(thing: type) -> Iterator[str]:
    inherited = {interface for base in thing.__bases__ for interface in getattr(base, "__jsii_ifaces__", ())}
    interfaces = [each for each in vars(thing).get("__jsii_ifaces__", ()) if each not in inherited]
    named = [each.__name__ for each in (*thing.__bases__, *interfaces) if not each.__name__.startswith("_")]
    yield f"class {thing.__name__}({', '.join(named)})"
    if issubclass(thing, Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in thing)
        return
    for name, member in sorted(members(thing).items()):
        yield from (f"    {line}" for line in _member(name, member))


def members(thing: type) -> dict[str, object]:
    """What users may call and read: what it declares, and what bases declare that are not public themselves."""
    found: dict[str, object] = {}
    for holder in reversed(thing.__mro__):
        of_package = holder.__module__.startswith(f"{imgver_constructs.__name__}.")
        if of_package and (holder is thing or holder.__name__ not in imgver_constructs.__all__):
            found |= vars(holder)
    return {name: member for name, member in found.items() if name == "__init__" or not name.startswith("_")}


def _member(name: str, member: object) -> Iterator[str]:
    read = member.fget if isinstance(member, property) else getattr(member, "func", None)
    if read is not None:
        yield f"{name}: {inspect.signature(read).return_annotation}"
    elif isinstance(member, staticmethod | classmethod):
        yield from _method(f"{type(member).__name__} {name}", inspect.signature(member.__func__))
    elif inspect.isfunction(member):
        yield from _method(name, inspect.signature(member))
    else:
        yield f"{name} = {member!r}"


def _method(name: str, signature: inspect.Signature) -> Iterator[str]:
    parameters = [_parameter(each) for each in signature.parameters.values() if each.name not in ("self", "cls")]
    keywords = [
        position for position, each in enumerate(signature.parameters.values()) if each.kind is each.KEYWORD_ONLY
    ]
    if keywords:
        parameters.insert(len(parameters) - len(keywords), "*")
    short = f"{name}({', '.join(parameters)}) -> {signature.return_annotation}"
    if len(short) <= _SHORT:
        yield short
        return
    yield f"{name}("
    yield from (f"    {parameter}," for parameter in parameters)
    yield f") -> {signature.return_annotation}"


def _parameter(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    declared = f"{star}{parameter.name}: {parameter.annotation}"
    if parameter.default is parameter.empty:
        return declared
    return f"{declared} = {parameter.default if isinstance(parameter.default, Enum) else repr(parameter.default)}"


if __name__ == "__main__":
    FILE.write_text(public_api())
    sys.stdout.write(f"written: {FILE.relative_to(Path.cwd())}\n")
