"""The questions that scripts and the command line ask of log files, answered over several logs with kept indexes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from . import matches
from .comparison import Difference, compare_logs, compare_windows, default_baseline
from .index import Index, load_index
from .masking import WILD
from .matches import Matches, Query, choose_varied
from .reader import Window, read_numbered, render_line
from .scan import scan
from .sources import Log, NotALog, find_logs
from .times import format_minute, read_window, zone_name

HERE = "logs.index"  # the folder of a thread's workspace that keeps indexes; the sandbox never lists it


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log with its index."""

    log: Log
    index: Index

    def window(self, text: str) -> Window:
        """Return FROM..TO, on the log's own clock, as minutes since 1970. Raises BadWindow."""
        minutes = self.index.minutes or [0]
        return read_window(text, minutes[0], minutes[-1], self.index.zone)


def open_logs(paths: Sequence[str], folder: str | None = HERE) -> list[OpenedLog]:
    """Open logs; a log is read whole only if `folder` has no index of its present content. Raises NotALog."""
    opened = []
    for log in find_logs(paths):
        where = "|".join(os.path.abspath(part.path) + part.member for part in log.parts)
        name = hashlib.sha256(where.encode()).hexdigest()[:16] + ".logindex"
        path = Path(folder, name) if folder else None
        index = load_index(path, log.identity()) if path else None
        if index is None:
            index = scan(log)
            if path:
                with suppress(OSError):  # on a full disk or in a read-only folder the next question reads the log again
                    index.save(path)
        opened.append(OpenedLog(log, index))
    return opened


def compare(opened: Sequence[OpenedLog], window: str = "", baseline: str = "", top: int = 12) -> tuple[list[Difference], str]:
    """Compare a window with a baseline, or the first log with the second; return the differences and what was compared."""
    one, index = opened[0], opened[0].index
    if len(opened) > 1 and not window:
        other = opened[1].index
        return _quote(opened, compare_logs(index, other, top)), f"{index.name} against {other.name}, whole"
    if not index.minutes or not index.stamp:
        raise NotALog(
            f"The lines of {index.name} carry no times, so there are no windows to compare. Compare it with another file."
        )
    now = one.window(window or "..")
    before = one.window(baseline) if baseline else default_baseline(index, now)
    what = f"{index.name} {_between(index, now)} against {_between(index, before)}"
    return _quote(opened, compare_windows(index, now, before, top)), what


def search(
    opened: Sequence[OpenedLog], query: str, window: str = "", limit: int = 10, *,
    regex: bool = False, ignore_case: bool = False, level: str = "", before: int = 0, after: int = 0,
) -> Matches:  # fmt: skip
    """Search all the logs for text as it stands, or for a regular expression. Raises BadQuery, BadWindow and NotALog."""
    wanted = Query(text=query, regex=regex, ignore_case=ignore_case, level=level, before=before, after=after, limit=limit)
    together = Matches()
    for one in opened:
        part = matches.search(one.log, one.index, wanted, one.window(window) if window else None)
        together.total += part.total
        together.minutes += part.minutes
        together.hits += part.hits
    together.hits = choose_varied(together.hits, limit)
    return together


def trace(opened: Sequence[OpenedLog], identifier: str, limit: int = 40) -> Matches:
    """Return the lines with an identifier from all the logs, in order of time; past `limit`, the first ones and the last."""
    together = search(opened, identifier, limit=100_000)
    hits = sorted(together.hits, key=lambda hit: (hit.minute is None, hit.minute or 0))
    together.hits = hits[: limit - 1] + hits[-1:] if len(hits) > limit else hits
    return together


def count_values(opened: Sequence[OpenedLog], template: str, window: str = "") -> tuple[int, list[Counter[str]]]:
    """Return how many lines a template has in all the logs, and how often each value of each placeholder occurs."""
    total, counters = 0, [Counter[str]() for _ in range(template.count(WILD))]
    for one in opened:
        count, values = matches.count_values(one.log, one.index, template, one.window(window) if window else None)
        total += count
        for counter, more in zip(counters, values, strict=True):
            counter += more
    return total, counters


def read_lines(opened: Sequence[OpenedLog], cited: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the lines cited by file and number, whole; one that is not there is left out."""
    wanted = set(cited)
    lines: dict[tuple[str, int], str] = {}
    for one in opened:
        first = dict(one.index.parts)
        numbers = {first[file] + number - 1 for file, number in wanted if file in first and number > 0}
        lines |= {one.index.cite(number): text for number, text in read_numbered(one.log, one.index, numbers).items()}
    return {place: text for place, text in lines.items() if place in wanted}


def _quote(opened: Sequence[OpenedLog], differences: list[Difference]) -> list[Difference]:
    """Give each difference the line it cites as its sample."""
    lines = read_lines(opened, {(d.file, d.line) for d in differences})
    rendered = {place: render_line(text) for place, text in lines.items()}
    return [replace(d, sample=rendered.get((d.file, d.line), d.sample)) for d in differences]


def _between(index: Index, window: Window) -> str:
    begin = format_minute(window[0], index.zone, no_date=index.no_date)
    return f"{begin}..{format_minute(window[1], index.zone, date=False)} ({zone_name(index.zone)})"
