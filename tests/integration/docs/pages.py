"""The pages of the site, taken apart: their blocks of code, and the names that they have in code font."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$", re.M | re.S)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of code."""

    page: str
    language: str
    title: str
    """The file that it is, or an empty text."""
    code: str

    @property
    def first_line(self) -> str:
        """What it is called by in lists."""
        return self.code.partition("\n")[0]


@cache
def text(page: str) -> str:
    """A page as it is written."""
    return (DOCS / page).read_text()


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """The blocks of a page, in order."""
    found = []
    for fence in _FENCE.finditer(text(page)):
        title = re.search(r'title="([^"]+)"', fence["info"])
        indented = len(fence["indent"])
        code = "\n".join(line[indented:] for line in fence["code"].split("\n"))
        found.append(Block(page=page, language=fence["language"], title=title[1] if title else "", code=code))
    return tuple(found)


def spans(page: str) -> list[str]:
    """What a page has in code font, blocks aside."""
    return [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", text(page)))]
