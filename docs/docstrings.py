"""For the site: what docstrings refer to by Sphinx's roles becomes a link."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|meth):`([\w.]+)`")
_PACKAGE = "imgver_constructs"


class Roles(griffe.Extension):
    """Rewrites :class:`Name` as a link to the name in the reference."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401 (what griffe hands on besides)
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            owner = obj.parent.path if obj.parent is not None and obj.parent.is_class else ""
            obj.docstring.value = _ROLE.sub(lambda role: _link(role, owner), obj.docstring.value)


def _link(role: re.Match[str], owner: str) -> str:
    name = role[1]
    path = f"{_PACKAGE}.{name}" if name[0].isupper() else f"{_PACKAGE}.{owner.rpartition('.')[2]}.{name}"
    return f"[`{name}`][{path}]"
