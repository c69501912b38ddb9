"""Decides the planner's next calls from the words, files and results that a prompt shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.local.planner.calls import Calls, report
from bot.local.planner.logs import log_calls
from bot.local.planner.mend import mended
from bot.local.planner.reader import Prompt, Result
from bot.local.planner.scripts import script_for
from bot.local.planner.understand import understand
from bot.local.planner.wish import Wish

HELP = (
    "I am the planner: a small program, no language model. With {files} I can: describe a file · plot X by Y (as line, bars,"
    " area, pie) · sum, mean, median, min, max or count of X by Y · top N by X · histogram of X · X against Y · “now as bars” ·"
    " run a script · save a code block as a file · “why did this log go wrong?” or “why errors at HH:MM?” · count slowly."
    " Set `OPENAI_API_KEY` for a language model that does the rest."
)
_DATA_FILE = re.compile(r"[\"']([\w .-]+\.(?:csv|tsv))[\"']")
_THANKS = re.compile(
    r"\s*(?:thanks?|thank you|thx|great|nice|cool|ok(?:ay)?|perfect|danke|merci|hello|hi|hey)\b.{0,20}", re.I | re.S
)


def decide(prompt: Prompt) -> tuple[str, Calls]:
    """Return text, calls, or both."""
    if "Report" in prompt.tools:
        return "", _work(prompt)
    if prompt.tools:
        return "", [(prompt.tools[0], {"action": _choose(prompt)})]
    return HELP.format(files="files in a thread"), []


def _choose(prompt: Prompt) -> dict[str, Any]:
    """Return the UserProxy's choice."""
    if prompt.question is not None:
        return {"kind": "Respond", "text": prompt.question}
    words, files = prompt.words, prompt.files
    wish = _last_wish(words, files)
    if wish.verb == "explain":
        if prompt.overheard:
            return {"kind": "StaySilent"}
        thanked = _THANKS.fullmatch(words[-1] if words else "")
        return {"kind": "Respond", "text": f"{'Gladly. ' if thanked else ''}{HELP.format(files=_listed(files))}"}
    if not wish.file and wish.verb not in {"long", "save", "list"}:
        text = f"Which file do you mean? I see {_listed(files)}. Attach it here and ask again."
        return {"kind": "Respond", "text": text}
    conditions = {
        "log": "the most likely cause is named, with the lines that show it",
        "save": "the file is saved as given",
    }
    return {
        "kind": "SendMessage",
        "recipient": "code_assistant",
        "message": f"The user wants: {wish.verb} {wish.value} {wish.by} {wish.file}".strip(),
        "done_when": [conditions.get(wish.verb, "the script ran without an error and printed the answer")],
    }


def _work(prompt: Prompt) -> Calls:
    """Return the CodeAssistant's next calls."""
    files, results, conditions = prompt.files, prompt.results, prompt.conditions
    wish = _last_wish(prompt.words, files)
    reports = sum(1 for result in results if result.tool == "Report")
    if wish.verb == "log" and not reports:
        return log_calls(wish, results, conditions)
    if not results:
        return _begin(wish, set(files))
    last = results[-1]
    if reports > 1 or prompt.sent_back:
        return report("failed", f"I could not show that this is right. {last.text[:300]}")
    match last.tool:
        case "File" if last.refused:
            return report("failed", last.text)
        case "File":
            evidence = [{"condition": c, "file": last.name} for c in conditions]
            return report(
                "complete", f"Saved as `{last.name}`. I did not run it.", files=[last.name], evidence=evidence
            )
        case "ListFiles":
            evidence = [{"condition": c, "file": files[0]} for c in conditions] if files else []
            return report("complete", f"The files of this thread:\n```\n{last.text}\n```", evidence=evidence)
        case "ReadFile":
            return _mend(results)
        case "ExecutePyFile":
            return _after_run(wish, results, conditions)
    return report("failed", last.text)


def _begin(wish: Wish, taken: set[str]) -> Calls:
    match wish.verb:
        case "run":
            return [("ExecutePyFile", {"name": wish.file, "args": list(wish.args)})]
        case "save":
            named = re.search(r"\bas\s+`?([\w.-]+\.\w+)", wish.words)
            name = wish.file or (named[1] if named else "")
            if not name:
                return report("needs_input", "Under which name shall I save it?")
            return [("File", {"name": name, "block": 1})]
        case "list":
            return [("ListFiles", {})]
        case "explain":
            return report("failed", HELP.format(files=_listed(sorted(taken))))
    script = script_for(wish, frozenset(f for f in taken if not f.startswith("output/")))
    return [("File", {"name": script.name, "body": script.text}), ("ExecutePyFile", {"name": script.name})]


def _after_run(wish: Wish, results: Sequence[Result], conditions: Sequence[str]) -> Calls:
    run = results[-1]
    printed, error = run.stream("stdout").strip(), run.stream("stderr").strip()
    if run.outcome == "succeeded":
        picture = re.search(r"^Picture: (.+)$", printed, re.M)
        answer = _answer(wish, re.sub(r"\n*^Picture: .+$", "", printed, flags=re.M).strip())
        evidence = [{"condition": c, "run": run.name} for c in conditions]
        return report("complete", answer, files=[picture[1].strip()] if picture else [], evidence=evidence)
    if question := re.search(r"QUESTION: (.*)", error, re.S):
        return report("needs_input", question[1].strip())
    mends = sum(1 for result in results if result.tool == "ExecutePyFile")
    if wish.verb == "run" and run.outcome == "failed" and mends < 4:
        data = _DATA_FILE.findall("\n".join(result.text for result in results))
        reads: Calls = [("ReadFile", {"name": file, "lines": 1}) for file in dict.fromkeys(data)]
        return [("ReadFile", {"name": run.name, "lines": 2000}), *reads[:2]]
    last = error.splitlines()[-1] if error else run.text.splitlines()[0]
    return report("failed", f"`{run.name}` {run.outcome}: `{last.strip()[:300]}`")


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


def _answer(wish: Wish, shown: str) -> str:
    if not shown:
        return "It ran and printed nothing."
    head, _, table = shown.partition("\n\n")
    text = head if wish.verb != "run" else ""
    rest = table if text else shown
    return "\n\n".join(p for p in (text, f"```\n{rest.strip()}\n```" if rest.strip() else "") if p)


def _last_wish(words: list[str], files: list[str]) -> Wish:
    wish: Wish | None = None
    for text in words:
        understood = understand(text, files, wish)
        wish = understood if understood.verb != "explain" or text is words[-1] else wish
    return wish or Wish(verb="explain")


def _listed(files: list[str]) -> str:
    return ", ".join(f"`{f}`" for f in files[-8:]) or "a file in this thread"
