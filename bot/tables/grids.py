"""The cells of a table as text, in rows under a header, from a file as people make them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from .cells import is_missing, moment, number
from .sources import HEAD, TEXT, Source, TableError, encoding_of, ending

TAB: Final = "\t"
SEPARATORS: Final = {",": ",", ";": ";", "\t": "tab", "|": "|"}
LOOKED_AT: Final = 200  # rows from which the header is found
TOTAL = re.compile(
    r"(?:grand |sub|sub-)?totals?|gesamt(?:summe)?|summe|insgesamt|total général|totale|suma|sum|all|overall", re.I
)
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(slots=True)
class Grid:
    """A table as text: its header, its rows, each as long as the header, and what was decided in reading it."""

    names: list[str]
    rows: list[list[str]]
    form: str
    notes: list[str] = field(default_factory=list)
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    sure: bool = False  # whether the file itself says what a number is, or leaves no doubt of its decimal mark
    comma: bool = False  # whether decimal commas are likelier than points


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a text's table stands: its encoding, its separator (None: two blanks or more), the rows above its header, its names."""

    encoding: str
    separator: str | None
    skipped: int
    header: bool
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_text(source: Source) -> Grid:
    """Return the rows of a text with separators."""
    text = decoded(source)
    lay = layout(source, text[:HEAD])
    rows = list(cells_of(text, lay.separator))[lay.skipped :]
    return finished(rows[1:] if lay.header else rows, lay, source)


def decoded(source: Source) -> str:
    """Return the text of a file; raises TableError when it is none."""
    raw = source.read()
    if len(_CONTROL.findall(raw[:HEAD])) > len(raw[:HEAD]) // 100 and encoding_of(raw[:HEAD]) in {"utf-8", "cp1252"}:
        raise TableError(f"“{source.name}” holds bytes that are no text.")
    return raw.decode(encoding_of(raw[:HEAD]), errors="replace").removeprefix("\ufeff")


def decoded_head(source: Source) -> str:
    """Return the beginning of a text, up to 2 MB."""
    raw = source.read(2_000_000)
    return raw.decode(encoding_of(raw[:HEAD]), errors="replace").removeprefix("\ufeff")


def cells_of(text: str, separator: str | None) -> Iterable[list[str]]:
    """Yield the rows of a text; a blank line is an empty list."""
    csv.field_size_limit(1 << 30)
    lines = io.StringIO(text.replace("\x00", ""), newline=None)
    if separator is None:
        return ([cell.strip("'\"") for cell in re.split(r"\s{2,}|\t", line.strip()) if cell] for line in lines)
    blanks = separator != "\t" and text.count(f"{separator} ") * 2 > text.count(separator)
    return ([c.strip() for c in row] for row in csv.reader(lines, delimiter=separator, skipinitialspace=blanks))


def layout(source: Source, head: str) -> Layout:
    """Return where the table stands in a text, judged from its beginning."""
    whole = head if len(head) < HEAD else head[: head.rfind("\n") + 1] or head
    best, scored = None, (0.0, 0)
    for separator in (*SEPARATORS, None):
        rows = [row for row in islice(cells_of(whole, separator), LOOKED_AT) if any(row)]
        widths = Counter(len(row) for row in rows if len(row) > 1)
        if widths:
            width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
            score = (round(count / len(rows) * (1 if separator else 0.5), 2), width)
            best, scored = (separator, score) if score > scored else (best, scored)
    if scored[0] < 0.3:
        best = ","  # one column
    if ending(source.name) not in TEXT and (scored[0] < 0.9 or best is None):
        raise TableError(f"“{source.name}” holds no table.")  # it does not call itself one
    rows = list(islice(cells_of(whole, best), LOOKED_AT))
    if not any(map(any, rows)):
        raise TableError(f"“{source.name}” holds no table.")
    encoding = encoding_of(source.read(HEAD))
    skipped, header, names, notes = headed(rows)
    return Layout(encoding, best, skipped, header, names, notes)


