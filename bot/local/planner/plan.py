"""Decides the planner's next calls from the words, files and results that a prompt shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.local.planner.calls import Calls, report
from bot.local.planner.intent import Intent, asks, intent_of
from bot.local.planner.logs import log_calls
from bot.local.planner.mend import mended
from bot.local.planner.query import NotUnderstood, Query
from bot.local.planner.reader import Prompt, Result
from bot.local.planner.requests import HELP, REQUESTS, nearest
from bot.local.planner.scripts import script_for, suffices
from bot.local.planner.understand import understand
from bot.local.planner.words import other_language, phrases
from bot.tables import Profile, parsed
from bot.tables.command import NO_PANDAS
from bot.tables.sources import SMALL

SLOWLY = """import time

for number in range(1, {count} + 1):
    print(number, flush=True)
    time.sleep(1)
"""
_DATA_FILE = re.compile(r"[\"']([\w .-]+\.(?:csv|tsv))[\"']")


def decide(prompt: Prompt) -> tuple[str, Calls]:
    """Return text, calls, or both."""
    if "Report" in prompt.tools:
        return "", _work(prompt)
    if prompt.tools:
        return "", [(prompt.tools[0], {"action": _choose(prompt)})]
    return HELP, []


def _choose(prompt: Prompt) -> dict[str, Any]:
    """Return the UserProxy's choice."""
    if prompt.question is not None:
        return {"kind": "Respond", "text": prompt.question}
    files = prompt.files
    intent = intent_of(prompt.words[-1] if prompt.words else "", files, prompt.kinds)
    if prompt.overheard and (intent.kind in {"help", "thanks", "why"} or (intent.kind == "table" and not asks(intent.words))):
        return {"kind": "StaySilent"}
    example = REQUESTS[2].examples[0]
    if (foreign := other_language(intent.words)) and intent.kind in {"table", "help"}:
        return {"kind": "Respond", "text": foreign.format(example=f"“{example}”.")}
    if intent.kind == "thanks":
        return {"kind": "Respond", "text": f"Gladly. {HELP}"}
    if intent.kind == "why":
        return {"kind": "Respond", "text": _why(prompt)}
    if intent.kind == "help":
        return {"kind": "Respond", "text": HELP}
    if not intent.file and intent.kind not in {"long", "save", "list"}:
        there = (
            f"I see {', '.join(f'`{f}`' for f in files[-8:])}, and no table." if files else "There is no file in this thread yet."
        )
        return {"kind": "Respond", "text": f"{there} Attach one here and ask again."}
    conditions = {"log": "the most likely cause is named, with the lines that show it", "save": "the file is saved as given"}
    return {
        "kind": "SendMessage",
        "recipient": "code_assistant",
        "message": f"The user wants this done with {intent.file or 'the thread'}: {intent.kind}",
        "done_when": [conditions.get(intent.kind, "the script ran without an error and printed the answer")],
    }


def _why(prompt: Prompt) -> str:
    """Return what can be said when a person asks why, without a log."""
    failed = [line for text in prompt.texts for line in re.findall(r"^\w*(?:Error|Exception)\b.*", text, re.M)]
    if failed:
        return f"The last run failed with `{failed[-1][:300]}`. Write “fix it”, and I try to mend the script."
    return "I compute figures and do not know reasons. The script of the answer stands beside it. Of a log you can ask why."


def _work(prompt: Prompt) -> Calls:
    """Return the CodeAssistant's next calls."""
    files, results, conditions = prompt.files, prompt.results, prompt.conditions
    intent = intent_of(prompt.words[-1] if prompt.words else "", files, prompt.kinds)
    reports = sum(1 for result in results if result.tool == "Report")
    if reports > 1 or prompt.sent_back:
        return report("failed", f"I could not show that this is right. {results[-1].text[:300] if results else ''}")
    if intent.kind == "log":
        if intent.strange:
            words = ", ".join(f"“{word}”" for word in intent.strange[:6])
            return report(
                "needs_input", f"I do not understand {words}. About a log I understand “why did it go wrong?”, “errors at 14:05”."
            )
        return log_calls(intent, results, conditions)
    if intent.kind == "table":
        return _table(prompt, intent)
    return _after(intent, results, conditions, files) if results else _begin(intent)


