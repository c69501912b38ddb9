"""What the planner decides: the next call, from the words, the files and the results it is shown."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from bot.local.planner.logs import log_calls
from bot.local.planner.mend import mended
from bot.local.planner.scripts import script_for
from bot.local.planner.understand import understand
from bot.local.planner.wish import Wish

Calls = list[tuple[str, dict[str, Any]]]
HELP = (
    "I am the planner: a small program, no language model. With {files} I can: describe a file · plot X by Y (as line, bars,"
    " area, pie) · sum, mean, median, min, max or count of X by Y · top N by X · histogram of X · X against Y · “now as bars” ·"
    " run a script · save a code block as a file · “why did this log go wrong?” or “why errors at HH:MM?” · count slowly."
    " Set `OPENAI_API_KEY` for a language model that does the rest."
)
_WROTE = re.compile(
    r"(?<!Earlier in the thread, )<[^>\s]+> wrote:\n(?:(?P<fence>`{3,})\n(?P<text>.*?)\n(?P=fence)|\(no words\))", re.S
)
_ATTACHED = re.compile(r"^(?:Attached files, in the workspace|Files in the workspace now): (.*)$", re.M)
_FENCED = re.compile(r"(?P<fence>`{3,})\n(?P<text>.*?)\n(?P=fence)", re.S)
_THANKS = re.compile(
    r"\s*(?:thanks?|thank you|thx|great|nice|cool|ok(?:ay)?|perfect|danke|merci|hello|hi|hey)\b.{0,20}", re.I | re.S
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a request: text, calls (id, name, arguments), or the result of a call (id, text)."""

    role: str
    text: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    result: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request: the names of the tools offered, and the conversation."""

    tools: tuple[str, ...]
    turns: tuple[Turn, ...]


def decide(seen: Seen) -> tuple[str, Calls]:
    """Return text, calls, or both."""
    if "Report" in seen.tools:
        return "", _work(seen)
    if seen.tools:
        return "", [(seen.tools[0], {"action": _choose(seen)})]
    return HELP.format(files="files in a thread"), []


def _choose(seen: Seen) -> dict[str, Any]:
    """The UserProxy's choice."""
    said = [t.text for t in seen.turns if t.role == "user"]
    words, files = _words(said), _files(said)
    overheard = bool(said) and said[-1].startswith("(not addressed")
    if said and "needs input:" in said[-1].split("\n")[0]:
        return {"kind": "Respond", "text": said[-1].split("\n", 1)[1]}
    wish = _last_wish(words, files)
    latest = words[-1] if words else ""
    if wish.verb == "explain":
        if overheard:
            return {"kind": "StaySilent"}
        if _THANKS.fullmatch(latest):
            return {"kind": "Respond", "text": f"Gladly. {HELP.format(files=_listed(files))}"}
        return {"kind": "Respond", "text": HELP.format(files=_listed(files))}
    if not wish.file and wish.verb not in {"long", "save", "list"}:
        return {
            "kind": "Respond",
            "text": f"Which file do you mean? I see {_listed(files)}. Attach it here and ask again.",
        }
    if wish.verb == "log":
        done_when = ["the most likely cause is named, with the lines that show it"]
    elif wish.verb == "save":
        done_when = ["the file is saved as given"]
    else:
        done_when = ["the script ran without an error and printed the answer"]
    return {
        "kind": "SendMessage",
        "recipient": "code_assistant",
        "message": f"The user wants: {wish.verb} {wish.value} {wish.by} {wish.file}".strip(),
        "done_when": done_when,
    }


def _work(seen: Seen) -> Calls:
    """The CodeAssistant's next calls."""
    texts = [t.text for t in seen.turns if t.role == "user"]
    start = max((n for n, t in enumerate(seen.turns) if t.text.startswith("Brief from the UserProxy")), default=0)
    wish = _last_wish(_words(texts), _files(texts))
    results = [(*_call(seen, t.result[0]), t.result[1]) for t in seen.turns[start:] if t.result]
    conditions = re.findall(r"^- (.*)$", _section(seen.turns[start].text), re.M)
    if wish.verb == "log" and not any(r[0] == "Report" for r in results):
        return log_calls(wish, results, conditions)
    if not results:
        return _begin(wish, set(_files(texts)))
    name, arguments, result = results[-1]
    if sum(1 for r in results if r[0] == "Report") > 1 or any(
        t.text.startswith("Your report does not hold") for t in seen.turns[start:]
    ):
        return _report("failed", f"I could not show that this is right. {result[:300]}")
    if name in {"File", "ListFiles"}:
        evidence = [{"condition": c, "file": arguments.get("name")} for c in conditions] if name == "File" else []
        if name == "File" and "not performed" in result:
            return _report("failed", result)
        if name == "ListFiles":
            return _report(
                "complete", f"The files of this thread:\n```\n{result}\n```", evidence=_all(conditions, _files(texts))
            )
        return _report(
            "complete",
            f"Saved as `{arguments.get('name')}`. I did not run it.",
            files=[arguments.get("name")],
            evidence=evidence,
        )
    if name == "ReadFile":
        return _mend(results, wish)
    if name == "ExecutePyFile":
        return _after_run(wish, arguments, result, results, conditions)
    return _report("failed", result)


def _begin(wish: Wish, taken: set[str]) -> Calls:
    match wish.verb:
        case "run":
            return [("ExecutePyFile", {"name": wish.file, "args": list(wish.args)})]
        case "save":
            name = wish.file or _name_in(wish.words)
            if not name:
                return _report("needs_input", "Under which name shall I save it?")
            return [("File", {"name": name, "block": 1})]
        case "list":
            return [("ListFiles", {})]
        case "explain":
            return _report("failed", HELP.format(files=_listed(sorted(taken))))
    script = script_for(wish, frozenset(f for f in taken if not f.startswith("output/")))
    return [("File", {"name": script.name, "body": script.text}), ("ExecutePyFile", {"name": script.name})]


