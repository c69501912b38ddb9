"""Reads the body of the bot's request to a model into typed facts.

Only here does the planner know the sentences of the bot's prompts. A test reads the prompts of a real conversation, so
that rewording one of these sentences in the bot fails that test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TABLE = re.compile(r'^\{"table": ("(?:[^"\\]|\\.)*"), ', re.M)
_FENCED = re.compile(r"(?P<fence>`{3,})\n(?P<text>.*?)\n(?P=fence)", re.S)
# A fenced block is skipped whole, so that nothing in data is taken for a person's message.
_WROTE = re.compile(
    rf"(?P<earlier>Earlier in the thread, )?<(?P<user>[^>\n]+)> wrote:\n(?:{_FENCED.pattern}|\(no words\))"
    r"|(?P<data>`{3,})\n.*?\n(?P=data)",
    re.S,
)
_FILES = re.compile(r"^(?:Attached files, in the workspace|Files in the workspace now): (.*)$", re.M)
_OUTCOME = re.compile(r".*? (succeeded|failed|timed out|out of memory|output limit|disk full|killed|interrupted)\b")
_REFUSED = re.compile(r"Not performed: |\w+ (?:was not performed|did not work)\b")
Calls = list[tuple[str, dict[str, Any]]]


def report(status: str, answer: str, **claims: Any) -> Calls:
    """Return the call that ends the work on a brief."""
    return [("Report", {"status": status, "answer": answer or "There is nothing to say.", **claims})]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a call: its tool, its arguments, and the text that the tool returned."""

    tool: str
    arguments: Mapping[str, Any]
    text: str

    @property
    def name(self) -> str:
        """The file that the call was about."""
        return str(self.arguments.get("name"))

    @property
    def refused(self) -> bool:
        """Whether the call was not performed, or a log tool failed."""
        return _REFUSED.match(self.text) is not None

    @property
    def outcome(self) -> str:
        """How a run ended."""
        match = _OUTCOME.match(self.text.removeprefix(self.name))
        return match[1] if match else "failed"

    @property
    def body(self) -> str | None:
        """The fenced lines of a file that was read, or None."""
        match = _FENCED.search(self.text)
        return match["text"] if match else None

    def stream(self, name: str) -> str:
        """Return what a run wrote to `stdout` or `stderr`."""
        match = re.search(rf"^{name}[^\n]*:\n{_FENCED.pattern}", self.text, re.M | re.S)
        return match["text"] if match else ""

    @property
    def pictures(self) -> list[str]:
        """The pictures that a run made or changed."""
        made = re.search(r"^Files made or changed: (.+?)\.(?:\n|$)", self.text, re.M)
        return re.findall(r"([^\s,][^,]*?\.png) \(", made[1]) if made else []

    @property
    def failure(self) -> str:
        """Why a run did not succeed."""
        if limit := re.match(r".*? \d\S* s\. It (.+)", self.text):
            return f"`{self.name}` {limit[1]}"
        last = [*self.text.splitlines()[:1], *self.stream("stderr").strip().splitlines()][-1]
        return f"`{self.name}` {self.outcome}: `{last.strip()[:300]}`"


class Prompt:
    """A request: the names of the `tools` on offer, the `texts` and the `results` of calls in order, and what they say."""

    def __init__(self, tools: Sequence[str], items: Sequence[str | Result]) -> None:
        begun = [n for n, item in enumerate(items) if isinstance(item, str) and item.startswith("Brief from the UserProxy:")]
        since = items[max(begun, default=0) :]
        brief = next((item for item in since if isinstance(item, str)), "")
        written = [n for n, item in enumerate(since) if isinstance(item, str) and item.startswith("While you work, ")]
        self.tools = tools
        self.texts = [item for item in items if isinstance(item, str)]
        last = self.texts[-1] if self.texts else ""
        self.overheard = last.startswith("(not addressed to you by name)")
        # A specialist's question to the user.
        self.question = last.partition("\n")[2] if last.partition("\n")[0].endswith(" needs input:") else None
        # What people wrote since the bot was asked, oldest first (a brief repeats some of it), and what the last brief brought.
        self.words, self.asked = _words(items), _words(since)
        self.files, self.kinds = _files(self.texts), _kinds(self.texts)
        self.conditions = re.findall(r"^- (.*)$", brief.partition("Done when:\n")[2].partition("\n\n")[0], re.M)
        # Since the last brief, or since what was written while it was worked on.
        self.results = [item for item in since[max(written, default=0) :] if isinstance(item, Result)]
        self.sent_back = any(isinstance(i, str) and i.startswith("Your report does not hold") for i in since)


def _files(texts: Sequence[str]) -> list[str]:
    """Return the thread's files, the last mentioned last; without the chart of a file, which is named after it."""
    lists = [names for text in texts for names in _FILES.findall(_FENCED.sub("", text))]
    named = [name.strip() for names in lists for name in names.split(", ")]
    last = list(dict.fromkeys(name for name in reversed(named) if name and name != "none"))[::-1]
    return [name for name in last if name.removesuffix(".png") == name or name.removesuffix(".png") not in last]


def _kinds(texts: Sequence[str]) -> dict[str, str]:
    """Return what files hold, table or log, by their names, as their profiles say."""
    profiles = [text for text in texts if text.startswith("The files were profiled as they came")]
    logs = {name: "log" for text in profiles for name in re.findall(r"^(\S.*?): [\d,]+ bytes, [\d,]+ lines", text, re.M)}
    return logs | {json.loads(name): "table" for text in profiles for name in _TABLE.findall(text)}


def _words(items: Sequence[str | Result]) -> list[str]:
    matches = (match for item in items if isinstance(item, str) for match in _WROTE.finditer(item))
    return [match["text"] or "" for match in matches if match["user"] and not match["earlier"]]


def read_chat(body: Mapping[str, Any]) -> Prompt:
    """Return the prompt in the body of a request to /v1/chat/completions."""
    calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
    items: list[str | Result] = []
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            calls[call["id"]] = call["function"]["name"], json.loads(call["function"]["arguments"])
        if message["role"] == "tool":
            items.append(Result(*calls[message["tool_call_id"]], _text(message["content"])))
        elif message["role"] != "system" and message.get("content"):
            items.append(_text(message["content"]))
    return Prompt(tuple(tool["function"]["name"] for tool in body.get("tools") or ()), tuple(items))


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
