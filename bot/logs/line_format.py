"""The format of plain-text lines: the head before the message (time, level, thread, name), learned from many lines of one log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .times import STAMPS, Stamp

LEVELS = ("TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "FATAL")
BAD = frozenset({"ERROR", "FATAL"})
_NAMES = {
    "TRACE": "TRACE VERBOSE FINEST FINER V T", "DEBUG": "DEBUG DBG FINE D", "INFO": "INFO INFORMATION INFORMATIONAL I",
    "NOTICE": "NOTICE N", "WARN": "WARN WARNING WRN W", "ERROR": "ERROR ERR SEVERE FAILURE E",
    "FATAL": "FATAL CRITICAL CRIT ALERT EMERG EMERGENCY PANIC F C",
}  # fmt: skip
_LEVEL = {name: level for level, names in _NAMES.items() for name in names.split()}
PRIORITY = ("FATAL", "FATAL", "FATAL", "ERROR", "WARN", "NOTICE", "INFO", "DEBUG")
_TOKEN = re.compile(r"\s*(\[(?:[^\[\]]|\[[^\[\]]*\])*\]:?|\S+)")
_NUMBER = re.compile(r"[-+]?\d+")
_COLUMNS, _MOST = 7, 0.85  # columns that a head has at most, and the share of lines that makes a column
_TROUBLE = re.compile(
    r"\b(?:error|exception|fatal|panic|fail(?:ed|ure|s)?|refused|unreachable|timed[ -]?out|timeout|denied|critical|abort(?:ed)?"
    r"|segfault|out of memory|no space left|cannot|unable to)\b",
    re.I,
)
_PRI = re.compile(r"^<(\d{1,3})>(1 )?")


@dataclass(frozen=True, slots=True)
class Format:
    """How the lines of a log are written.

    `split` returns a line's level ("" without one) and message; `stamp` is None when lines carry no time, `marker` is the text
    before the time in JSON and logfmt; `confidence` is the share of the sampled records that fit; `levels` says whether lines
    state levels.
    """

    name: str
    stamp: Stamp | None
    split: Callable[[str], tuple[str, str]]
    confidence: float
    marker: str = ""
    levels: bool = True


def level_of(word: str) -> str:
    """Return the level that a word names, or ""."""
    return _LEVEL.get(word.strip("[](){}<>:|,;").upper(), "")


def speaks_of_trouble(message: str) -> bool:
    """Return whether the words of a message speak of trouble, for lines that state no level."""
    return _TROUBLE.search(message) is not None


def find_stamp(lines: Sequence[str], room: int = 120) -> tuple[Stamp | None, int]:
    """Return the stamp that most lines carry in their first `room` characters, and the number of those lines."""
    hits = Counter(s.name for line in lines for s in STAMPS if s.pattern.search(line, 0, room))
    if not hits:
        return None, 0
    most = max(hits.values())
    best = next(s for s in STAMPS if hits[s.name] >= 0.9 * most)
    return best, hits[best.name]


def text_format(lines: Sequence[str]) -> Format:
    """Return the format of plain-text lines, which any text has."""
    stamp, hits = find_stamp(lines)
    if stamp is not None and hits < 0.05 * len(lines):
        stamp = None
    records = [line for line in lines if stamp is None or stamp.pattern.search(line, 0, 120)]
    rests = [_after(stamp, line) for line in records]
    head = Head.learn(rests)

    def split(line: str) -> tuple[str, str]:
        level, message = head.split(_after(stamp, line))
        pri = _PRI.match(line)
        return (PRIORITY[int(pri[1]) & 7] if pri and not level else level), message

    pri = sum(1 for line in records if _PRI.match(line)) > len(records) // 2
    share = hits / len(lines) if lines and stamp else 0.0
    return Format(_text_name(stamp, records, rests, head), stamp, split, share, levels=pri or head.level is not None)


def _text_name(stamp: Stamp | None, records: Sequence[str], rests: Sequence[str], head: Head) -> str:
    def most(pattern: str, texts: Sequence[str]) -> bool:
        return sum(1 for t in texts if re.search(pattern, t)) > 0.6 * max(1, len(texts))

    if stamp is None:
        return "text without times"
    if most(r"^<\d+>1 ", records):
        return "syslog (RFC 5424)"
    if stamp.name == "syslog" and most(r"^\s*\S+ [^\s:]+(\[\d+\])?:", rests):
        return "syslog (RFC 3164)"
    if stamp.name == "klog":
        return "klog (Kubernetes)"
    if most(r"^\s*\[\w+\] \d+#\d+:", rests):
        return "nginx error log"
    if stamp.name == "ctime" and most(r"^\]? ?\[[\w:]*\]", rests):
        return "Apache error log"
    if most(r"^ - \S+ - [A-Z]+ - ", rests):
        return "Python logging"
    if stamp.name == "month-day" and most(r"^ +\d+ +\d+ [VDIWEF] ", rests):
        return "Android logcat"
    if most(r"(\[[^\]]+\] +[A-Z]+ +|[A-Z]+ +\[[^\]]+\] +|[A-Z]+ +)[\w$]+(\.[\w$]+)+ ?[:-]", rests):
        return "Java (logback, log4j)"
    return f"text, {stamp.name} times" + (", levels" if head.level is not None else "")


def _after(stamp: Stamp | None, line: str) -> str:
    """Return what follows the last of the times at the start of a line."""
    at = 0
    if stamp is not None and (time := stamp.pattern.search(line, 0, 120)):
        at = time.end()
        if time[0][:1] in "IWEFD" and stamp.name == "klog":
            return f" {time[0][0]}{line[at:]}"
        for other in (*STAMPS[:5], STAMPS[7]):
            if second := other.pattern.search(line, at, at + 50):
                at = second.end()
    elif pri := _PRI.match(line):
        at = pri.end()
    return line[at:].lstrip("])>},;\"'") if at else line


@dataclass(frozen=True, slots=True)
class Head:
    """The columns before the message: the last one, the one that holds the level, and the number of pipes that separate them."""

    last: int
    level: int | None
    pipes: int = 0

    @classmethod
    def learn(cls, rests: Sequence[str]) -> Head:
        """Learn the columns from what follows the times of many lines; a column counts when nearly all lines have it."""
        piped = Counter(r.count("|") for r in rests if r.startswith("|"))
        if sum(piped.values()) > _MOST * len(rests):
            return cls(-1, None, pipes=min(piped))
        rows = [[m[1] for _, m in zip(range(_COLUMNS), _TOKEN.finditer(r), strict=False)] for r in rests]
        rows = [r for r in rows if r]
        last, level = -1, None
        for column in range(_COLUMNS):
            here = [r[column] for r in rows if len(r) > column]
            if len(here) < _MOST * len(rows):
                break
            if level is None and sum(1 for w in here if level_of(w)) >= _MOST * len(rows):
                last = level = column
            elif sum(1 for w in here if _is_structural(w, column - last - 1)) >= _MOST * len(rows):
                last = column
        return cls(last, level)

    def split(self, rest: str) -> tuple[str, str]:
        """Return the level and the message of what follows a time."""
        if self.pipes:
            *before, message = rest.split("|", self.pipes)
            return next((level for word in before if (level := level_of(word))), ""), message
        level, end, at = "", 0, 0
        for column in range(self.last + 1):
            token = _TOKEN.match(rest, at)
            if token is None:
                break
            at = token.end()
            if column == self.level or (not level and self.level is not None and len(token[1]) > 2):
                level = level_of(token[1])
            if column == self.level or _is_structural(token[1], 0):
                end = at
        return level, rest[end:].strip()


def _is_structural(word: str, gap: int) -> bool:
    """Return whether a word `gap` words after the head belongs to it: brackets, a dash, a number, or a name with a colon."""
    if gap > 1:
        return False
    if (word[0] == "[" and word.rstrip(":")[-1] == "]") or word in {"-", "|", "--", "---", ":", "::"}:
        return True
    if _NUMBER.fullmatch(word.strip("(),;#:")):
        return gap == 0
    return word.endswith(":") and len(word) > 1 and (gap == 0 or "[" in word or "." in word)