def _table(prompt: Prompt, intent: Intent) -> Calls:
    """Return the next call about a table: its profile, then a script, then the report of what that printed."""
    texts = [
        past.words
        for words in prompt.words
        if (past := intent_of(words, prompt.files, prompt.kinds)).kind == "table" and past.file == intent.file
    ]
    profiles = [result for result in prompt.results if result.tool == "TableProfile"]
    profile = parsed(profiles[-1].text) if profiles else None
    if profiles and profile is None:
        return report("failed", profiles[-1].text.removeprefix("TableProfile did not work: "))
    sheet = _sheet(intent.words, profile) if profile else ""
    if profile is None or (sheet and sheet != profile.sheet and len(profiles) < 2):
        find = list(dict.fromkeys(phrase for text in texts[-3:] for phrase in phrases(text)))[:200]
        return [("TableProfile", {"file": intent.file, "find": find, **({"sheet": sheet} if sheet else {})})]
    query: Query | None = None
    for text in texts:
        try:
            query = understand(_without(text, sheet), profile, query)
        except NotUnderstood as why:
            if text is texts[-1]:
                return report("needs_input", str(why))
    if query is None:
        return report("needs_input", HELP)
    first = _chosen(prompt, intent, profile, query)
    evidence = [{"condition": c, "file": intent.file} for c in prompt.conditions]
    if not texts[-1].strip() and prompt.kinds.get(intent.file) == "table":  # its card says the rest
        return report("complete", f"{first}{nearest(profile)}", evidence=evidence)
    if query.verb in {"describe", "columns", "sheets"}:
        return report("complete", f"{first}{_described(query, profile, profiles[-1].body or '')}", evidence=evidence)
    runs = [result for result in prompt.results if result.tool == "ExecutePyFile"]
    if runs:
        return _ran(runs[-1], prompt.conditions, first)
    plain = NO_PANDAS in profiles[-1].text and profile.size < SMALL and suffices(query, profile)
    script = script_for(query, profile, intent.words, frozenset(prompt.files), plain=plain)
    return [("File", {"name": script.name, "body": script.text}), ("ExecutePyFile", {"name": script.name})]


def _chosen(prompt: Prompt, intent: Intent, profile: Profile, query: Query) -> str:
    """Return what was chosen among candidates, to be said before the answer."""
    tables = [name for name in prompt.files if intent_of(name, [name]).kind == "table" and not name.startswith("output/")]
    chose = list(query.chose)
    if len(tables) > 1 and intent.file.lower() not in prompt.words[-1].lower():
        chose.insert(0, f"of the files I took `{intent.file}`")
    if len(profile.sheets) > 1:
        chose.insert(0, f"sheet “{profile.sheet}” of {len(profile.sheets)}")
    if len(prompt.asked) > 1:
        chose.append(f"this answers the last of your {len(prompt.asked)} messages; ask the others again, one by one")
    return f"({'; '.join(chose)}.) " if chose else ""


def _sheet(words: str, profile: Profile) -> str:
    low = words.lower()
    named = (
        [s for s in profile.sheets if re.search(rf"(?<!\w){re.escape(s.lower())}(?!\w)", low)] if len(profile.sheets) > 1 else []
    )
    return max(named, key=len, default="")


def _without(text: str, sheet: str) -> str:
    return (
        re.sub(
            rf"(?:(?:in|from|of|on)\s+)?(?:the\s+)?(?:sheet\s+)?[“\"]?{re.escape(sheet)}[”\"]?(?:\s+sheet)?", " ", text, flags=re.I
        )
        if sheet
        else text
    )


def _described(query: Query, profile: Profile, told: str) -> str:
    if query.verb == "sheets":
        names = ", ".join(f"“{name}”" for name in profile.sheets)
        return (
            f"`{profile.file}` has {len(profile.sheets)} sheets: {names}." if profile.sheets else f"`{profile.file}` has no sheets."
        )
    columns = len(profile.columns) + profile.hidden
    if query.verb == "columns":
        return f"`{profile.file}` has {columns} columns: {', '.join(f'`{column.name}`' for column in profile.columns)}."
    shown = re.sub(r", total by \w+", "", told)
    return f"`{profile.file}` has {profile.rows:,} rows and {columns} columns.\n```\n{shown}\n```"


