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
TOTAL = re.compile(r"(?:grand |sub|sub-)?totals?|gesamt(?:summe)?|summe|insgesamt|total général|totale|suma|sum|all|overall", re.I)
TOTALLED: Final = 10_000  # rows that are added up to see whether the last one is their sum
_PROSE = re.compile(r"source|note|quelle|hinweis|anmerkung|remark|\*|†|\(?\d\)|=+$|-+$", re.I)
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
    typed: bool = False  # whether the file itself says what is a number
    separator: str | None = ""  # of a text


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a text's table stands: its encoding, its separator (None: two blanks or more), the rows above its header, its names."""

    encoding: str
    separator: str | None
    skipped: int
    header: int  # rows of it: 0, 1, or 2 with one of units
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_text(source: Source) -> Grid:
    """Return the rows of a text with separators."""
    text = decoded(source)
    lay = layout(source, text[:HEAD])
    rows = list(cells_of(text, lay.separator))[lay.skipped :]
    return finished(rows[lay.header :], lay, source)


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
        return ([cell for cell in re.split(r"\s{2,}|\t", line.strip()) if cell] for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=spaced(text, separator))
    return ([c.strip() for c in row] for row in reader)


def spaced(text: str, separator: str) -> bool:
    """Return whether a blank stands after most separators of a text."""
    return separator != TAB and text.count(f"{separator} ") * 2 > text.count(separator)


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


def headed(rows: Sequence[Sequence[str]]) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """Return how many rows stand above the header, how many it has, the names of the columns, and notes on them."""
    filled = [sum(map(bool, row)) for row in rows]
    width = Counter(n for n in filled if n).most_common(1)[0][0] if any(filled) else 0
    width = max(width, Counter(len(row) for row in rows if any(row)).most_common(1)[0][0]) if width > 1 else width
    start = next((i for i, n in enumerate(filled) if n and n * 2 > width), 0)
    first, body = list(rows[start]), [row for row in rows[start + 1 :] if any(row)]
    columns = [[row[i] for row in body if i < len(row) and not is_missing(row[i])] for i in range(len(first))]
    pairs = [(cell, below) for cell, below in zip(first, columns, strict=True) if below and not is_missing(cell)]
    numeric = [cell for cell, below in pairs if sum(map(_figure, below)) * 2 > len(below)]
    numeric = numeric or ([] if body else [cell for cell in first if _figure(cell)])
    header = not (numeric and all(map(_figure, numeric))) or _years(numeric)
    if header and len(body) > 1 and sum(len(row) == len(first) + 1 for row in body) * 10 > len(body) * 9:
        first.insert(0, "")  # R leaves out the name of the rows' names
    width = max(len(first), max((len(row) for row in body), default=0) if not header else 0)
    names = [name.replace("\n", " ").strip().strip("'") for name in first] if header else []
    names += [""] * (width - len(names))
    notes = []
    if not header:
        notes.append("there is no header; the columns are named by their place")
    if above := sum(map(any, rows[:start])):
        where = f"the header is in line {start + 1}" if header else f"the table begins in line {start + 1}"
        notes.append(f"{where}; what stands above it ({above} line{'s' * (above > 1)}) was left out")
    counted: Counter[str] = Counter()
    distinct = []
    for place, name in enumerate(names, 1):
        name = name or f"column {place}"
        counted[name] += 1
        number_ = counted[name]
        while (unique := name if number_ == 1 else f"{name} ({number_})") in distinct:
            number_ += 1
        distinct.append(unique)
    if twice := [name for name, n in counted.items() if n > 1]:
        which = ", ".join(f"“{name}”" for name in twice[:5])
        notes.append(f"more than one column is named {which}{'…' * (len(twice) > 5)}; the later ones are numbered")
    below = rows[start + 1 :]
    units = header and len(body) > 3 and below[0] == body[0] and _units(body[0], body[1:])
    if units:
        shown = ", ".join(cell for cell in body[0] if cell)
        notes.append(f"the row under the header, “{shown[:60]}”, was taken for units and left out")
    return start, int(header) + units, tuple(distinct), tuple(notes)


def finished(rows: Sequence[Sequence[str]], lay: Layout, source: Source) -> Grid:
    """Return the grid of a text's rows below its header."""
    return framed(Grid(list(lay.names), [], form_of(lay, source), list(lay.notes), separator=lay.separator), rows)


