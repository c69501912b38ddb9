"""Why a log went wrong, with the tools for logs: profile, compare around the onset, count, report."""

from __future__ import annotations

import re
from typing import Any

from bot.local.planner.wish import Wish

Calls = list[tuple[str, dict[str, Any]]]
Results = list[tuple[str, dict[str, Any], str]]
_INCIDENT = re.compile(r"^Suspected incident: (?:(\S+) )?(\d\d:\d\d) to (\d\d:\d\d)", re.M)
_SPAN = re.compile(r"^\S+(?: \d\d:\d\d)? to .*?, ([^,;\n]+)", re.M)
_ROW = re.compile(r"^(new|risen|rare), ([\d,]+) against ([\d,]+), (.+?):(\d+): (.*)$", re.M)
_WORDS = re.compile(r"[A-Za-z][A-Za-z ',.:-]{11,}")


def log_calls(wish: Wish, results: Results, conditions: list[str]) -> Calls:
    """Return the next call about a log, from the results so far in this brief."""
    done = {name: (arguments, result) for name, arguments, result in results}
    failed = next(
        (r for name, _, r in results if (name.startswith("Log") and "not performed" in r) or "did not work" in r), ""
    )
    if failed:
        return _report("failed", failed[:400])
    if "LogProfile" not in done:
        return [("LogProfile", {"files": [wish.file]})]
    profile = done["LogProfile"][1]
    if "LogCompare" not in done:
        window = _window(profile, wish.at)
        if not window:
            return _report(
                "complete",
                f"Nothing in `{wish.file}` stands out: no kind of error is suddenly frequent.",
                conditions,
                wish.file,
            )
        return [("LogCompare", {"files": [wish.file], "window": window, "chart": "what-changed.png"})]
    rows = _ROW.findall(done["LogCompare"][1])
    if not rows:
        return _report("complete", "Nothing differs between that time and the hour before.", conditions, wish.file)
    window = str(done["LogCompare"][0]["window"])
    worst = next((r for r in rows if r[0] in {"new", "risen"}), None)
    if "LogSearch" not in done and worst and (words := _query(worst[5])):
        return [("LogSearch", {"files": [wish.file], "query": words, "window": window, "top": 1})]
    return _answered(wish, rows, window, done, conditions)


def _window(profile: str, at: str) -> str:
    """The suspected incident that is nearest to the time asked about; that time alone when there is none near."""
    found = _INCIDENT.findall(profile)
    near = [f for f in found if not at or abs(_minutes(f[1]) - _minutes(at)) <= 15]
    if near:
        day, begin, end = near[0]
        dated = f"{day}T" if day else ""
        return f"{dated}{begin}..{_clock(_minutes(end) + 1)}"
    return f"{at}..{_clock(_minutes(at) + 5)}" if at else ""


def _answered(wish: Wish, rows: list[Any], window: str, done: dict[str, Any], conditions: list[str]) -> Calls:
    rare = [r for r in rows if r[0] == "rare"]
    cause = (rare or rows)[0]
    zone = _SPAN.search(done["LogProfile"][1])
    cited = list(dict.fromkeys([cause, *[r for r in rows if r[0] != "rare"][:2]]))
    onset = window.split("..")[0][-5:]
    lines = [f"Trouble begins at {onset}. Most likely cause: line {cause[4]} of `{cause[3]}`, just before."]
    lines.append(
        f"I compared {window} with the hour before; times are the log's own ({zone[1] if zone else 'no zone stated'})."
    )
    lines += [
        f"- {r[0]}: {r[1]} lines in that time, {r[2]} before: `{r[5][:120].replace('`', chr(180))}`" for r in rows[:4]
    ]
    lines.append("Not checked: other logs, and whether taking the change back helps.")
    citations = [{"file": r[3], "line": int(r[4]), "text": r[5]} for r in cited]
    counts = []
    if "LogSearch" in done and (total := re.search(r"^([\d,]+) lines match", done["LogSearch"][1], re.M)):
        asked = done["LogSearch"][0]
        counts = [
            {"file": wish.file, "query": asked["query"], "window": window, "value": int(total[1].replace(",", ""))}
        ]
    return _report(
        "complete", "\n".join(lines), conditions, wish.file, int(cause[4]), citations=citations, counts=counts
    )


def _report(
    status: str, answer: str, conditions: list[str] | None = None, file: str = "", line: int = 1, **more: Any
) -> Calls:
    evidence = [{"condition": c, "file": file, "line": line} for c in conditions or ()]
    return [("Report", {"status": status, "answer": answer, "evidence": evidence, **more})]


def _query(line: str) -> str:
    """The longest run of plain words in a line: what to count."""
    return max((w.strip() for w in _WORDS.findall(line)), key=len, default="")


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
