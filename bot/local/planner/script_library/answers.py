"""What scripts print: first a few lines that answer, then, after an empty line, the figures as a table."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bot.local.planner.script_library.cells import dates, is_empty, numbers, shown
from bot.local.planner.script_library.groups import (
    Figures,
    amounts,
    counted,
    in_order,
    measure,
    numbers_of,
    usual_value,
    value_column,
    without_gaps,
)
from bot.local.planner.script_library.table import Table, find_columns


def tell(table: Table, figures: Figures) -> list[str]:
    """Print grouped figures: totals, highest, lowest, what to know, and all figures; return the groups in their order."""
    series, how = figures.series, figures.how
    if how in {"sum", "count"}:
        without_gaps(table, series, figures.period)
    order = in_order(series, figures.period)
    print(f"{figures.title}, from {table.file}.")
    for name, groups in itertools.islice(series.items(), 6):
        high, low = max(groups, key=groups.__getitem__), min(groups, key=groups.__getitem__)
        total = f"total {shown(measure([*groups.values()], 'sum'))}, " if how in {"sum", "count"} else ""
        print(f"{name}: {total}highest {shown(groups[high])} ({high}), lowest {shown(groups[low])} ({low}).")
    tell_notes(table)
    lines = [[group, *(shown(g[group]) if group in g else "" for g in series.values())] for group in order]
    print_lines([["", *series], *lines])
    return order


def tell_top(table: Table, figures: Figures, count: int, *, smallest: bool = False) -> None:
    """Print the groups with the highest or the `smallest` figures."""
    [groups] = figures.series.values()
    order = sorted(groups, key=groups.__getitem__, reverse=not smallest)[:count]
    best = ", ".join(f"{group} ({shown(groups[group])})" for group in order[:3])
    print(f"{'Lowest' if smallest else 'Highest'} {figures.title[0].lower()}{figures.title[1:]}: {best}.")
    print(f"{len(order)} of {len(groups)} groups of {table.file}.")
    tell_notes(table)
    print_lines([[figures.by, figures.value], *([group, shown(groups[group])] for group in order)])


def tell_top_rows(table: Table, count: int, value: str = "", *, smallest: bool = False) -> None:
    """Print the rows with the highest or the `smallest` numbers of a column."""
    column, word = value_column(table, value), "lowest" if smallest else "highest"
    [cells] = table.cells(column)
    found = [(n, number) for n, number in enumerate(amounts(table, column, cells)) if number is not None]
    first = sorted(found, key=lambda pair: pair[1] if smallest else -pair[1])[:count]
    best = shown(first[0][1])
    print(f"The {word} {column} is {best}; these are the {len(first)} rows of {table.file} with the {word}.")
    tell_notes(table)
    rows = dict(enumerate(table.rows()))
    print_lines([table.columns, *([str(cell) for cell in rows[n]] for n, _ in first)])


def tell_whole(table: Table, how: str, value: str = "") -> None:
    """Print one figure of each column that the user means, over all rows; a column of counts is summed."""
    if how == "count":
        total, column = sum(1 for _ in table.rows()), value and counted(table, value)
        text = f"{table.file} has {total} rows."
        if column:
            figure = shown(measure(numbers_of(table, column), "sum"))
            text = f"The sum of {column} is {figure}, over {total} rows of {table.file}."
        print(text)
    else:
        word = {"mean": "mean (average)", "std": "standard deviation"}.get(how, how)
        for column in find_columns(table, value) if value else [usual_value(table)]:
            found = numbers_of(table, column)
            print(f"The {word} of {column} is {shown(measure(found, how))}, over {len(found)} rows of {table.file}.")
    tell_notes(table)


def tell_notes(table: Table) -> None:
    """Print what the reader should know about how the file was read."""
    for note in table.notes:
        print(f"Note: {note}.")


def print_lines(lines: Sequence[Sequence[str]], most: int = 60) -> None:
    """Print lines with aligned columns; when there are more than `most`, all of them go to a file."""
    print()
    short = [[" ".join(cell.split())[:40] for cell in line] for line in lines[: most + 1]]
    widths = [max(len(line[n]) for line in short) for n in range(len(short[0]))]
    for line in short:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if len(lines) > most + 1:
        Path("all_figures.tsv").write_text("\n".join("\t".join(line) for line in lines) + "\n", encoding="utf-8")
        print(f"… and {len(lines) - most - 1} more lines, all of them in all_figures.tsv")


def describe(table: Table) -> None:
    """Print what a table holds: rows, and for each column its kind, its range or usual values, and its gaps."""
    kinds, rows = table.kinds(), sum(1 for _ in table.rows())
    room = max(1_000, 4_000_000 // len(table.columns))  # so that a table of hundreds of megabytes fits
    head = list(itertools.islice(table.rows(), room))
    print(f"{table.file} is a table of {rows} rows and {len(table.columns)} columns: {', '.join(table.columns[:40])}.")
    if rows > room:
        table.notes[f"the columns are described from the first {room} rows"] = None
    tell_notes(table)
    columns = [[row[n] for row in head] for n in range(len(table.columns))]
    lines = [
        [name, kinds[name], *described(cells, kinds[name], table.separator)]
        for name, cells in zip(table.columns, columns, strict=True)
    ]
    print_lines([["column", "kind", "empty", "different", "lowest", "highest", "mean or most frequent"], *lines])
    print_lines([table.columns[:12], *([str(cell) for cell in row[:12]] for row in head[:3])])


def described(cells: Sequence[object], kind: str, separator: str) -> list[str]:
    """Return a column's empty cells, different values, lowest, highest, and mean or most frequent values."""
    filled = [cell for cell in cells if not is_empty(cell)]
    counted = Counter(str(cell).strip() for cell in filled)
    start = [str(len(cells) - len(filled)), str(len(counted))]
    if kind == "number":
        found = [number for number in numbers(filled, separator) if number is not None]
        return [*start, shown(min(found)), shown(max(found)), shown(measure(found, "mean"))]
    if kind == "date":
        days = [day for day in dates(filled, separator) if day]
        return [*start, f"{min(days):%Y-%m-%d}", f"{max(days):%Y-%m-%d}", ""]
    return [*start, "", "", ", ".join(f"{text[:12]} ({count})" for text, count in counted.most_common(2))]
