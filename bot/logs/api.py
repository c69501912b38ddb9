"""The commands of the toolkit over files, with their indexes kept: what scripts import and what the command line calls."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import matches
from .comparison import Difference, compare_logs, compare_windows, default_baseline
from .index import Index, load
from .matches import Matches
from .scan import scan
from .sources import Log, NotALog, logs
from .times import shown, zone_name
from .times import window as read_window

HERE = "logs.index"  # the folder of a thread's workspace that holds indexes; the sandbox lists it to nobody


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log with its index."""

    log: Log
    index: Index

    def window(self, text: str) -> tuple[int, int]:
        """FROM..TO on the log's own clock as half-open minutes since 1970; raises BadWindow."""
        minutes = self.index.minutes or [0]
        return read_window(text, minutes[0], minutes[-1], self.index.zone)


def open_logs(paths: Sequence[str], folder: str | None = HERE) -> list[OpenedLog]:
    """Open logs, reading each whole only if `folder` holds no index of it as it is now. Raises NotALog."""
    opened = []
    for log in logs(paths):
        identity = log.identity()
        kept = Path(folder, hashlib.sha256(_where(log).encode()).hexdigest()[:16] + ".logindex") if folder else None
        index = load(kept, identity) if kept else None
        if index is None:
            index = scan(log)
            if kept:
                _keep(index, kept)
        opened.append(OpenedLog(log, index))
    return opened


def _where(log: Log) -> str:
    return "|".join(os.path.abspath(part.path) + part.member for part in log.parts)


def _keep(index: Index, path: Path) -> None:
    try:
        index.save(path)
    except OSError:
        return  # a full disk or a read-only folder costs the next question a second look, and nothing else


def compare(
    opened: Sequence[OpenedLog], window: str = "", baseline: str = "", top: int = 12
) -> tuple[list[Difference], str]:
    """Compare a window with a baseline, or the first log with the second; also say in words what was compared."""
    if len(opened) > 1 and not window:
        new, old = opened[0].index, opened[1].index
        return _quoted(opened, compare_logs(new, old, top)), f"{new.name} against {old.name}, whole"
    one = opened[0]
    if not one.index.minutes or not one.index.stamp:
        raise NotALog(
            f"The lines of {one.index.name} carry no times, so there are no windows to compare. Compare it with another file."
        )
    now = one.window(window or "..")
    then = one.window(baseline) if baseline else default_baseline(one.index, now)
    return _quoted(
        opened, compare_windows(one.index, now, then, top)
    ), f"{one.index.name} {_between(one, now)} against {_between(one, then)}"


def _quoted(opened: Sequence[OpenedLog], rows: list[Difference]) -> list[Difference]:
    """Give each row the line it cites."""
    texts: dict[tuple[str, int], str] = {}
    for one in opened:
        base = dict(one.index.parts)
        asked = {base[r.file] + r.line - 1 for r in rows if r.file in base}
        found = matches.read_lines(one.log, one.index, asked)
        texts |= {one.index.cite(n): matches.shown(text) for n, text in found.items()}
    return [replace(row, sample=texts.get((row.file, row.line), row.sample)) for row in rows]


def _between(one: OpenedLog, window: tuple[int, int]) -> str:
    zone = one.index.zone
    begin = shown(window[0], zone, no_date=one.index.no_date)
    return f"{begin}..{shown(window[1], zone, date=False)} ({zone_name(zone)})"


def search(opened: Sequence[OpenedLog], query: str, window: str = "", limit: int = 10, **how: object) -> Matches:
    """Search all the logs; how: regex, ignore_case, level, before, after."""
    found = Matches()
    for one in opened:
        span = one.window(window) if window else None
        part = matches.search(one.log, one.index, query, window=span, limit=limit, **how)  # type: ignore[arg-type]
        found.total += part.total
        found.minutes += part.minutes
        found.hits += part.hits
    found.hits = matches.spread(found.hits, limit)
    return found


def trace(opened: Sequence[OpenedLog], wanted: str, limit: int = 40) -> Matches:
    """Follow one identifier through all the logs, in the order of time."""
    found = search(opened, wanted, limit=100_000)
    found.hits.sort(key=lambda hit: (hit.minute is None, hit.minute or 0))
    found.hits = found.hits[: limit - 1] + found.hits[-1:] if len(found.hits) > limit else found.hits
    return found


def count_values(opened: Sequence[OpenedLog], template: str, window: str = "") -> tuple[int, list[Counter[str]]]:
    """The values of a template's placeholders over all the logs."""
    total, values = 0, [Counter[str]() for _ in range(template.count("<*>"))]
    for one in opened:
        lines, part = matches.count_values(one.log, one.index, template, one.window(window) if window else None)
        total += lines
        for all_values, more in zip(values, part, strict=True):
            all_values += more
    return total, values


def read_lines(opened: Sequence[OpenedLog], cited: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The lines that are cited by file and number, whole; one that is not there is left out."""
    found: dict[tuple[str, int], str] = {}
    asked = list(cited)
    for one in opened:
        first = dict(one.index.parts)
        numbers = {first[file] + number - 1 for file, number in asked if file in first and number > 0}
        read = matches.read_lines(one.log, one.index, numbers)
        found |= {at: text for n, text in read.items() if (at := one.index.cite(n)) in asked}
    return found
