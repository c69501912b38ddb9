"""Finds why a log went wrong with the tools for logs: profile it, compare the incident with the hour before, count, report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.local.planner import data
from bot.local.planner.reader import Calls, Result, report

_INCIDENT = re.compile(r"^Suspected incident: (?:(\S+) )?(\d\d:\d\d) to (\d\d:\d\d)", re.M)
_ZONE = re.compile(r"^\S+(?: \d\d:\d\d)? to .*?, ([^,;\n]+)", re.M)
_DIFFERENCE = re.compile(
    r"^(?P<kind>new|risen|rare), (?P<inside>[\d,]+) against (?P<before>[\d,]+), (?P<file>.+?):(?P<line>\d+): (?P<text>.*)$", re.M
)
_MATCHES = re.compile(r"^([\d,]+) lines match", re.M)
_WORDS = re.compile(r"[A-Za-z][A-Za-z ',.:-]{11,}")


def log_calls(file: str, asked: str, results: Sequence[Result], conditions: Sequence[str]) -> Calls:
    """Return the next call about a log, from the results so far for this brief."""
    at = "".join(re.findall(r"\b\d{1,2}:\d\d\b", asked)[:1])
    words = re.findall(r"[^\W\d_][\w'-]*", re.sub(r"\d{1,2}:\d\d", " ", asked))
    if strange := [f"“{word}”" for word in words if word not in data("words")["log"]["words"].split()]:
        known = "About a log I understand “why did it go wrong?”, “errors at 14:05”."
        return report("needs_input", f"I do not understand {', '.join(strange[:6])}. {known}")
    if refused := [result.text for result in results if result.refused and result.tool.startswith("Log")]:
        return report("failed", refused[0][:400])
    done = {result.tool: result for result in results}
    if "LogProfile" not in done:
        return [("LogProfile", {"files": [file]})]
    first_line = [{"condition": c, "file": file, "line": 1} for c in conditions]
    if "LogCompare" not in done:
        if window := _window(done["LogProfile"].text, at):
            return [("LogCompare", {"files": [file], "window": window, "chart": "what-changed.png"})]
        answer = f"Nothing in `{file}` stands out: no kind of error is suddenly frequent."
        return report("complete", answer, evidence=first_line)
    rows = [match.groupdict() for match in _DIFFERENCE.finditer(done["LogCompare"].text)]
    if not rows:
        return report("complete", "Nothing differs between that time and the hour before.", evidence=first_line)
    window = str(done["LogCompare"].arguments["window"])
    worst = next((row["text"] for row in rows if row["kind"] != "rare"), "")
    query = max((words.strip() for words in _WORDS.findall(worst)), key=len, default="")  # what to count
    if query and "LogSearch" not in done:
        return [("LogSearch", {"files": [file], "query": query, "window": window, "top": 1})]
    found = _MATCHES.search(done["LogSearch"].text) if "LogSearch" in done else None
    counts = [{"file": file, "query": query, "window": window, "value": int(found[1].replace(",", ""))}] if found else []
    cause = next((row for row in rows if row["kind"] == "rare"), rows[0])
    cited = [cause, *[row for row in rows if row["kind"] != "rare" and row is not cause][:2]]
    return report(
        "complete",
        _answer(cause, rows[:4], window, _ZONE.search(done["LogProfile"].text)),
        evidence=[{"condition": c, "file": file, "line": int(cause["line"])} for c in conditions],
        citations=[{"file": row["file"], "line": int(row["line"]), "text": row["text"]} for row in cited],
        counts=counts,
    )


def _answer(cause: dict[str, str], rows: Sequence[dict[str, str]], window: str, zone: re.Match[str] | None) -> str:
    head = f"Trouble begins at {window.split('..')[0][-5:]}."
    head += f" Most likely cause: line {cause['line']} of `{cause['file']}`, just before."
    compared = f"I compared {window} with the hour before; times are the log's own ({zone[1] if zone else 'no zone stated'})."
    kinds = (
        f"- {row['kind']}: {row['inside']} lines in that time, {row['before']} before: `{row['text'][:120].replace('`', '´')}`"
        for row in rows
    )
    return "\n".join([head, compared, *kinds, "\nNot checked: other logs, and whether taking the change back helps."])


def _window(profile: str, at: str) -> str:
    """Return the window of the first incident within 15 minutes of `at` ("" for any), else five minutes from `at`."""
    for day, begin, end in _INCIDENT.findall(profile):
        if not at or abs(_clock(begin) - _clock(at)) <= timedelta(minutes=15):
            return f"{day}{'T' if day else ''}{begin}..{_clock(end) + timedelta(minutes=1):%H:%M}"
    return f"{at}..{_clock(at) + timedelta(minutes=5):%H:%M}" if at else ""


def _clock(time: str) -> datetime:
    return datetime.strptime(time, "%H:%M")  # noqa: DTZ007  a time of the log, whose zone nobody knows
