"""Draw a graph without cycles in layers, from top to bottom, as an SVG file that is the same in every run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from statistics import fmean

Graph = Mapping[str, frozenset[str]]
"""What each node points to."""

_LETTER, _PADDING, _GAP = 6.8, 20, 14
_BOX, _ROW, _MARGIN = 26, 62, 16
_SWEEPS = 24

_STYLE = """\
  .card { fill: #ffffff; stroke: #c5cae9 }
  .box { fill: #e8eaf6; stroke: #7986cb }
  .outside { fill: #fff3e0; stroke: #ef9a4d }
  .line { fill: none; stroke: #7986cb; stroke-width: 1.3 }
  .tip { fill: #7986cb }
  text { fill: #1a1a2e; font: 12px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
  @media (prefers-color-scheme: dark) {
    .card { fill: #1e2029; stroke: #3d4470 }
    .box { fill: #2a2e45; stroke: #5c6bc0 }
    .outside { fill: #3b2f20; stroke: #ef9a4d }
    text { fill: #e8eaf6 }
  }"""


@dataclass
class _Point:
    """A node, or where an arrow crosses a row on its way."""

    name: str
    width: float
    above: list[_Point] = field(default_factory=list, repr=False)
    below: list[_Point] = field(default_factory=list, repr=False)
    x: float = 0.0


def drawing(graph: Graph, *, title: str, outside: frozenset[str] = frozenset()) -> str:
    """The file. Nodes in `outside` look different."""
    rows, arrows = _layers(graph)
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            _arrange(row, below=sweep % 2 == 1)
    left = min(point.x - point.width / 2 for row in rows for point in row)
    for row in rows:
        for point in row:
            point.x += _MARGIN - left
    width = max(point.x + point.width / 2 for row in rows for point in row) + _MARGIN
    height = _ROW * (len(rows) - 1) + _BOX + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path class="tip" d="M0 0L8 4L0 8Z"/></marker></defs>'
        ),
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8"/>',
        *(_arrow(points, row) for points, row in arrows),
        *(_node(point, row, outside) for row, points in enumerate(rows) for point in points if point.name),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _layers(graph: Graph) -> tuple[list[list[_Point]], list[tuple[list[_Point], int]]]:
    """The rows, and each arrow as the points on its way, with the row of the first one."""
    depth = _depths(graph)
    nodes = {name: _Point(name, len(name) * _LETTER + _PADDING) for name in sorted(depth)}
    rows: list[list[_Point]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, point in nodes.items():
        rows[depth[name]].append(point)
    arrows = []
    for source in sorted(graph):
        for target in sorted(graph[source]):
            between = [_Point("", 0) for _ in range(depth[source] + 1, depth[target])]
            for row, point in enumerate(between, depth[source] + 1):
                rows[row].append(point)
            way = [nodes[source], *between, nodes[target]]
            for upper, lower in itertools.pairwise(way):
                upper.below.append(lower)
                lower.above.append(upper)
            arrows.append((way, depth[source]))
    for row_of_points in rows:
        _place(row_of_points, [0.0] * len(row_of_points))
    return rows, arrows


def _depths(graph: Graph) -> dict[str, int]:
    """How many arrows lead to a node at most."""
    depth: dict[str, int] = dict.fromkeys(sorted({*graph, *(each for found in graph.values() for each in found)}), 0)
    for _ in depth:
        for source, targets in graph.items():
            for target in targets:
                depth[target] = max(depth[target], depth[source] + 1)
    return depth


def _arrange(row: list[_Point], *, below: bool) -> None:
    """Bring each point near those that it is connected with on one side."""
    wanted = {id(point): _middle(point.below if below else point.above, point.x) for point in row}
    row.sort(key=lambda point: (wanted[id(point)], point.name))
    _place(row, [wanted[id(point)] for point in row])


def _middle(points: list[_Point], otherwise: float) -> float:
    return fmean(point.x for point in points) if points else otherwise


def _place(row: list[_Point], wanted: list[float]) -> None:
    """As near to where they want to be as their order and their widths allow."""
    edge = float("-inf")
    for point, place in zip(row, wanted, strict=True):
        point.x = max(place, edge + _GAP + point.width / 2)
        edge = point.x + point.width / 2
    shift = fmean(point.x - place for point, place in zip(row, wanted, strict=True))
    for point in row:
        point.x -= shift


def _y(row: int) -> float:
    return _MARGIN + _ROW * row + _BOX / 2


def _arrow(way: list[_Point], row: int) -> str:
    return f'<path class="line" marker-end="url(#tip)" d="{" ".join(_curves(way, row))}"/>'


def _curves(way: list[_Point], row: int) -> Iterator[str]:
    yield f"M{way[0].x:.0f} {_y(row) + _BOX / 2:.0f}"
    for number, (upper, lower) in enumerate(itertools.pairwise(way), row):
        # Boxes are left at the bottom and entered at the top; in a row between, the arrow goes straight down.
        start, end = _y(number) + _BOX / 2, _y(number + 1) - _BOX / 2
        half = (start + end) / 2
        if number > row:
            yield f"V{start:.0f}"
        yield f"C{upper.x:.0f} {half:.0f} {lower.x:.0f} {half:.0f} {lower.x:.0f} {end:.0f}"


def _node(point: _Point, row: int, outside: frozenset[str]) -> str:
    look = "outside" if point.name in outside else "box"
    left, top = point.x - point.width / 2, _y(row) - _BOX / 2
    return (
        f'<rect class="{look}" x="{left:.1f}" y="{top:.0f}" width="{point.width:.1f}" height="{_BOX}" rx="5"/>'
        f'<text x="{point.x:.1f}" y="{_y(row) + 4:.0f}" text-anchor="middle">{escape(point.name)}</text>'
    )
