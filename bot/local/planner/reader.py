"""Reads the body of the bot's request to a model, on either wire, into typed facts.

Only here does the planner know the sentences of the bot's prompts. A test reads the prompts of a real conversation, so
that rewording one of these sentences in the bot fails that test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
_INCIDENT = re.compile(r"^Suspected incident: (?:(\S+) )?(\d\d:\d\d) to (\d\d:\d\d)", re.M)
_SPAN = re.compile(r"^\S+(?: \d\d:\d\d)? to .*?, ([^,;\n]+)", re.M)
_DIFFERENCE = re.compile(r"^(new|risen|rare), ([\d,]+) against ([\d,]+), (.+?):(\d+): (.*)$", re.M)
_MATCHES = re.compile(r"^([\d,]+) lines match", re.M)


class Written(NamedTuple):
    """A person's message; `earlier` if it was written before the bot was asked."""

    user: str
    text: str
    earlier: bool


class Incident(NamedTuple):
    """A time in which a log has more errors than chance explains; `day` is "" where the log has no dates."""

    day: str
    begin: str
    end: str


class Difference(NamedTuple):
    """A kind of line that is new, risen or rare in a window: its counts there and before, and where one stands."""

    kind: str
    inside: str
    before: str
    file: str
    line: int
    text: str


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
    def incidents(self) -> list[Incident]:
        """The incidents that a log's profile suspects."""
        return [Incident(*match) for match in _INCIDENT.findall(self.text)]

    @property
    def zone(self) -> str:
        """The time zone of a log's profile, or "" where none is stated."""
        match = _SPAN.search(self.text)
        return match[1] if match else ""

    @property
    def differences(self) -> list[Difference]:
        """The rows of a comparison, the strongest first."""
        return [
            Difference(kind, inside, before, file, int(line), text)
            for kind, inside, before, file, line, text in _DIFFERENCE.findall(self.text)
        ]

    @property
    def matches(self) -> int | None:
        """How many lines a search found, or None if it does not say."""
        match = _MATCHES.search(self.text)
        return int(match[1].replace(",", "")) if match else None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request: the names of the tools on offer, and in order the texts and the results of calls."""

    tools: tuple[str, ...]
    items: tuple[str | Result, ...]

    @property
    def texts(self) -> list[str]:
        return [item for item in self.items if isinstance(item, str)]

    @property
    def latest(self) -> str:
        """The last text."""
        return self.texts[-1] if self.texts else ""

    @property
    def written(self) -> list[Written]:
        """People's messages, oldest first; a brief repeats some of them."""
        return [
            Written(match["user"], match["text"] or "", bool(match["earlier"]))
            for text in self.texts
            for match in _WROTE.finditer(text)
            if match["user"]
        ]

    @property
    def words(self) -> list[str]:
        """The texts of people's messages since the bot was asked."""
        return [written.text for written in self.written if not written.earlier]

    @property
    def files(self) -> list[str]:
        """The thread's files, the last mentioned last; without the chart of a file, which is named after it."""
        lists = [names for text in self.texts for names in _FILES.findall(_FENCED.sub("", text))]
        named = [name.strip() for names in lists for name in names.split(", ")]
        last = list(dict.fromkeys(name for name in reversed(named) if name and name != "none"))[::-1]
        return [name for name in last if name.removesuffix(".png") == name or name.removesuffix(".png") not in last]

    @property
    def kinds(self) -> dict[str, str]:
        """What the thread's files hold, table or log, by their names, as their profiles say."""
        profiles = [text for text in self.texts if text.startswith("The files were profiled as they came")]
        logs = {name: "log" for text in profiles for name in re.findall(r"^(\S.*?): [\d,]+ bytes, [\d,]+ lines", text, re.M)}
        return logs | {json.loads(name): "table" for text in profiles for name in _TABLE.findall(text)}

    @property
    def overheard(self) -> bool:
        """Whether the last message was not meant for the bot."""
        return self.latest.startswith("(not addressed to you by name)")

    @property
    def question(self) -> str | None:
        """A specialist's question to the user, if that is the last text."""
        head, _, question = self.latest.partition("\n")
        return question if head.endswith(" needs input:") else None

    @property
    def conditions(self) -> list[str]:
        """The conditions of the last brief."""
        brief = next((item for item in self._since_brief if isinstance(item, str)), "")
        return re.findall(r"^- (.*)$", brief.partition("Done when:\n")[2].partition("\n\n")[0], re.M)

    @property
    def asked(self) -> list[str]:
        """The texts of the messages that the last brief or a later message brought."""
        new = (item for item in self._since_brief if isinstance(item, str))
        return [match["text"] or "" for item in new for match in _WROTE.finditer(item) if match["user"] and not match["earlier"]]

    @property
    def results(self) -> list[Result]:
        """The results of the calls since the last brief, or since what was written while it was worked on."""
        items = self._since_brief
        written = [n for n, item in enumerate(items) if isinstance(item, str) and item.startswith("While you work, ")]
        return [item for item in items[max(written, default=0) :] if isinstance(item, Result)]

    @property
    def sent_back(self) -> bool:
        """Whether the gate sent a report back since the last brief."""
        return any(isinstance(i, str) and i.startswith("Your report does not hold") for i in self._since_brief)

    @property
    def _since_brief(self) -> Sequence[str | Result]:
        briefs = (n for n, i in enumerate(self.items) if isinstance(i, str) and i.startswith("Brief from the UserProxy:"))
        return self.items[max(briefs, default=0) :]


def read_chat(body: Mapping[str, Any]) -> Prompt:
    """Return the prompt in the body of a request to /v1/chat/completions, which is read as one to /v1/responses."""
    items: list[Mapping[str, Any]] = []
    for message in body.get("messages") or ():
        calls = message.get("tool_calls") or ()
        items += ({"type": "function_call", "call_id": call["id"], **call["function"]} for call in calls)
        answers = {"call_id": message.get("tool_call_id"), "output": message.get("content")}
        items.append({"type": "function_call_output", **answers} if message["role"] == "tool" else message)
    tools = [{"type": "function", **tool["function"]} for tool in body.get("tools") or ()]
    return read_responses({"input": items, "tools": tools})


def read_responses(body: Mapping[str, Any]) -> Prompt:
    """Return the prompt in the body of a request to /v1/responses."""
    calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
    items: list[str | Result] = []
    given = body.get("input") or ()
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        match item.get("type", "message"):
            case "message" if item["role"] != "system":
                items.append(_text(item.get("content")))
            case "function_call":
                calls[item["call_id"]] = item["name"], _arguments(item["arguments"])
            case "function_call_output":
                items.append(Result(*calls.get(item["call_id"], ("", {})), _text(item.get("output"))))
    return Prompt(tuple(t["name"] for t in body.get("tools") or () if t.get("type") == "function"), tuple(items))


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
