"""Draws the diagrams of concepts.md: python docs/diagrams/draw.py.

Each is a table of time, from top to bottom: who does what, in lanes. They carry their own background, light or dark as
the reader's system is, so that they can be read on every page.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent

WIDTH = 480
ROW = 46
TOP = 64
MARGIN = 12

STYLE = """\
  .card { fill: #ffffff; stroke: #c5cae9 }
  .lane { stroke: #9fa8da; stroke-dasharray: 3 4 }
  .head { fill: #3949ab }
  .head-text { fill: #ffffff; font-weight: 600 }
  .text { fill: #1a1a2e }
  .label { fill: #1a1a2e; stroke: #ffffff; stroke-width: 4; paint-order: stroke }
  .faint { fill: #5c6078 }
  .line { stroke: #3949ab; stroke-width: 1.5 }
  .tip { fill: #3949ab }
  .box { fill: #e8eaf6; stroke: #7986cb }
  .good { fill: #e6f4ea; stroke: #5bb974 }
  .bad { fill: #fce8e6; stroke: #e06c62 }
  text { font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
  @media (prefers-color-scheme: dark) {
    .card { fill: #1e2029; stroke: #3d4470 }
    .lane { stroke: #565e8f }
    .head { fill: #5c6bc0 }
    .text { fill: #e8eaf6 }
    .label { fill: #e8eaf6; stroke: #1e2029 }
    .faint { fill: #a9aec6 }
    .line { stroke: #9fa8da }
    .tip { fill: #9fa8da }
    .box { fill: #2a2e45; stroke: #5c6bc0 }
    .good { fill: #1d3327; stroke: #5bb974 }
    .bad { fill: #3b2220; stroke: #e06c62 }
  }"""


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """From one lane to another."""

    source: int
    target: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """Across all lanes: a state, or what went wrong."""

    text: str
    look: str = "box"


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """One picture."""

    title: str
    lanes: Sequence[str]
    rows: Sequence[Arrow | Note]

    def svg(self) -> str:
        """The file."""
        height = TOP + ROW * len(self.rows) + MARGIN
        width = (WIDTH - 2 * MARGIN) / len(self.lanes)
        middles = [MARGIN + width * (number + 0.5) for number in range(len(self.lanes))]
        parts = _opening(self.title, height)
        for name, middle in zip(self.lanes, middles, strict=True):
            left = middle - width / 2 + 5
            parts += [
                f'<line class="lane" x1="{middle:g}" y1="44" x2="{middle:g}" y2="{height - MARGIN}"/>',
                f'<rect class="head" x="{left:g}" y="{MARGIN}" width="{width - 10:g}" height="30" rx="5"/>',
                _text(middle, MARGIN + 20, name, look="head-text"),
            ]
        for number, row in enumerate(self.rows):
            y = TOP + ROW * number + 14
            parts += _arrow(row, middles, y) if isinstance(row, Arrow) else _note(row, y)
        return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table."""

    cells: Sequence[str]
    look: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """One picture without time in it."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Row]

    def svg(self) -> str:
        """The file."""
        height = TOP + 40 * len(self.rows) - 6
        middles = (56, 190, 372)
        parts = _opening(self.title, height)
        parts += [_text(middle, 34, head, look="faint") for head, middle in zip(self.heads, middles, strict=True)]
        for number, row in enumerate(self.rows):
            y = 48 + 40 * number
            parts.append(
                f'<rect class="{row.look}" x="{MARGIN}" y="{y}" width="{WIDTH - 2 * MARGIN}" height="32" rx="5"/>'
            )
            parts += [_text(middle, y + 21, cell) for cell, middle in zip(row.cells, middles, strict=True)]
        return "\n".join([*parts, "</svg>", ""])


def _opening(title: str, height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
    ]


def _text(x: float, y: float, text: str, *, look: str = "text") -> str:
    return f'<text class="{look}" x="{x:g}" y="{y:g}" text-anchor="middle">{escape(text)}</text>'


def _arrow(arrow: Arrow, middles: Sequence[float], y: float) -> list[str]:
    source, target = middles[arrow.source], middles[arrow.target]
    back = 8 if target > source else -8
    return [
        f'<line class="line" x1="{source:g}" y1="{y + 8}" x2="{target - back:g}" y2="{y + 8}"/>',
        f'<path class="tip" d="M{target:g} {y + 8} l{-back - back / 4:g} -5 v10 z"/>',
        _text((source + target) / 2, y, arrow.text, look="label"),
    ]


def _note(note: Note, y: float) -> list[str]:
    return [
        f'<rect class="{note.look}" x="{2 * MARGIN}" y="{y - 13}" width="{WIDTH - 4 * MARGIN}" height="30" rx="5"/>',
        _text(WIDTH / 2, y + 7, note.text),
    ]


CLOUDFORMATION, FUNCTION, SAGEMAKER = range(3)
LANES = ("CloudFormation", "the function", "SageMaker")


def _ask(text: str) -> Arrow:
    return Arrow(source=CLOUDFORMATION, target=FUNCTION, text=text)


def _call(text: str) -> Arrow:
    return Arrow(source=FUNCTION, target=SAGEMAKER, text=text)


def _answer(text: str) -> Arrow:
    return Arrow(source=FUNCTION, target=CLOUDFORMATION, text=text)


DIAGRAMS = {
    "create": Diagram(
        title="A version is created: Create, CreateImageVersion, DescribeImageVersion until CREATED, then the answer",
        lanes=LANES,
        rows=[
            _ask("Create"),
            _call("CreateImageVersion"),
            _call("DescribeImageVersion …"),
            Note(text="version 1 is CREATED", look="good"),
            _answer("its ARN: the physical id"),
        ],
    ),
    "replace": Diagram(
        title="A version is replaced: new version, aliases, and only then the old version is deleted",
        lanes=LANES,
        rows=[
            Note(text="version 1, with the alias latest"),
            _ask("Update: another base image"),
            _call("CreateImageVersion"),
            _answer("another ARN"),
            _ask("Update of the alias: version 2"),
            _call("latest leaves version 1"),
            _call("latest to version 2"),
            Note(text="all else in the stack is done: the deployment stands"),
            _ask("Delete of the old ARN"),
            _call("DeleteImageVersion: 1"),
            Note(text="version 2, with the alias latest", look="good"),
        ],
    ),
    "rollback": Diagram(
        title="A deployment rolls back: the alias moves back, and only then the new version is deleted",
        lanes=LANES,
        rows=[
            Note(text="version 2 is there and has latest; version 1 too is there"),
            Note(text="another resource of the stack fails", look="bad"),
            _ask("Update of the alias: version 1"),
            _call("latest leaves version 2"),
            _call("latest to version 1"),
            _ask("Delete of the new ARN"),
            _call("DeleteImageVersion: 2"),
            Note(text="version 1, with the alias latest, as before", look="good"),
        ],
    ),
    "retention": Table(
        title="What a retention with keep=2 leaves of six versions",
        heads=("version", "what it is", "what becomes of it"),
        rows=[
            Row(cells=("1", "old", "deleted"), look="bad"),
            Row(cells=("2", "has the alias stable", "stays"), look="good"),
            Row(cells=("3", "in use by Studio", "stays, tried again"), look="good"),
            Row(cells=("4", "the one before 5", "stays: a rollback"), look="good"),
            Row(cells=("5", "declared, second newest", "stays"), look="good"),
            Row(cells=("6", "the newest", "stays"), look="good"),
        ],
    ),
    "function": Diagram(
        title="One function per stack answers for all versions, aliases and retentions of it",
        lanes=("in the stack", "once per stack", "AWS"),
        rows=[
            Arrow(source=0, target=1, text="ImageVersion …"),
            Arrow(source=0, target=1, text="ImageAlias …"),
            Arrow(source=0, target=1, text="ImageRetention …"),
            Note(text="one function, one role, one log group"),
            Arrow(source=1, target=2, text="SageMaker"),
            Arrow(source=1, target=2, text="ECR: which digest"),
            Arrow(source=1, target=2, text="its own stack"),
        ],
    ),
}


def main() -> None:
    """Write the files."""
    for name, diagram in DIAGRAMS.items():
        (FOLDER / f"{name}.svg").write_text(diagram.svg())
    sys.stdout.write(f"{len(DIAGRAMS)} diagrams\n")


if __name__ == "__main__":
    main()
