"""Draws charts as PNG, where matplotlib is installed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from .index import Index
from .line_format import BAD
from .times import zone_name


class NoCharts(Exception):
    """matplotlib is not here; the text is for the user."""


def over_time(index: Index, path: str, marks: Sequence[int] = (), hits: Counter[int] | None = None, title: str = "") -> None:
    """Draw the lines of each minute with errors apart, or the hits of a search; `marks` are minutes to mark. Raises NoCharts."""
    if not index.minutes or not index.stamp:
        raise NoCharts("There are no times in the log, so there is no chart of it.")
    figure, axes = _canvas()
    first, last = index.minutes[0], index.minutes[-1]
    step = max(1, (last - first + 1) // 240)
    grid = range(first, last + 1, step)

    def binned(series: Counter[int]) -> list[int]:
        bins: Counter[int] = Counter()
        for minute, count in series.items():
            bins[(minute - first) // step] += count
        return [bins[n] for n in range(len(grid))]

    def on_its_clock(minute: int) -> datetime:
        return datetime.fromtimestamp((minute + (index.zone or 0)) * 60, UTC).replace(tzinfo=None)

    times = [*map(on_its_clock, grid)]
    width = timedelta(minutes=step)
    if hits is not None:
        axes.bar(times, binned(hits), width=width, align="edge", color="#c0392b")
    else:
        bad = [n for n, kind in enumerate(index.kinds) if kind.level in BAD]
        every, errors = binned(index.series()), binned(index.series(*bad)) if bad else [0] * len(grid)
        axes.fill_between(times, every, step="post", color="#c9d6e8", label="lines")
        if any(errors):
            scale = axes.twinx()
            scale.bar(times, errors, width=width, align="edge", color="#c0392b", label="errors")
            scale.set_ylim(bottom=0)
            scale.set_ylabel("errors", color="#c0392b")
        axes.set_ylim(bottom=0)
    for mark in marks:
        axes.axvline(on_its_clock(mark), color="#222", ls="--", lw=1)
    axes.set_title(title or index.name, fontsize=10)
    axes.set_ylabel(f"lines per {step} min" if step > 1 else "lines per minute")
    axes.set_xlabel(f"time ({zone_name(index.zone)})")
    figure.autofmt_xdate()
    figure.savefig(path, dpi=100)


def bars(labels: Sequence[str], groups: Mapping[str, Sequence[float]], path: str, title: str) -> None:
    """Draw horizontal bars, one group beside another, the first label on top. Raises NoCharts."""
    figure, axes = _canvas()
    height = 0.8 / len(groups)
    for n, (name, lengths) in enumerate(groups.items()):
        axes.barh([at + n * height for at in range(len(labels))], lengths, height=height, label=name)
    axes.set_yticks([at + 0.4 - height / 2 for at in range(len(labels))], [label[:60] for label in labels], fontsize=7)
    axes.invert_yaxis()
    axes.set_title(title.replace(" against ", "\nagainst "), fontsize=10)
    if len(groups) > 1:
        axes.legend()
    figure.savefig(path, dpi=100)


def _canvas() -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NoCharts("There is no chart: matplotlib is not here yet.") from error
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    return figure, figure.subplots()