def headed(rows: Sequence[Sequence[str]]) -> tuple[int, bool, tuple[str, ...], tuple[str, ...]]:
    """Return how many rows stand above the header, whether there is one, the names of the columns, and notes on them."""
    filled = [sum(map(bool, row)) for row in rows]
    width = Counter(n for n in filled if n).most_common(1)[0][0] if any(filled) else 0
    width = max(width, Counter(len(row) for row in rows if any(row)).most_common(1)[0][0]) if width > 1 else width
    start = next((i for i, n in enumerate(filled) if n and n * 2 > width), 0)
    first, body = rows[start], [row for row in rows[start + 1 :] if any(row)]
    columns = [[row[i] for row in body if i < len(row) and not is_missing(row[i])] for i in range(len(first))]
    pairs = [(cell, below) for cell, below in zip(first, columns, strict=True) if below]
    numeric = [cell for cell, below in pairs if sum(map(_figure, below)) * 2 > len(below)]
    header = not (numeric and all(map(_figure, numeric))) or _years(numeric)
    width = max(len(first), max((len(row) for row in body), default=0) if not header else 0)
    names = [name.replace("\n", " ").strip().strip("'") for name in first] if header else []
    names += [""] * (width - len(names))
    notes = []
    if not header:
        notes.append("there is no header; the columns are named by their place")
    elif start:
        notes.append(f"the header is in line {start + 1}; what stands above it was left out")
    counted: Counter[str] = Counter()
    distinct = []
    for place, name in enumerate(names, 1):
        name = name or f"column {place}"
        counted[name] += 1
        distinct.append(name if counted[name] == 1 else f"{name} ({counted[name]})")
    if twice := [name for name, n in counted.items() if n > 1]:
        notes.append(
            f"{', '.join(f'“{name}”' for name in twice[:5])} names more than one column; the later ones are numbered"
        )
    return start, header, tuple(distinct), tuple(notes)


def finished(rows: Sequence[Sequence[str]], lay: Layout, source: Source) -> Grid:
    """Return the grid of a text's rows below its header."""
    return framed(
        Grid(
            list(lay.names),
            [],
            form_of(lay, source),
            list(lay.notes),
            sure=lay.separator == ",",
            comma=lay.separator == ";",
        ),
        rows,
    )


def form_of(lay: Layout, source: Source) -> str:
    """Return how a text is written, as a person says it."""
    form = f"{'CSV' if lay.separator != TAB else 'TSV'}, separated by {SEPARATORS.get(lay.separator or '', 'blanks')}"
    encoding = {"cp1252": ", Windows-1252", "utf-8": "", "utf-8-sig": ""}.get(lay.encoding, f", {lay.encoding.upper()}")
    return f"{form}{encoding}{f', {source.packed}' if source.packed else ''}"


def framed(grid: Grid, rows: Iterable[Sequence[str]]) -> Grid:
    """Put rows under a grid's header: without blank ones, footnotes and a total, and say what did not fit."""
    width, longer, shorter = len(grid.names), 0, 0
    kept = [list(row) for row in rows if any(row)]
    while len(kept) > 1 and width > 2 and sum(map(bool, kept[-1])) == 1 and not _figure(max(kept[-1])):
        grid.notes.append(f"the last line, “{max(kept.pop())[:60]}”, was left out")
    if (
        len(kept) > 2
        and width > 1
        and (label := next((c for c in kept[-1] if c), ""))
        and TOTAL.fullmatch(label.rstrip(":"))
    ):
        grid.notes.append(f"the last row, “{label}”, was left out")
        kept.pop()
    for row in kept:
        longer += any(row[width:])
        shorter += len(row) < width
        row[width:] = []
        row += [""] * (width - len(row))
    if longer:
        grid.notes.append(f"{longer:,} rows have more cells than the header; what is beyond it was left out")
    if shorter:
        grid.notes.append(f"{shorter:,} rows have fewer cells than the header")
    grid.rows = kept
    return grid


def _figure(cell: str) -> bool:
    return number(cell) is not None or number(cell, ",") is not None or moment(cell, "ymd", clock=True) is not None


def _years(cells: Sequence[str]) -> bool:
    """Whether cells are rising years, as the headers of a wide table are."""
    years = [int(cell) for cell in cells if re.fullmatch(r"1[5-9]\d\d|20\d\d|2100", cell)]
    return len(years) == len(cells) > 1 and years == sorted(set(years))