def _after_run(wish: Wish, arguments: dict[str, Any], result: str, results: list[Any], conditions: list[str]) -> Calls:
    script, outcome = str(arguments.get("name")), _outcome(result)
    shown = _stream(result, "stdout").strip()
    if outcome == "succeeded":
        picture = re.search(r"^Picture: (.+)$", shown, re.M)
        answer = _answer(wish, re.sub(r"\n*^Picture: .+$", "", shown, flags=re.M).strip())
        evidence = [{"condition": c, "run": script} for c in conditions]
        files = [picture[1].strip()] if picture else []
        return _report("complete", answer, files=files, evidence=evidence)
    error = _stream(result, "stderr").strip()
    if question := re.search(r"QUESTION: (.*)", error, re.S):
        return _report("needs_input", question[1].strip())
    mends = sum(1 for r in results if r[0] == "ExecutePyFile")
    if wish.verb == "run" and outcome == "failed" and mends < 4:
        reads: Calls = [("ReadFile", {"name": script, "lines": 2000})]
        data = re.findall(r"[\"']([\w .-]+\.(?:csv|tsv))[\"']", "\n".join(r[2] for r in results)) or [wish.file] * 0
        return reads + [("ReadFile", {"name": f, "lines": 1}) for f in dict.fromkeys(data)][:2]
    last = error.splitlines()[-1] if error else result.splitlines()[0]
    return _report("failed", f"`{script}` {outcome}: `{last.strip()[:300]}`")


def _mend(results: list[Any], wish: Wish) -> Calls:
    """Mend a script by what its traceback says; the script was just read."""
    runs = [r for r in results if r[0] == "ExecutePyFile"]
    reads = [r for r in results if r[0] == "ReadFile"]
    script = str(runs[-1][1].get("name"))
    source = next((_FENCED.search(r[2]) for r in reversed(reads) if r[1].get("name") == script), None)
    headers = [m["text"] for r in reads if r[1].get("name") != script and (m := _FENCED.search(r[2]))]
    error = _stream(runs[-1][2], "stderr")
    text = source["text"] + "\n" if source else ""
    if not headers and "KeyError" in error:
        data = re.findall(r"[\"']([\w .-]+\.(?:csv|tsv))[\"']", text)
        asked = {r[1].get("name") for r in reads}
        if data and data[0] not in asked:
            return [("ReadFile", {"name": data[0], "lines": 1})]
    new = mended(text, error, headers)
    last = error.strip().splitlines()[-1] if error.strip() else ""
    if new is None or new == text:
        why = f": `{last[:300]}`" if last else "; it printed no error."
        return _report("failed", f"`{script}` failed and I do not know how to mend it{why}")
    return [("File", {"name": script, "body": new}), ("ExecutePyFile", runs[-1][1])]


def _answer(wish: Wish, shown: str) -> str:
    if not shown:
        return "It ran and printed nothing."
    head, _, table = shown.partition("\n\n")
    text = head if wish.verb != "run" else ""
    rest = table if text else shown
    return "\n\n".join(p for p in (text, f"```\n{rest.strip()}\n```" if rest.strip() else "") if p)


def _report(status: str, answer: str, **more: Any) -> Calls:
    return [("Report", {"status": status, "answer": answer or "There is nothing to say.", **more})]


def _all(conditions: list[str], files: list[str]) -> list[dict[str, Any]]:
    return [{"condition": c, "file": files[0]} for c in conditions] if files else []


def _last_wish(words: list[str], files: list[str]) -> Wish:
    wish: Wish | None = None
    for said in words:
        found = understand(said, files, wish)
        wish = found if found.verb != "explain" or said is words[-1] else wish
    return wish or Wish(verb="explain")


def _words(texts: list[str]) -> list[str]:
    return [m["text"] or "" for text in texts for m in _WROTE.finditer(text)]


def _files(texts: list[str]) -> list[str]:
    found = [f.strip() for text in texts for match in _ATTACHED.findall(text) for f in match.split(", ")]
    names = list(dict.fromkeys(f for f in reversed(found) if f and f != "none"))[::-1]
    return [name for name in names if name.removesuffix(".png") == name or name.removesuffix(".png") not in names]


def _section(brief: str) -> str:
    return brief.partition("Done when:\n")[2].partition("\n\n")[0]


def _call(seen: Seen, call_id: str) -> tuple[str, dict[str, Any]]:
    for turn in seen.turns:
        for identity, name, arguments in turn.calls:
            if identity == call_id:
                try:
                    return name, json.loads(arguments)
                except ValueError:
                    return name, {}
    return "", {}


def _outcome(result: str) -> str:
    found = re.match(
        r".+? (succeeded|failed|timed out|out of memory|output limit|disk full|killed|interrupted)\b", result
    )
    return found[1] if found else "failed"


def _stream(result: str, name: str) -> str:
    found = re.search(rf"^{name}[^\n]*:\n(?P<fence>`{{3,}})\n(?P<text>.*?)\n(?P=fence)", result, re.M | re.S)
    return found["text"] if found else ""


def _listed(files: list[str]) -> str:
    return ", ".join(f"`{f}`" for f in files[-8:]) or "a file in this thread"


def _name_in(words: str) -> str:
    found = re.search(r"\bas\s+`?([\w.-]+\.\w+)", words)
    return found[1] if found else ""
