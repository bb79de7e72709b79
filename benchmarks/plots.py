"""The figures of the report, as SVG: the same bytes for the same results, readable on a dark and a light page."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import deploy
import matplotlib as mpl
import peers
import results

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

GREY = "#808890"
COLOURS = {"ours": "#2f81f7", "native": "#8b949e", "framework": "#d9822b", "sdk_call": "#a371f7"}
MORE_COLOURS = ("#2f81f7", "#d9822b", "#3fa45b", "#a371f7")

mpl.rcParams.update(
    {
        "svg.hashsalt": "imgver",
        "svg.fonttype": "path",  # no page has to have the font
        "figure.dpi": 100,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.alpha": 0.3,
        "legend.frameon": False,
        **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color"), GREY),
        "grid.color": GREY,
    }
)


def draw(found: Mapping[str, dict[str, Any]], folder: Path) -> list[Path]:
    """Draw what there are results for; answers the files."""
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Figure] = {}
    if "deploy" in found:
        figures["deploy"] = _deploy(found["deploy"])
    if "scale" in found:
        figures["scale"] = _scale(found["scale"])
        figures["capacity"] = _capacity(found["scale"])
    files = []
    for name, figure in figures.items():
        files.append(folder / f"{name}.svg")
        # Neither a date nor a release of matplotlib: they would make another file of the same results.
        figure.savefig(files[-1], transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(figure)
    return files


def _deploy(result: Mapping[str, Any]) -> Figure:
    """The median of each peer over the service's own time, with its least and its greatest."""
    names = [name for name in peers.PEERS if any(run["peer"] == name for run in result["runs"])]
    figure, both = plt.subplots(2, 1, figsize=(9, 7), sharex=True, sharey=True, layout="constrained")
    for axes, title, select in zip(both, ("cold", "warm"), (deploy.cold, deploy.warm), strict=True):
        cells = deploy.cells(dict(result))
        for position, name in enumerate(names):
            values = [select(deploy.of(dict(result), cell, name), added=True) for cell in cells]
            places = [number + (position - (len(names) - 1) / 2) * 0.2 for number in range(len(cells))]
            medians = [statistics.median(value) if value else 0.0 for value in values]
            errors = [
                [middle - min(value, default=middle) for value, middle in zip(values, medians, strict=True)],
                [max(value, default=middle) - middle for value, middle in zip(values, medians, strict=True)],
            ]
            axes.bar(places, medians, 0.18, color=COLOURS[name], label=peers.PEERS[name][0])
            axes.errorbar(places, medians, yerr=errors, fmt="none", ecolor=GREY, elinewidth=1, capsize=2)
        axes.set_title(f"{title}: request to answer, less the service's own time", fontsize=9)
        axes.set_xticks(range(len(cells)), [cell.replace("x", " x ") + " s" for cell in cells])
        axes.set_ylabel("seconds added (below 0: did not wait)")
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.grid(visible=False, axis="x")
    both[1].set_xlabel("versions x service's time")
    both[0].set_yscale("symlog", linthresh=1)
    both[0].set_yticks([-20, -10, -5, -2, -1, 0, 1, 2, 5, 10])
    both[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return figure


def _scale(result: Mapping[str, Any]) -> Figure:
    """How long so many versions take, by where they are; hollow where some fail."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    layouts = result["layouts"]
    places = list(dict.fromkeys((one["accounts"], one["regions"]) for one in layouts))
    for (accounts, regions), colour in zip(places, MORE_COLOURS, strict=False):
        these = [one for one in layouts if (one["accounts"], one["regions"]) == (accounts, regions)]
        sizes = [one["versions"] for one in these]
        times = [statistics.median(one["times"]) for one in these]
        label = f"{results.counted(accounts, 'account')} x {results.counted(regions, 'region')}"
        axes.plot(sizes, times, color=colour, label=label)
        for size, seconds, one in zip(sizes, times, these, strict=True):
            fails = bool(one["failed"] + one["dropped"])
            axes.plot(size, seconds, "o", color=colour, markerfacecolor="none" if fails else colour)
    _logarithmic(axes, "versions", "seconds until the last answer (hollow: some fail)")
    axes.set_xticks(sorted({one["versions"] for one in layouts}))
    axes.set_yticks([10, 30, 100, 300, 900])
    axes.legend()
    return figure


def _capacity(result: Mapping[str, Any]) -> Figure:
    """What a region takes at once, by the service's rate; and what executions do to a stack."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    capacity = result["capacity"]
    left.plot([one["rate"] for one in capacity], [one["versions"] for one in capacity], "o-", color=COLOURS["ours"])
    _logarithmic(left, "requests a second that the service takes", "versions at once without a failure")
    left.set_xticks([one["rate"] for one in capacity])
    left.set_yticks([one["versions"] for one in capacity])
    limited = [one for one in result["executions"] if one["executions"] is not None]
    counts = [one["executions"] for one in limited]
    right.plot(
        counts, [statistics.median(one["times"]) for one in limited], "o-", color=COLOURS["ours"], label="seconds"
    )
    right.plot(counts, [one["gb_seconds"] for one in limited], "o-", color=COLOURS["framework"], label="GB-seconds")
    lost = [one for one in limited if one["failed"] + one["dropped"]]
    right.plot(
        [one["executions"] for one in lost],
        [one["failed"] + one["dropped"] for one in lost],
        "x",
        color="#e5534b",
        label="versions that fail",
    )
    _logarithmic(right, "executions that Lambda has for a stack of 400 versions", "")
    right.set_xticks(counts)
    right.legend()
    return figure


def _logarithmic(axes: Axes, x: str, y: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(FuncFormatter(lambda _value, _: ""))