def form_of(lay: Layout, source: Source) -> str:
    """Return how a text is written, as a person says it."""
    form = f"{'CSV' if lay.separator != TAB else 'TSV'}, separated by {SEPARATORS.get(lay.separator or '', 'blanks')}"
    encoding = {"cp1252": ", Windows-1252", "utf-8": "", "utf-8-sig": ""}.get(lay.encoding, f", {lay.encoding.upper()}")
    return f"{form}{encoding}{f', {source.packed}' if source.packed else ''}"


def framed(grid: Grid, rows: Iterable[Sequence[str]]) -> Grid:
    """Put rows under a grid's header: without blank ones, footnotes and a total, and say what did not fit."""
    width, longer, shorter = len(grid.names), 0, 0
    filled = [list(row) for row in rows if row and (any(row) or width > 1)]
    kept = [row for row in filled if width == 1 or not all(map(is_missing, row))]
    if (empty := len(filled) - len(kept)) and not grid.typed:
        grid.notes.append(empty_rows(empty))
    below = len(kept)
    while below > 1 and width > 2 and _footnote(kept[below - 1], width):
        below -= 1
    if feet := [max(row) for row in kept[below:]]:
        shown = f"“{feet[0][:60]}”," if len(feet) == 1 else f"{len(feet)} from “{feet[0][:60]}” on,"
        grid.notes.append(f"the last line{'s' * (len(feet) > 1)}, {shown} {'was' if len(feet) == 1 else 'were'} left out")
        del kept[below:]
    if label := total(kept[-1], kept[:-1]) if len(kept) > 2 and width > 1 else "":
        grid.notes.append(f"the last row, {label}, was left out")
        kept.pop()
    for row in kept:
        longer += any(row[width:])
        shorter += len(row) < width
        row[width:] = []
        row += [""] * (width - len(row))
    if longer:
        grid.notes.append(longer_rows(longer))
    if shorter:
        grid.notes.append(f"{shorter:,} row{' has' if shorter == 1 else 's have'} fewer cells than the header")
    grid.rows = kept
    return grid


def empty_rows(count: int) -> str:
    """Return the note on rows that hold nothing."""
    return f"{count:,} empty row{' was' if count == 1 else 's were'} left out"


def longer_rows(count: int) -> str:
    """Return the note on rows that are longer than the header."""
    return f"{count:,} row{' has' if count == 1 else 's have'} more cells than the header; what is beyond it was left out"


def total(last: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return how to name a table's last row if it is a total: by its label, or by figures that are the sums of those above."""
    label = next((cell for cell in last if cell), "")
    if TOTAL.fullmatch(label.rstrip(":")):
        return f"“{label}”"
    sums = [place for place, cell in enumerate(last) if cell and number(cell) is not None]
    if not sums or (sums[0] == 0 or last[0]) or len(rows) > TOTALLED:
        return ""  # a row with a label of its own is one of the table
    for place in sums:
        figures = [number(row[place]) for row in rows if place < len(row) and row[place]]
        above = sum(figure for figure in figures if figure is not None)
        if None in figures or abs(above - (number(last[place]) or 0)) > 1e-6 * max(abs(above), 1):
            return ""
    return f"{' and '.join(last[place] for place in sums[:3])}, the sums of those above"


def _footnote(row: Sequence[str], width: int) -> bool:
    """Whether a row under a table is prose: alone in its line, or of several words."""
    said = [cell for cell in row if cell]
    return len(said) == 1 and not _figure(said[0]) and (len(row) == 1 or len(said[0].split()) > 3 or bool(_PROSE.match(said[0])))


def _units(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a row says in what the figures below it are measured: short words over columns of nothing but figures."""
    places = [i for i, cell in enumerate(first) if not is_missing(cell)]
    below = [[row[i] for row in rows if i < len(row) and not is_missing(row[i])] for i in places]
    figures = [cell for i, cells in zip(places, below, strict=True) if cells and all(map(_figure, cells)) for cell in [first[i]]]
    return len(figures) > 1 and len(figures) * 2 > len(places) and not any(_figure(c) or len(c) > 12 for c in figures)


def _figure(cell: str) -> bool:
    return number(cell) is not None or number(cell, ",") is not None or moment(cell, "ymd", clock=True) is not None


def _years(cells: Sequence[str]) -> bool:
    """Whether cells are rising years, as the headers of a wide table are."""
    years = [int(cell) for cell in cells if re.fullmatch(r"1[5-9]\d\d|20\d\d|2100", cell)]
    return len(years) == len(cells) > 1 and years == sorted(set(years))
