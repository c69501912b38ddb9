"""Finds why a log went wrong with the tools for logs: profile it, compare the incident with the hour before, count, report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.local.planner.calls import Calls, report
from bot.local.planner.intent import Intent
from bot.local.planner.reader import Difference, Result

_WORDS = re.compile(r"[A-Za-z][A-Za-z ',.:-]{11,}")


def log_calls(wish: Intent, results: Sequence[Result], conditions: Sequence[str]) -> Calls:
    """Return the next call about a log, from the results so far for this brief."""
    refused = next((r.text for r in results if r.refused and r.tool.startswith("Log")), None)
    if refused is not None:
        return report("failed", refused[:400])
    done = {result.tool: result for result in results}
    if "LogProfile" not in done:
        return [("LogProfile", {"files": [wish.file]})]
    evidence = [{"condition": c, "file": wish.file, "line": 1} for c in conditions]
    if "LogCompare" not in done:
        window = _window(done["LogProfile"], wish.at)
        if not window:
            answer = f"Nothing in `{wish.file}` stands out: no kind of error is suddenly frequent."
            return report("complete", answer, evidence=evidence)
        return [("LogCompare", {"files": [wish.file], "window": window, "chart": "what-changed.png"})]
    rows = done["LogCompare"].differences
    if not rows:
        answer = "Nothing differs between that time and the hour before."
        return report("complete", answer, evidence=evidence)
    window = str(done["LogCompare"].arguments["window"])
    worst = next((row for row in rows if row.kind in {"new", "risen"}), None)
    if "LogSearch" not in done and worst and (query := _query(worst.text)):
        return [("LogSearch", {"files": [wish.file], "query": query, "window": window, "top": 1})]
    return _answered(wish, rows, window, done, conditions)


def _window(profile: Result, at: str) -> str:
    """Return the window of the first incident within 15 minutes of `at` ("" for any), else five minutes from `at`."""
    near = [i for i in profile.incidents if not at or abs(_minutes(i.begin) - _minutes(at)) <= 15]
    if near:
        dated = f"{near[0].day}T" if near[0].day else ""
        return f"{dated}{near[0].begin}..{_clock(_minutes(near[0].end) + 1)}"
    return f"{at}..{_clock(_minutes(at) + 5)}" if at else ""


def _answered(
    wish: Intent, rows: Sequence[Difference], window: str, done: Mapping[str, Result], conditions: Sequence[str]
) -> Calls:
    cause = next((row for row in rows if row.kind == "rare"), rows[0])
    cited = list(dict.fromkeys([cause, *[row for row in rows if row.kind != "rare"][:2]]))
    zone = done["LogProfile"].zone or "no zone stated"
    lines = [
        f"Trouble begins at {window.split('..')[0][-5:]}. Most likely cause: line {cause.line} of `{cause.file}`, just before.",
        f"I compared {window} with the hour before; times are the log's own ({zone}).",
    ]
    for row in rows[:4]:
        text = row.text[:120].replace("`", chr(180))
        lines.append(f"- {row.kind}: {row.inside} lines in that time, {row.before} before: `{text}`")
    lines.append("\nNot checked: other logs, and whether taking the change back helps.")
    counts = []
    if "LogSearch" in done and (value := done["LogSearch"].matches) is not None:
        query = done["LogSearch"].arguments["query"]
        counts = [{"file": wish.file, "query": query, "window": window, "value": value}]
    return report(
        "complete",
        "\n".join(lines),
        evidence=[{"condition": c, "file": wish.file, "line": cause.line} for c in conditions],
        citations=[{"file": row.file, "line": row.line, "text": row.text} for row in cited],
        counts=counts,
    )


def _query(line: str) -> str:
    """Return the longest run of plain words in a line: what to count."""
    return max((words.strip() for words in _WORDS.findall(line)), key=len, default="")


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
