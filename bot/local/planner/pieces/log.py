"""Why a log went wrong: what is new in the minutes around the errors."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator

CLOCK_TIME = re.compile(r"(\d{4}-\d\d-\d\d)?[T ]?(\d\d):(\d\d):\d\d")
TROUBLE = re.compile(r"\b(ERROR|FATAL|CRITICAL|SEVERE|PANIC|EMERG|Exception|Traceback)\b|\b(50[0-9])\b")
CHANGING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+(?:\.\d+)*", re.I)


def explain_log(file: str, at: str) -> None:
    """Print when errors began, what is new around then, and the lines that show it."""
    errors: Counter[str] = Counter()
    lines = 0
    for _, minute, text in log_lines(file):
        lines += 1
        if minute and TROUBLE.search(text):
            errors[minute] += 1
    if not errors:
        print(f"{file} has {lines} lines and no line that says ERROR or worse with a time of day.")
        return
    onset = first_bad_minute(errors, at)
    before, during, first = kinds_around(file, onset)
    new = sorted((k for k in during if during[k] > 3 * before[k]), key=lambda k: (before[k] > 0, first[k][0]))
    print(f"Errors in {file} begin to rise at {onset[-5:]} (the log's own clock): {errors[onset]} in that minute.")
    print(
        f"{sum(errors.values())} of {lines} lines say ERROR or worse. New or risen around then, the earliest first:\n"
    )
    for kind in new[:5]:
        number, text = first[kind]
        print(f"{file}:{number}: {text[:300]}")
    print("\nThe earliest new line is the most likely cause. I compared the ten minutes before with what came after.")


def log_lines(file: str) -> Iterator[tuple[int, str, str]]:
    """Yield number, minute and text of each line; a line without a time has the minute of the one before."""
    opened = gzip.open if file.endswith(".gz") else open
    minute = ""
    with opened(file, "rt", encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            found = CLOCK_TIME.search(line[:80])
            if found:
                minute = f"{found[1] or ''} {found[2]}:{found[3]}".strip()
            yield number, minute, line.rstrip("\n")


def first_bad_minute(errors: Counter[str], at: str) -> str:
    """Return the minute in which errors first stand out, at or before the one that was asked for."""
    minutes = sorted(errors)
    usual = sorted(errors.values())[len(errors) // 2]
    worst = max(errors.values())
    high = [m for m in minutes if errors[m] > max(2 * usual, worst / 3)] or minutes
    asked = [m for m in high if not at or abs(clock_minutes(m) - clock_minutes(at)) <= 10]
    return (asked or high)[0]


def clock_minutes(minute: str) -> int:
    """Minutes since midnight."""
    hours, minutes = minute[-5:].split(":")
    return int(hours) * 60 + int(minutes)


def kinds_around(file: str, onset: str) -> tuple[Counter[str], Counter[str], dict[str, tuple[int, str]]]:
    """Count kinds of lines in the ten minutes before and the minutes around the onset, with the first line of each."""
    before: Counter[str] = Counter()
    during: Counter[str] = Counter()
    first: dict[str, tuple[int, str]] = {}
    start = clock_minutes(onset)
    for number, minute, text in log_lines(file):
        if not minute or minute[:-5] != onset[:-5]:
            continue
        past = clock_minutes(minute) - start
        kind = CHANGING.sub("#", text)
        if -12 <= past < -1:
            before[kind] += 1
        elif -1 <= past <= 3:
            during[kind] += 1
            first.setdefault(kind, (number, text))
    return before, during, first
