"""Goes back from the index to the lines: blocks of a window, lines by number, and what one line says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from .clock import Clock
from .formats import infer
from .index import Index
from .line_format import Format, speaks_of_trouble
from .scan import sample_lines
from .secrets import without_secrets
from .sources import Block, Log, decode, read_log, read_part
from .times import closest_year, today

WIDTH = 300  # characters of a line that is shown
Window = tuple[int, int]  # minutes since 1970 in UTC, the last excluded


class LineReader:
    """Reads time, level and message of single lines of a log, whose format it infers from the first block."""

    def __init__(self, log: Log) -> None:
        sample = sample_lines(next(read_log(log), Block(0, 1, b"")))
        self._format: Format = infer(sample)
        stamp = self._format.stamp
        self._clock = Clock(stamp, self._format.marker, sample, closest_year(today)) if stamp else None

    def minutes(self, lines: list[bytes]) -> list[int | None]:
        """Return the minute of each line; a line without a time has that of the line before."""
        if self._clock is None:
            return [None] * len(lines)
        minutes = self._clock.minutes(lines)
        before = next((minute for minute in minutes if minute is not None), None)
        for at, minute in enumerate(minutes):
            minutes[at] = before = before if minute is None else minute
        return minutes

    def level(self, line: bytes) -> str:
        """Return the level of a line, or what its words suggest where lines have none."""
        level, message = self._format.split(decode(line))
        return level or ("ERROR" if not self._format.levels and speaks_of_trouble(message) else "")

    def message(self, line: bytes) -> str:
        """Return the message of a line: what follows its head."""
        return " ".join(self._format.split(decode(line))[1].split())


def read_numbered(log: Log, index: Index, numbers: Iterable[int]) -> dict[int, str]:
    """Return lines by number, whole and with their secrets, read in one pass; a number that no line has is left out."""
    lines: dict[int, str] = {}
    wanted = sorted({n for n in numbers if 0 < n <= index.lines})
    while wanted:
        at = max(0, bisect_right([block[1] for block in index.blocks], wanted[0]) - 1)
        offset, line, _, _, part = index.blocks[at]
        for block in read_part(log, part, offset, line):
            data = block.lines()
            while wanted and wanted[0] < block.line + len(data):
                number = wanted.pop(0)
                lines[number] = decode(data[number - block.line])
            # A packed file cannot seek, so it is read on to the next wanted line; in a plain one seeking is quicker.
            if not wanted or not log.parts[part].packed:
                break
    return lines


def blocks_within(log: Log, index: Index, window: Window | None) -> Iterator[Block]:
    """Yield the blocks that may hold lines of a window, or all; a plain file is read from the first of them on."""
    if window is None:
        yield from read_log(log)
        return
    spans: dict[int, list[int]] = {}  # by part: offset and line of its first such block, the line behind its last
    for at, (offset, line, earliest, latest, part) in enumerate(index.blocks):
        if earliest < window[1] and latest >= window[0]:
            behind = index.blocks[at + 1][1] if at + 1 < len(index.blocks) else index.lines + 1
            spans.setdefault(part, [offset, line, behind])[2] = behind
    for part, (offset, line, behind) in sorted(spans.items()):
        for block in read_part(log, part, offset, line):
            if block.line >= behind:
                break
            yield block


def is_within(minute: int | None, window: Window | None) -> bool:
    """Return whether a minute lies in a window; without a window all do, and in one no line without a time does."""
    return window is None or (minute is not None and window[0] <= minute < window[1])


def render_line(line: bytes | str) -> str:
    """Return a line as people and models see it: secrets masked, control characters as dots, cut to WIDTH characters."""
    whole = line[: WIDTH * 8] if isinstance(line, str) else decode(line[: WIDTH * 8])
    safe = without_secrets("".join(c if c.isprintable() or c == "\t" else "·" for c in whole))
    return safe if len(safe) <= WIDTH else safe[: WIDTH - 1] + "…"
