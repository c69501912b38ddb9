"""Decides the planner's next calls from the words, files and results that a prompt shows."""

from __future__ import annotations

import re
from typing import Any

from bot.local.planner import data
from bot.local.planner.intent import Intent, asks, intent_of
from bot.local.planner.logs import log_calls
from bot.local.planner.mend import mended
from bot.local.planner.reader import Calls, Prompt, Result, report
from bot.local.planner.requests import HELP
from bot.local.planner.tables import table_calls
from bot.local.planner.words import other_language

_DATA_FILE = re.compile(r"[\"']([\w .-]+\.(?:csv|tsv))[\"']")
_DONE = {"log": "the most likely cause is named, with the lines that show it", "save": "the file is saved as given"}


def decide(prompt: Prompt) -> tuple[str, Calls]:
    """Return text, calls, or both."""
    if not prompt.tools:
        return HELP, []
    intent = intent_of(prompt.words[-1] if prompt.words else "", prompt.files, prompt.kinds)
    return "", _work(prompt, intent) if "Report" in prompt.tools else [(prompt.tools[0], {"action": _choose(prompt, intent)})]


def _choose(prompt: Prompt, intent: Intent) -> dict[str, Any]:
    """Return the UserProxy's choice."""
    talk = intent.kind in {"help", "thanks", "why"} or (intent.kind == "table" and not asks(intent.words))
    if prompt.overheard and talk:
        return {"kind": "StaySilent"}
    if said := prompt.question or _said(prompt, intent):
        return {"kind": "Respond", "text": said}
    return {
        "kind": "SendMessage",
        "recipient": "code_assistant",
        "message": f"The user wants this done with {intent.file or 'the thread'}: {intent.kind}",
        "done_when": [_DONE.get(intent.kind, "the script ran without an error and printed the answer")],
    }


def _said(prompt: Prompt, intent: Intent) -> str:
    """Return what is answered without any work, "" if there is work to do."""
    if intent.kind in {"table", "help"} and (foreign := other_language(intent.words)):
        return foreign
    match intent.kind:
        case "thanks":
            return f"Gladly. {HELP}"
        case "help":
            return HELP
        case "why":
            failed = [line for text in prompt.texts for line in re.findall(r"^\w*(?:Error|Exception)\b.*", text, re.M)]
            if failed:
                return f"The last run failed with `{failed[-1][:300]}`. Write “fix it”, and I try to mend the script."
            return "I compute figures and do not know reasons. The script of the answer stands beside it. Of a log you can ask why."
    if intent.file or intent.kind == "save":
        return ""
    seen = ", ".join(f"`{file}`" for file in prompt.files[-8:])
    there = f"I see {seen}, and no table." if seen else "There is no file in this thread yet."
    return f"{there} Attach one here and ask again."


def _work(prompt: Prompt, intent: Intent) -> Calls:
    """Return the CodeAssistant's next calls."""
    results = prompt.results
    if prompt.sent_back or sum(result.tool == "Report" for result in results) > 1:
        return report("failed", f"I could not show that this is right. {results[-1].text[:300] if results else ''}")
    match intent.kind:
        case "log":
            return log_calls(intent.file, intent.words, results, prompt.conditions)
        case "table":
            return table_calls(prompt, intent)
        case "save":
            return _save(prompt, intent)
        case "run" | "long":
            return _run(prompt, intent)
    return report("failed", HELP)


def _save(prompt: Prompt, intent: Intent) -> Calls:
    """Return the call that saves a code block, then the report of it."""
    if prompt.results and prompt.results[-1].refused:
        return report("failed", prompt.results[-1].text)
    if prompt.results:
        name = prompt.results[-1].name
        evidence = [{"condition": c, "file": name} for c in prompt.conditions]
        return report("complete", f"Saved as `{name}`. I did not run it.", files=[name], evidence=evidence)
    named = re.search(r"\bas\s+`?([\w.-]+\.\w+)", intent.words)
    name = intent.file or (named[1] if named else "")
    return [("File", {"name": name, "block": 1})] if name else report("needs_input", "Under which name shall I save it?")


def _run(prompt: Prompt, intent: Intent) -> Calls:
    """Return the next call about a script: run it, read it if it failed, mend it and run it again, report what it printed."""
    results = prompt.results
    runs = [result for result in results if result.tool == "ExecutePyFile"]
    if not runs:
        call = ("ExecutePyFile", {"name": intent.file, "args": list(intent.args)})
        written = [("File", {"name": intent.file, "body": data("scripts")["whole"]["slowly"]})] if intent.kind == "long" else []
        return report("failed", results[-1].text) if results else [*written, call]
    run = runs[-1]
    if results[-1].tool == "ReadFile":
        return _mend(run, [result for result in results if result.tool == "ReadFile"])
    if run.outcome == "failed" and not run.refused and len(runs) < 4:
        return [("ReadFile", {"name": run.name, "lines": 2000})]
    if run.outcome != "succeeded":
        return report("failed", run.failure)
    printed = run.stream("stdout").strip()
    answer = f"It printed:\n```\n{printed}\n```" if printed else "It ran and printed nothing."
    evidence = [{"condition": c, "run": run.name} for c in prompt.conditions]
    mended_it = f"I mended `{run.name}`. " if len(runs) > 1 else ""
    return report("complete", mended_it + answer, files=run.pictures, evidence=evidence)


def _mend(run: Result, reads: list[Result]) -> Calls:
    """Return the calls that fix a script, which failed and was just read, and run it again."""
    source = next((f"{read.body}\n" for read in reversed(reads) if read.name == run.name and read.body is not None), "")
    headers = [read.body for read in reads if read.name != run.name and read.body is not None]
    error = run.stream("stderr")
    unread = [file for file in _DATA_FILE.findall(source) if file not in {read.name for read in reads}]
    if "KeyError" in error and not headers and unread:
        return [("ReadFile", {"name": unread[0], "lines": 1})]
    new = mended(source, error, headers)
    if new is None or new == source:
        why = f": `{error.strip().splitlines()[-1][:300]}`" if error.strip() else "; it printed no error."
        return report("failed", f"`{run.name}` failed and I do not know how to mend it{why}")
    return [("File", {"name": run.name, "body": new}), ("ExecutePyFile", dict(run.arguments))]
