"""The public keywords of the package."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import imgver_constructs


def callables() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every public constructor and static method, and its name as users write it."""
    for name in imgver_constructs.__all__:
        for method, member in vars(getattr(imgver_constructs, name)).items():
            if method == "__init__":
                yield name, member
            elif isinstance(member, staticmethod) and not method.startswith("_"):
                yield f"{name}.{method}", member.__func__


CALLABLES = dict(callables())
KEYWORDS = {
    f"{name} {parameter}"
    for name, function in CALLABLES.items()
    for parameter in inspect.signature(function).parameters
    if parameter not in ("self", "scope", "construct_id")
}
