"""What users can rely on changes only where the file says so, and nothing else is offered to them."""

from __future__ import annotations

import difflib
import inspect
import re
import types

from public_api import FILE, public_api

import imgver_constructs


def test_the_file_says_what_is_public() -> None:
    said, is_so = (text.splitlines() for text in (FILE.read_text(), public_api()))

    changes = "\n".join(difflib.unified_diff(said, is_so, FILE.name, "the package", lineterm="", n=3))

    assert not changes, f"the public API has changed; if that is meant, run: make api\n{changes}"


def test_the_package_offers_what_it_lists_and_nothing_else() -> None:
    offered = {
        name
        for name, value in vars(imgver_constructs).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert offered == set(imgver_constructs.__all__)
    assert list(imgver_constructs.__all__) == sorted(imgver_constructs.__all__)


def test_what_is_public_needs_nothing_that_is_not() -> None:
    """A type of the package in a public signature is a public one."""
    own = {
        name
        for module in vars(imgver_constructs).values()
        if isinstance(module, types.ModuleType)
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }

    assert own & set(re.findall(r"\w+", public_api())) == set(imgver_constructs.__all__)
