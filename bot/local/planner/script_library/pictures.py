"""Plots of figures."""

from __future__ import annotations

import statistics
from typing import Any

from bot.local.planner.script_library.answers import print_lines, tell_notes
from bot.local.planner.script_library.cells import shown
from bot.local.planner.script_library.groups import Figures, amounts, measure, numbers_of, value_column
from bot.local.planner.script_library.table import Table, find_column


def draw(figures: Figures, order: list[str], picture: str, kind: str = "") -> None:
    """Draw grouped figures into a picture: kind is line, bars, barh (lying bars), area or pie, or "" for what fits."""
    series, by = figures.series, figures.by
    kind = kind or ("line" if figures.period not in {"", "weekday"} and len(order) > 1 else "bars")
    axes = new_axes(figures.title)
    if kind == "pie" and (len(series) > 1 or min(min(groups.values()) for groups in series.values()) < 0):
        print("Note: these figures are not the parts of one whole, so the picture shows bars.")
        kind = "bars"
    if kind != "line" and len(order) > 60:
        print("Note: the picture shows the first 60 groups.")
        order = order[:60]
    places, width = range(len(order)), 0.8 / len(series)
    for n, (name, groups) in enumerate(series.items()):
        heights = [groups.get(group, float("nan")) for group in order]
        beside = [place + width * (n - (len(series) - 1) / 2) for place in places]
        match kind:
            case "pie":
                axes.pie(heights, labels=[safe(g) for g in order], autopct="%.1f %%", startangle=90)
            case "barh":
                axes.barh(beside, heights, width, label=safe(name))
            case "bars":
                axes.bar(beside, heights, width, label=safe(name))
            case "area":
                axes.fill_between(places, heights, alpha=0.4, label=safe(name))
            case _:
                axes.plot(places, heights, marker="o" if len(order) <= 60 else "", label=safe(name))
    if kind != "pie":
        every = len(order) // 24 + 1  # names must not cover each other
        names = [safe(group) for group in order][::every]
        along = axes.yaxis if kind == "barh" else axes.xaxis
        along.set_ticks(list(places)[::every], names, rotation=45 if kind != "barh" and len("".join(names)) > 60 else 0)
        axes.set(xlabel=safe(by), ylabel=safe(" and ".join(series))[:60])
        axes.grid(alpha=0.3)
        if kind == "barh":
            axes.set(xlabel=safe(" and ".join(series))[:60], ylabel=safe(by))
            axes.invert_yaxis()
    if len(series) > 1:
        axes.legend()
    save(axes, picture)


def new_axes(title: str) -> Any:
    """Return an empty picture."""
    import matplotlib

    matplotlib.use("Agg")  # draws into a file; there is no screen here
    from matplotlib import pyplot

    axes = pyplot.subplots(figsize=(9, 5), layout="constrained")[1]
    axes.set_title(safe(title))
    return axes


def safe(text: str) -> str:
    """Return a label that is drawn as it reads: a pair of dollar signs would be taken for a formula."""
    return (text if len(text) <= 80 else text[:79] + "…").replace("$", r"\$")


def save(axes: Any, picture: str) -> None:
    """Write the picture."""
    axes.figure.savefig(picture, dpi=120)
    print(f"\nPicture: {picture}")


def draw_histogram(table: Table, picture: str, value: str = "") -> None:
    """Draw how often values occur, and print their usual figures and the steps: from, to, number of values."""
    column = value_column(table, value)
    found = numbers_of(table, column)
    figures = ", ".join(f"{how} {shown(measure(found, how))}" for how in ("min", "mean", "median", "max"))
    print(f"{column} in {len(found)} rows of {table.file}: {figures}.")
    tell_notes(table)
    axes = new_axes(f"Distribution of {column}")
    counts, edges, _ = axes.hist(found, bins=min(30, max(5, round(len(found) ** 0.5))), edgecolor="white")
    axes.set(xlabel=safe(column), ylabel="rows")
    save(axes, picture)
    steps = [[f"{a:.6g}", f"{b:.6g}", str(int(c))] for a, b, c in zip(edges, edges[1:], counts, strict=False)]
    print_lines([["from", "to", "rows"], *steps])


def draw_points(table: Table, picture: str, value: str, by: str) -> None:
    """Draw one column of numbers against another, and print their correlation."""
    x, y = find_column(table, by), find_column(table, value)
    across, up = table.cells(x, y)
    both = zip(amounts(table, x, across), amounts(table, y, up), strict=True)
    pairs = [(a, b) for a, b in both if a is not None and b is not None]
    print(f"{y} against {x}: {len(pairs)} rows of {table.file} have both.")
    if len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1:
        print(f"Their correlation (Pearson) is {statistics.correlation(*zip(*pairs, strict=True)):.3f}.")
    tell_notes(table)
    axes = new_axes(f"{y} against {x}")
    axes.scatter([a for a, _ in pairs], [b for _, b in pairs], s=12, alpha=0.6)
    axes.set(xlabel=safe(x), ylabel=safe(y))
    save(axes, picture)
