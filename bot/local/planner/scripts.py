"""Writes the script that fulfils a wish."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from bot.local.planner.compose import script
from bot.local.planner.wish import Wish

OPENERS = {
    ".xlsx": "sheet_table", ".xlsm": "sheet_table", ".parquet": "parquet_table", ".json": "json_table",
    ".jsonl": "json_table", ".ndjson": "json_table",
}  # fmt: skip
TABLES = (".csv", ".tsv", ".tab", *OPENERS)
PICTURES = {"plot", "points", "histogram"}


class Script(NamedTuple):
    """A script to write and run: its name, its text, and the picture it makes ("" for none)."""

    name: str
    text: str
    picture: str


def script_for(wish: Wish, taken: frozenset[str] = frozenset()) -> Script:
    """Return the script; its name and its picture's name are none of those `taken` by the user's files."""
    title = _title(wish)
    name = _free(f"{_slug(title)}.py", taken)
    picture = _free(f"{name.removesuffix('.py').removeprefix('plot_')}.png", taken) if wish.verb in PICTURES else ""
    settings: dict[str, object] = {"FILE": wish.file}
    given = {"VALUE": wish.value, "BY": wish.by, "SPLIT": wish.split, "WHERE": list(wish.where)}
    settings |= {key: setting for key, setting in given.items() if setting}
    if wish.verb == "top":
        settings["COUNT"] = wish.count
    if wish.verb == "long":
        settings = {"SECONDS": wish.count}
    if picture:
        settings["PICTURE"] = picture
    about = f"{title}\n\nWritten by the planner (a small program, no language model) for: {' '.join(wish.words.split())[:200]}"
    return Script(name, script(about, settings, _main(wish)), picture)


def opener(file: str) -> str:
    """Return the name of the function that opens a table of this kind."""
    return OPENERS.get(PurePosixPath(file).suffix.lower(), "text_table")


def _main(wish: Wish) -> list[str]:
    match wish.verb:
        case "long":
            return ["count_slowly(SECONDS)"]
        case "describe" if not wish.file.lower().endswith(TABLES):
            return ["look(FILE)"]
    lines = [f"table = {opener(wish.file)}(FILE)", *(["only(table, WHERE)"] if wish.where else [])]
    match wish.verb:
        case "describe":
            return [*lines, "describe(table)"]
        case "histogram":
            return lines + _histogram(wish)
        case "points":
            return lines + _points()
        case "top" if not wish.by:
            return lines + _top_rows(wish)
        case "top":
            return lines + _series(wish) + _top(wish)
        case "measure" if not wish.by:
            return lines + _whole(wish)
    lines += _series(wish)
    if wish.how in {"", "sum", "count"}:
        lines.append(
            "without_gaps(table, series, period)"
            if wish.how
            else 'if how == "sum":\n    without_gaps(table, series, period)'
        )
    lines += ["order = in_order(series, period)", "tell(table, title, series, order, how)"]
    if wish.verb == "plot":
        kind = (
            repr(wish.kind) if wish.kind else '"line" if period not in {"", "weekday"} and len(order) > 1 else "bars"'
        )
        lines.append(f"kind = {kind}")
        lines.append("draw(title, series, order, kind, by, PICTURE)")
    return lines


def _series(wish: Wish) -> list[str]:
    """Return lines of code that define `series`, `by`, `period`, `how` and `title`."""
    lines = ["by, period = grouping(table, BY)" if wish.by else "by, period = grouping(table, usual_group(table))"]
    several = bool(re.search(r",|&|\band\b", wish.value)) and not wish.split
    value = "find_column(table, VALUE)" if wish.value else "usual_value(table)"
    how = repr(wish.how) if wish.how else "usual_measure(value)"
    if wish.split:
        lines.append("split, _ = grouping(table, SPLIT)")
    others = ", split" if wish.split else ""
    names = "names, kinds" if wish.split else "names"
    series = (
        'split_up(labels(table, names, period), labels(table, kinds, ""), {0}, how)'
        if wish.split
        else "{{value: grouped(labels(table, names, period), {0}, how)}}"
    )
    if wish.how == "count":
        unpacked = f"{names} = table.cells(by{others})" if wish.split else "[names] = table.cells(by)"
        rows = series.format("[1.0] * len(names)")
        if not wish.value:
            return [*lines, 'value, how = "rows", "count"', unpacked, f"series = {rows}", *_titled("Number of {value}")]
        lines += [
            "value = counted(table, VALUE)  # a column of counts, to be summed, if there is one of that name",
            'how = "sum" if value else "count"',
            f"{names}, *cells = table.cells(by{others}, *filter(None, [value]))",
            "counts = amounts(table, value, cells[0]) if value else [1.0] * len(names)",
            'value = value or "rows"',
            f"series = {series.format('counts')}",
        ]
        return lines + _titled("Number of {value}")
    if several:
        return [
            *lines,
            "values = find_columns(table, VALUE)",
            "names, *cells = table.cells(by, *values)",
            f"how = {how.replace('(value)', '(values[0])')}",
            "groups = labels(table, names, period)",
            "series = {v: grouped(groups, amounts(table, v, c), how) for v, c in zip(values, cells, strict=True)}",
            'value = " and ".join(values)',
            *_titled("{how.capitalize()} of {value}"),
        ]
    return [
        *lines,
        f"value = {value}",
        f"{names}, cells = table.cells(by{others}, value)",
        f"how = {how}",
        f"series = {series.format('amounts(table, value, cells)')}",
        *_titled("{how.capitalize()} of {value}"),
    ]


def _titled(what: str) -> list[str]:
    return [f"title = f\"{what} by {{period if period not in {{'', 'time'}} else by}}\""]


def _top(wish: Wish) -> list[str]:
    word = "Lowest" if wish.smallest else "Highest"
    return [
        "[groups] = series.values()",
        f"order = sorted(groups, key=groups.__getitem__{'' if wish.smallest else ', reverse=True'})[:COUNT]",
        f'print(f"{word} {{title[0].lower() + title[1:]}}: " + ", ".join(f"{{g}} ({{shown(groups[g])}})" for g in order[:3]) + ".")',
        'print(f"{len(order)} of {len(groups)} groups of {FILE}.")',
        "tell_notes(table)",
        "print_lines([[by, value], *([group, shown(groups[group])] for group in order)])",
    ]


def _top_rows(wish: Wish) -> list[str]:
    word = "lowest" if wish.smallest else "highest"
    return [
        f"value = {'find_column(table, VALUE)' if wish.value else 'usual_value(table)'}",
        "[cells] = table.cells(value)",
        "found = [(n, number) for n, number in enumerate(amounts(table, value, cells)) if number is not None]",
        f"first = sorted(found, key=lambda pair: {'' if wish.smallest else '-'}pair[1])[:COUNT]",
        f'print(f"The {word} {{value}} is {{shown(first[0][1])}}; these are the {{len(first)}} rows of {{FILE}} with the {word}.")',
        "tell_notes(table)",
        "rows = dict(enumerate(table.rows()))",
        "print_lines([table.columns, *([str(cell) for cell in rows[n]] for n, _ in first)])",
    ]


def _whole(wish: Wish) -> list[str]:
    how = {"mean": "mean (average)", "std": "standard deviation", "count": "number"}.get(wish.how, wish.how)
    if wish.how == "count" and not wish.value:
        return ['print(f"{FILE} has {sum(1 for _ in table.rows())} rows.")', "tell_notes(table)"]
    if wish.how == "count":
        return [
            "value = counted(table, VALUE)  # a column of counts, to be summed, if there is one of that name",
            "total = sum(1 for _ in table.rows())",
            'text = f"{FILE} has {total} rows."',
            "if value:",
            "    [cells] = table.cells(value)",
            "    found = [number for number in amounts(table, value, cells) if number is not None]",
            "    text = f\"The sum of {value} is {shown(measure(found, 'sum'))}, over {total} rows of {FILE}.\"",
            "print(text)",
            "tell_notes(table)",
        ]
    return [
        f"for value in {'find_columns(table, VALUE)' if wish.value else '[usual_value(table)]'}:",
        "    [cells] = table.cells(value)",
        "    found = [number for number in amounts(table, value, cells) if number is not None]",
        f'    print(f"The {how or "sum"} of {{value}} is {{shown(measure(found, {wish.how or "sum"!r}))}}, over {{len(found)}} rows of {{FILE}}.")',
        "tell_notes(table)",
    ]


def _histogram(wish: Wish) -> list[str]:
    return [
        f"value = {'find_column(table, VALUE)' if wish.value else 'usual_value(table)'}",
        "[cells] = table.cells(value)",
        "found = [number for number in amounts(table, value, cells) if number is not None]",
        'figures = [f"{how} {shown(measure(found, how))}" for how in ("min", "mean", "median", "max")]',
        "print(f\"{value} in {len(found)} rows of {FILE}: {', '.join(figures)}.\")",
        "tell_notes(table)",
        "steps = draw_histogram(value, found, PICTURE)",
        'print_lines([["from", "to", "rows"], *steps])',
    ]


def _points() -> list[str]:
    return [
        "x, y = find_column(table, BY), find_column(table, VALUE)",
        "across, up = table.cells(x, y)",
        "both = zip(amounts(table, x, across), amounts(table, y, up), strict=True)",
        "pairs = [(a, b) for a, b in both if a is not None and b is not None]",
        'print(f"{y} against {x}: {len(pairs)} rows of {FILE} have both.")',
        "if len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1:",
        '    print(f"Their correlation (Pearson) is {statistics.correlation(*zip(*pairs)):.3f}.")',
        "tell_notes(table)",
        "draw_points(x, y, pairs, PICTURE)",
    ]


def _title(wish: Wish) -> str:
    by = f" by {wish.by}" if wish.by else ""
    split = f" and {wish.split}" if wish.split else ""
    what = wish.value or ("rows" if wish.how == "count" else PurePosixPath(wish.file).stem)
    how = f"{wish.how} of " if wish.how and wish.verb != "top" else ""
    kind = f" as {wish.kind}" if wish.kind else ""
    match wish.verb:
        case "describe":
            return f"Describe {wish.file}"
        case "histogram":
            return f"Plot histogram of {what}"
        case "points":
            return f"Plot {what} against {wish.by}"
        case "top":
            return f"{'Lowest' if wish.smallest else 'Top'} {wish.count} {wish.by or 'rows'} by {what}"
        case "long":
            return "Count slowly"
        case "measure":
            return f"{(how or 'sum of ').capitalize()}{what}{by}{split}"
    return f"Plot {how}{what}{by}{split}{kind}"


def _slug(title: str) -> str:
    return re.sub(r"[^\w]+", "_", title.lower()).strip("_")[:60] or "script"


def _free(name: str, taken: frozenset[str]) -> str:
    stem, dot, suffix = name.rpartition(".")
    return (
        name
        if name not in taken
        else next(n for i in range(2, 1_000) if (n := f"{stem}_{i}{dot}{suffix}") not in taken)
    )
