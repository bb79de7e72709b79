"""The pages of the site: their text, their code blocks, and what they have in code font; and the JSON schemas."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$", re.M | re.S)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A code block; ``title`` is the name of the file that it shows, or an empty string."""

    language: str
    title: str
    code: str


@cache
def text(page: str) -> str:
    """The source of a page."""
    return (DOCS / page).read_text()


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """The code blocks of a page in order."""
    found = []
    for fence in _FENCE.finditer(text(page)):
        title = re.search(r'title="([^"]+)"', fence["info"])
        code = "\n".join(line.removeprefix(fence["indent"]) for line in fence["code"].split("\n"))
        found.append(Block(language=fence["language"], title=title[1] if title else "", code=code))
    return tuple(found)


def spans(page: str) -> set[str]:
    """The strings that a page has in code font outside code blocks."""
    return {" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", _FENCE.sub("", text(page)))}


def schema_path(resource_type: str) -> Path:
    """The file with the JSON schema of the properties of a resource type."""
    return DOCS / "reference" / "schemas" / f"{resource_type.removeprefix('Custom::')}.json"


@cache
def schema_of(resource_type: str) -> dict[str, Any]:
    """The JSON schema of the properties of a resource type."""
    return dict(json.loads(schema_path(resource_type).read_text()))
