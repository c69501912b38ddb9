"""What scripts print: first a few lines that answer, then, after an empty line, the figures as a table."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bot.local.planner.script_library.cells import dates, is_empty, numbers, shown
from bot.local.planner.script_library.groups import measure
from bot.local.planner.script_library.table import Table


def tell(table: Table, title: str, series: dict[str, dict[str, float]], order: list[str], how: str) -> None:
    """Print grouped figures: totals, highest, lowest, what to know, and all figures."""
    print(f"{title}, from {table.file}.")
    for name, groups in itertools.islice(series.items(), 6):
        high, low = max(groups, key=groups.__getitem__), min(groups, key=groups.__getitem__)
        total = f"total {shown(measure([*groups.values()], 'sum'))}, " if how in {"sum", "count"} else ""
        print(f"{name}: {total}highest {shown(groups[high])} ({high}), lowest {shown(groups[low])} ({low}).")
    tell_notes(table)
    lines = [[group, *(shown(g[group]) if group in g else "" for g in series.values())] for group in order]
    print_lines([["", *series], *lines])


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
