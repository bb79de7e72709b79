"""Extension of griffe for the site: Sphinx roles in docstrings become links to the reference."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|meth):`([\w.]+)`")
_PACKAGE = "imgver_constructs"


class Roles(griffe.Extension):
    """Replaces each :attr:, :class: and :meth: role by a link."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401 (griffe passes further arguments)
        """Replace the roles in the docstring of an object."""
        if obj.docstring is not None:
            owner = obj if obj.is_class or obj.parent is None else obj.parent
            obj.docstring.value = _ROLE.sub(lambda role: _link(role, owner.name), obj.docstring.value)


def _link(role: re.Match[str], owner: str) -> str:
    name = role[1]
    path = f"{_PACKAGE}.{name}" if name[0].isupper() else f"{_PACKAGE}.{owner}.{name}"
    return f"[`{name}`][{path}]"
