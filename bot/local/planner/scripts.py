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
    """A script to write and run."""

    name: str
    text: str


def script_for(wish: Wish, taken: frozenset[str] = frozenset()) -> Script:
    """Return the script; its name and its picture's name are none of those `taken` by the user's files."""
    title = _title(wish)
    name = _free(f"{_slug(title)}.py", taken)
    picture = _free(f"{name.removesuffix('.py').removeprefix('plot_')}.png", taken) if wish.verb in PICTURES else ""
    given = {
        "FILE": wish.file, "VALUE": wish.value, "BY": wish.by, "SPLIT": wish.split, "HOW": wish.how, "KIND": wish.kind,
        "WHERE": list(wish.where), "COUNT": wish.count, "SMALLEST": wish.smallest, "SECONDS": wish.count,
        "PICTURE": picture,
    }  # fmt: skip
    main = _main(wish)
    settings = {key: setting for key, setting in given.items() if re.search(rf"\b{key}\b", "\n".join(main))}
    about = f"{title}\n\nWritten by the planner (a small program, no language model) for: {' '.join(wish.words.split())[:200]}"
    return Script(name, script(about, settings, main))


def _main(wish: Wish) -> list[str]:
    """Return the lines of the script's main: which definitions of the script library it calls, with which settings."""
    match wish.verb:
        case "long":
            return ["count_slowly(SECONDS)"]
        case "describe" if not wish.file.lower().endswith(TABLES):
            return ["look(FILE)"]
    opener = OPENERS.get(PurePosixPath(wish.file).suffix.lower(), "text_table")
    lines = [f"table = {opener}(FILE)", *(["only(table, WHERE)"] if wish.where else [])]
    value = ", value=VALUE" if wish.value else ""
    smallest = ", smallest=SMALLEST" if wish.smallest else ""
    others = [name for name in ("by", "split", "how") if getattr(wish, name)]
    figures = f"figures = figures_of(table{value}{''.join(f', {name}={name.upper()}' for name in others)})"
    match wish.verb:
        case "describe":
            return [*lines, "describe(table)"]
        case "histogram":
            return [*lines, f"draw_histogram(table, PICTURE{value})"]
        case "points":
            return [*lines, "draw_points(table, PICTURE, value=VALUE, by=BY)"]
        case "top" if not wish.by:
            return [*lines, f"tell_top_rows(table, COUNT{value}{smallest})"]
        case "top":
            return [*lines, figures, f"tell_top(table, figures, COUNT{smallest})"]
        case "measure" if not wish.by:
            return [*lines, f"tell_whole(table, HOW{value})"]
        case "measure":
            return [*lines, figures, "tell(table, figures)"]
    kind = ", kind=KIND" if wish.kind else ""
    return [*lines, figures, "order = tell(table, figures)", f"draw(figures, order, PICTURE{kind})"]


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
    names = (name, *(f"{stem}_{number}{dot}{suffix}" for number in range(2, 1_000)))
    return next(free for free in names if free not in taken)