def _ran(run: Result, conditions: Sequence[str], first: str) -> Calls:
    """Return the report of a script's run about a table."""
    printed, error = run.stream("stdout").strip(), run.stream("stderr").strip()
    evidence = [{"condition": c, "run": run.name} for c in conditions]
    if run.outcome == "succeeded":
        picture = re.search(r"^Picture: (.+)$", printed, re.M)
        shown = re.sub(r"\n*^Picture: .+$", "", printed, flags=re.M).strip()
        made = [picture[1].strip()] if picture else []
        return report("complete", first + _answer(shown), files=made, evidence=evidence)
    if answer := re.search(r"ANSWER: (.*)", error, re.S):
        return report("failed", first + answer[1].strip())
    if limit := re.match(r".*? \d\S* s\. It (.+)", run.text):
        return report("failed", f"`{run.name}` {limit[1]}")
    last = error.splitlines()[-1] if error else run.text.splitlines()[0]
    return report("failed", f"`{run.name}` {run.outcome}: `{last.strip()[:300]}`")


def _answer(shown: str) -> str:
    head, _, table = shown.partition("\n\n")
    return f"{head}\n\n```\n{table.rstrip()}\n```" if table.strip() else head or "It printed nothing."


def _begin(intent: Intent) -> Calls:
    match intent.kind:
        case "run":
            return [("ExecutePyFile", {"name": intent.file, "args": list(intent.args)})]
        case "list":
            return [("ListFiles", {})]
        case "long":
            name = f"count_to_{intent.count}.py"
            return [("File", {"name": name, "body": SLOWLY.format(count=intent.count)}), ("ExecutePyFile", {"name": name})]
        case "save":
            named = re.search(r"\bas\s+`?([\w.-]+\.\w+)", intent.words)
            name = intent.file or (named[1] if named else "")
            if name:
                return [("File", {"name": name, "block": 1})]
            return report("needs_input", "Under which name shall I save it?")
    return report("failed", HELP)


def _after(intent: Intent, results: Sequence[Result], conditions: Sequence[str], files: Sequence[str]) -> Calls:
    """Return the next calls after the last result about a script or a file."""
    last = results[-1]
    match last.tool:
        case "File" if last.refused:
            return report("failed", last.text)
        case "File":
            evidence = [{"condition": c, "file": last.name} for c in conditions]
            return report("complete", f"Saved as `{last.name}`. I did not run it.", files=[last.name], evidence=evidence)
        case "ListFiles":
            evidence = [{"condition": c, "file": files[0]} for c in conditions] if files else []
            return report("complete", f"The files of this thread:\n```\n{last.text}\n```", evidence=evidence)
        case "ReadFile":
            return _mend(results)
    runs = [result for result in results if result.tool == "ExecutePyFile"]
    if not runs:
        return report("failed", last.text)
    run = runs[-1]
    if intent.kind == "run" and run.outcome == "failed" and len(runs) < 4:
        data = _DATA_FILE.findall("\n".join(result.text for result in results))
        reads: Calls = [("ReadFile", {"name": file, "lines": 1}) for file in dict.fromkeys(data)]
        return [("ReadFile", {"name": run.name, "lines": 2000}), *reads[:2]]
    calls = _ran(run, conditions, "")
    if intent.kind == "run" and run.outcome == "succeeded":
        printed = re.sub(r"\n*^Picture: .+$", "", run.stream("stdout"), flags=re.M).strip()
        mended_it = f"I mended `{run.name}`. " if len(runs) > 1 else ""
        calls[0][1]["answer"] = mended_it + (f"It printed:\n```\n{printed}\n```" if printed else "It ran and printed nothing.")
        made = re.search(r"^Files made or changed: (.+?)\.(?:\n|$)", run.text, re.M)
        pictures = re.findall(r"([^\s,][^,]*?\.png) \(", made[1]) if made else []
        calls[0][1]["files"] = list(dict.fromkeys([*calls[0][1].get("files", []), *pictures]))
    return calls


def _mend(results: Sequence[Result]) -> Calls:
    """Return the calls that fix a script, which failed and was just read, and run it again."""
    run = [result for result in results if result.tool == "ExecutePyFile"][-1]
    reads = [result for result in results if result.tool == "ReadFile"]
    source = next((read.body for read in reversed(reads) if read.name == run.name), None)
    headers = [read.body for read in reads if read.name != run.name and read.body is not None]
    error = run.stream("stderr")
    text = source + "\n" if source is not None else ""
    if not headers and "KeyError" in error:
        data = _DATA_FILE.findall(text)
        if data and data[0] not in {read.name for read in reads}:
            return [("ReadFile", {"name": data[0], "lines": 1})]
    new = mended(text, error, headers)
    if new is None or new == text:
        why = f": `{error.strip().splitlines()[-1][:300]}`" if error.strip() else "; it printed no error."
        return report("failed", f"`{run.name}` failed and I do not know how to mend it{why}")
    return [("File", {"name": run.name, "body": new}), ("ExecutePyFile", dict(run.arguments))]
