"""Answers a request about a table: its profile, then a script, then the report of what that printed."""

from __future__ import annotations

import re

from bot.local.planner.intent import Intent, intent_of
from bot.local.planner.query import NotUnderstood, Query
from bot.local.planner.reader import Calls, Prompt, Result, report
from bot.local.planner.requests import HELP, nearest
from bot.local.planner.scripts import script_for, suffices
from bot.local.planner.understand import understand
from bot.local.planner.words import phrases
from bot.tables import Profile, parsed
from bot.tables.command import NO_PANDAS
from bot.tables.sources import SMALL


def table_calls(prompt: Prompt, intent: Intent) -> Calls:
    """Return the next call about a table."""
    past = [intent_of(words, prompt.files, prompt.kinds) for words in prompt.words]
    texts = [one.words for one in past if one.kind == "table" and one.file == intent.file]
    profiles = [result for result in prompt.results if result.tool == "TableProfile"]
    profile = parsed(profiles[-1].text) if profiles else None
    if profiles and profile is None:
        return report("failed", profiles[-1].text.removeprefix("TableProfile did not work: "))
    sheet = _sheet(intent.words, profile) if profile else ""
    if profile is None or (sheet and sheet != profile.sheet and len(profiles) < 2):
        find = list(dict.fromkeys(phrase for text in texts[-3:] for phrase in phrases(text)))[:200]
        return [("TableProfile", {"file": intent.file, "find": find, **({"sheet": sheet} if sheet else {})})]
    try:
        query = _query(texts, sheet, profile)
    except NotUnderstood as why:
        return report("needs_input", str(why))
    first = _chosen(prompt, intent, profile, query)
    evidence = [{"condition": c, "file": intent.file} for c in prompt.conditions]
    if not texts[-1].strip() and prompt.kinds.get(intent.file) == "table":  # its card says the rest
        return report("complete", f"{first}{nearest(profile)}", evidence=evidence)
    if query.verb in {"describe", "columns", "sheets"}:
        return report("complete", f"{first}{_described(query, profile, profiles[-1].body or '')}", evidence=evidence)
    if runs := [result for result in prompt.results if result.tool == "ExecutePyFile"]:
        return _ran(runs[-1], prompt, first)
    plain = NO_PANDAS in profiles[-1].text and profile.size < SMALL and suffices(query, profile)
    script = script_for(query, profile, intent.words, frozenset(prompt.files), plain=plain)
    return [("File", {"name": script.name, "body": script.text}), ("ExecutePyFile", {"name": script.name})]


def _query(texts: list[str], sheet: str, profile: Profile) -> Query:
    """Return what the last text asks for, which may follow those before it; raises NotUnderstood."""
    query, refused = None, NotUnderstood(HELP)
    named = rf"(?:(?:in|from|of|on)\s+)?(?:the\s+)?(?:sheet\s+)?[“\"]?{re.escape(sheet)}[”\"]?(?:\s+sheet)?"
    for text in texts:
        try:
            query, answered = understand(re.sub(named, " ", text, flags=re.I) if sheet else text, profile, query), True
        except NotUnderstood as why:
            refused, answered = why, False
    if query is None or not answered:
        raise refused
    return query


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
    """Return the sheet that is named, if there are several."""
    named = [s for s in profile.sheets if re.search(rf"(?<!\w){re.escape(s)}(?!\w)", words, re.I)]
    return max(named, key=len, default="") if len(profile.sheets) > 1 else ""


def _described(query: Query, profile: Profile, told: str) -> str:
    if query.verb == "sheets":
        names = ", ".join(f"“{name}”" for name in profile.sheets)
        return f"`{profile.file}` has {f'{len(profile.sheets)} sheets: {names}' if names else 'no sheets'}."
    columns = len(profile.columns) + profile.hidden
    if query.verb == "columns":
        return f"`{profile.file}` has {columns} columns: {', '.join(f'`{column.name}`' for column in profile.columns)}."
    shown = re.sub(r", total by \w+", "", told)
    return f"`{profile.file}` has {profile.rows:,} rows and {columns} columns.\n```\n{shown}\n```"


def _ran(run: Result, prompt: Prompt, first: str) -> Calls:
    """Return the report of a script's run."""
    evidence = [{"condition": c, "run": run.name} for c in prompt.conditions]
    if run.outcome == "succeeded":
        head, _, table = run.stream("stdout").strip().partition("\n\n")
        answer = f"{head}\n\n```\n{table.rstrip()}\n```" if table.strip() else head or "It printed nothing."
        return report("complete", first + answer, files=run.pictures, evidence=evidence)
    if answered := re.search(r"ANSWER: (.*)", run.stream("stderr"), re.S):
        return report("failed", first + answered[1].strip())
    return report("failed", run.failure)
