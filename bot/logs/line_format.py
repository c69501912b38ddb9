"""Lines of text: what stands before the message (times, levels, threads, names), learned from many lines of one log."""

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
_COLUMNS, _MOST = 7, 0.85
_TROUBLE = re.compile(
    r"\b(?:error|exception|fatal|panic|fail(?:ed|ure|s)?|refused|unreachable|timed[ -]?out|timeout|denied|critical|abort(?:ed)?"
    r"|segfault|out of memory|no space left|cannot|unable to)\b",
    re.I,
)
_PRI = re.compile(r"^<(\d{1,3})>(1 )?")


@dataclass(frozen=True, slots=True)
class Format:
    """How the lines of a log are written.

    `split` gives level ("" when the line has none) and message; `stamp` is None when lines carry no time, `marker` is what
    stands before the time in a JSON line or in logfmt. `confidence` is the share of the sampled records that fit.
    """

    name: str
    stamp: Stamp | None
    split: Callable[[str], tuple[str, str]]
    confidence: float
    marker: str = ""
    levels: bool = True


def level_of(word: str) -> str:
    """The level that a word names, or ""."""
    return _LEVEL.get(word.strip("[](){}<>:|,;").upper(), "")


def trouble(message: str) -> bool:
    """Whether a message speaks of trouble, for lines that state no level."""
    return _TROUBLE.search(message) is not None


def find_stamp(lines: Sequence[str], room: int = 120) -> tuple[Stamp | None, int]:
    """Return the stamp that most lines carry near their start, and in how many."""
    hits = Counter(s.name for line in lines for s in STAMPS if s.pattern.search(line, 0, room))
    if not hits:
        return None, 0
    most = max(hits.values())
    best = next(s for s in STAMPS if hits[s.name] >= 0.9 * most)
    return best, hits[best.name]


def text_format(lines: Sequence[str]) -> Format:
    stamp, hits = find_stamp(lines)
    if stamp is not None and hits < 0.05 * len(lines):
        stamp = None
    records = [line for line in lines if stamp is None or stamp.pattern.search(line, 0, 120)]
    rests = [_after(stamp, line) for line in records]
    head = Head.learned(rests)

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
    """What follows the last of the times at the start of a line."""
    at = 0
    if stamp is not None and (found := stamp.pattern.search(line, 0, 120)):
        at = found.end()
        if found[0][:1] in "IWEFD" and stamp.name == "klog":
            return f" {found[0][0]}{line[at:]}"
        for other in (*STAMPS[:5], STAMPS[7]):
            if again := other.pattern.search(line, at, at + 50):
                at = again.end()
    elif pri := _PRI.match(line):
        at = pri.end()
    return line[at:].lstrip("])>},;\"'") if at else line


@dataclass(frozen=True, slots=True)
class Head:
    """The columns before the message: how many, which holds the level, and what separates them."""

    last: int
    level: int | None
    pipes: int = 0

    @classmethod
    def learned(cls, rests: Sequence[str]) -> Head:
        """Learn the columns from what follows the times of many lines."""
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
            elif sum(1 for w in here if _structural(w, column - last - 1)) >= _MOST * len(rows):
                last = column
        return cls(last, level)

    def split(self, rest: str) -> tuple[str, str]:
        """Return level and message of what follows a time."""
        if self.pipes:
            *before, message = rest.split("|", self.pipes)
            return next((level for word in before if (level := level_of(word))), ""), message
        level, end, at = "", 0, 0
        for column in range(self.last + 1):
            found = _TOKEN.match(rest, at)
            if found is None:
                break
            at = found.end()
            if column == self.level or (not level and self.level is not None and len(found[1]) > 2):
                level = level_of(found[1])
            if column == self.level or _structural(found[1], 0):
                end = at
        return level, rest[end:].strip()


def _structural(word: str, gap: int) -> bool:
    """Whether a word, `gap` words behind the head so far, belongs to it: a bracket, a dash, a number, a name with a colon."""
    if gap > 1:
        return False
    if (word[0] == "[" and word.rstrip(":")[-1] == "]") or word in {"-", "|", "--", "---", ":", "::"}:
        return True
    if _NUMBER.fullmatch(word.strip("(),;#:")):
        return gap == 0
    return word.endswith(":") and len(word) > 1 and (gap == 0 or "[" in word or "." in word)
