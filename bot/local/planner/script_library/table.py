"""A table: columns by name, cells as the file has them."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator

from bot.local.planner.script_library.cells import dates, is_empty, numbers


class Question(Exception):
    """The work cannot go on without a word from the user; the text asks for it."""


class Table:
    """A table: its columns, and its rows, which are read anew from the file each time they are asked for."""

    def __init__(self, file: str, read: Callable[[], Iterator[list[object]]], separator: str = ",") -> None:
        self.file, self.read, self.separator = file, read, separator
        self.notes: dict[str, None] = {}  # what the reader should know about how the file was read, in order
        head = list(itertools.islice(read(), 500))
        filled = [row for row in head if not all(map(is_empty, row))]
        if not filled:
            raise Question(f"{file} is empty: it holds no table. Which file do you mean?")
        # Exports like to put a title above the table: it begins at the first row that is as wide as most rows are.
        width = Counter(map(len, filled)).most_common(1)[0][0]
        first = next(row for row in filled if len(row) >= width)
        nameless = all(numbers([cell])[0] is not None or dates([cell])[0] for cell in first)
        if nameless:
            self.notes["the first row looks like data, so I number the columns"] = None
        self.skip = head.index(first) + (not nameless)
        self.columns: list[str] = []
        for n, cell in enumerate(first, 1):
            name = "" if nameless else " ".join(str(cell).split())
            self.columns.append(name if name and name not in self.columns else f"{name or 'column'} {n}")

    def rows(self) -> Iterator[list[object]]:
        """Yield the rows that hold anything, each as wide as the header; a last row of totals is left out."""
        width = len(self.columns)
        row: list[object] = []
        for following in itertools.islice(self.read(), self.skip, None):
            if not all(map(is_empty, following)):
                if row:
                    yield row
                row = [*following, *[""] * (width - len(following))][:width]
        if any(str(cell).strip(" :").lower() in {"total", "totals", "grand total", "sum"} for cell in row):
            self.notes["the last row is a total and was left out"] = None
        elif row:
            yield row

    def cells(self, *columns: str) -> list[list[object]]:
        """Return the cells of some columns, in one pass over the file."""
        places = [self.columns.index(name) for name in columns]
        kept: list[list[object]] = [[] for _ in columns]
        same: dict[object, object] = {}  # equal texts are kept once, or a big file would not fit
        for row in self.rows():
            for place, cells in zip(places, kept, strict=True):
                cells.append(same.setdefault(row[place], row[place]))
        return kept

    def kinds(self) -> dict[str, str]:
        """Return each column's kind, as its first rows show it: number, date, text or empty."""
        rows = list(itertools.islice(self.rows(), 1_000))
        return {name: kind_of([row[n] for row in rows], self.separator) for n, name in enumerate(self.columns)}


def kind_of(cells: list[object], separator: str) -> str:
    """Return what nearly all cells are: number, date, text, or empty."""
    filled = [cell for cell in cells if not is_empty(cell)]
    if not filled:
        return "empty"
    if sum(day is not None for day in dates(filled, separator)) > 0.8 * len(filled):
        return "date"
    return "number" if sum(n is not None for n in numbers(filled, separator)) > 0.8 * len(filled) else "text"


def find_column(table: Table, words: str) -> str:
    """Return the column that the user's words mean, or ask which one."""
    found = match_columns(table.columns, words)
    if len(found) == 1:
        return found[0]
    if found:
        raise Question(f"Which column of {table.file} do you mean by “{words}”: {', '.join(found)}?")
    listed = ", ".join(table.columns[:30])
    raise Question(f"I find no column “{words}” in {table.file}. Which of its columns do you mean: {listed}?")


def find_columns(table: Table, words: str) -> list[str]:
    """Return the columns that the user's words mean: one, or several divided by "and"."""
    if len(match_columns(table.columns, words)) == 1 and plain(words) in map(plain, table.columns):
        return [find_column(table, words)]
    return [find_column(table, part) for part in re.split(r"\s*(?:,|&|\band\b)\s*", words) if part]


def match_columns(columns: list[str], words: str) -> list[str]:
    """Return the columns whose names fit best: the same name, then more or fewer words, then a letter off."""
    wanted = set(plain(words).split())
    names = {column: plain(column) for column in columns}
    for fits in (
        lambda c: c.lower() == words.strip().lower(),
        lambda c: names[c] == plain(words),
        lambda c: wanted and wanted <= set(names[c].split()),
        lambda c: names[c] and set(names[c].split()) <= wanted,
        lambda c: len(plain(words)) > 3 and plain(words).replace(" ", "") in names[c].replace(" ", ""),
    ):
        if found := [column for column in columns if fits(column)]:
            return found
    near = difflib.get_close_matches(plain(words), names.values(), n=1, cutoff=0.75)
    return [column for column in columns if names[column] in near]


def plain(name: str) -> str:
    """Return a name without case, signs and plural, to compare names by."""
    words = re.sub(r"[\W_]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name)).lower().split()
    return " ".join(word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word for word in words)
