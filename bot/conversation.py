"""What was said and done in a thread, in order, and what comes next.

A `Conversation` is the only state of a turn. Its entries are appended and never changed, so that a process
that dies after any of them can be followed by one that goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter

from bot.execution import Execution, FileName, is_log
from bot.request import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What calls of a model cost; tokens, `cached` being a part of `input`."""

    model: str = ""
    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One tool call as the model wrote it: `arguments` is JSON, perhaps invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """What a person said, with the names under which its files landed in the workspace.

    `context` marks what was said before we were asked; `notes` says which files could not be taken, and why.
    """

    ts: str
    user: str
    text: str
    files: tuple[FileName, ...] = ()
    notes: tuple[str, ...] = ()
    direct: bool = True
    context: bool = False
    command: Command | None = None
    key: str = ""
    kind: Literal["user_message"] = "user_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One answer of an agent, appended before anything in it is performed.

    `opaque` is what the provider wants back, `text` what the model said beside its calls.
    """

    agent: str
    calls: tuple[Call, ...]
    text: str = ""
    opaque: tuple[Mapping[str, Any], ...] = ()
    usage: Usage = field(default_factory=Usage)
    kind: Literal["decision"] = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The result of one call: `result` is what the model reads, `execution` is there when a program ran.

    `changed` are the files that the step itself wrote (a run's are in its execution); `refused` marks a call that was
    not performed because something was wrong with it.
    """

    decision: int
    index: int
    result: str
    execution: Execution | None = None
    ran: FileName | None = None
    changed: tuple[FileName, ...] = ()
    refused: bool = False
    kind: Literal["step"] = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Agent to agent: a brief, or what does not yet hold. `round` counts the gate's refusals of one brief."""

    sender: str
    recipient: str
    text: str
    done_when: tuple[str, ...] = ()
    round: int = 0
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What shows that a condition holds: the run of a file and its outcome, a file, or a line of a log."""

    condition: str
    run: str | None = None
    outcome: str = "succeeded"
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A line of a file, as it is claimed to read; `line` counts from 1."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of lines, as claimed: `query` in the language of log search, `window` as FROM..TO or ""."""

    query: str
    value: int
    window: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A specialist's word that its work is over; the gate reads these fields, never the prose."""

    decision: int
    index: int
    agent: str
    status: Literal["complete", "failed", "needs_input"]
    answer: str
    evidence: tuple[Evidence, ...] = ()
    files: tuple[FileName, ...] = ()
    citations: tuple[Citation, ...] = ()
    counts: tuple[Count, ...] = ()
    kind: Literal["report"] = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the user gets: Markdown, program output apart, the files by name, and what it cost.

    `certain` is False for an account of unfinished work.
    """

    text: str
    output: str = ""
    files: tuple[FileName, ...] = ()
    footer: str = ""
    certain: bool = True
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is shown beside the answer, in a message of its own, before any model is asked: a log's profile.

    Without text there is nothing to show.
    """

    text: str
    files: tuple[FileName, ...] = ()
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One effect in Slack: appended with no result before it is tried, and again with its result after.

    intent `open` is the turn's one message (its result is the ts), `reply` the answer with its files, `notice` a notice.
    """

    intent: Literal["open", "reply", "notice"]
    turn: str
    result: str | None = None
    kind: Literal["delivery"] = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The user wants no more of this turn."""

    user: str
    ts: str
    key: str = ""
    kind: Literal["stopped"] = "stopped"


Entry = Annotated[
    Union[UserMessage, Decision, Step, Message, Report, Reply, Notice, Delivery, Stopped],  # noqa: UP007
    Field(discriminator="kind"),
]
ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Perform:
    """The next thing is one call of a decision: entry number and the call's place in it."""

    decision: int
    index: int


@dataclass(frozen=True, slots=True)
class Decide:
    """The next thing is a decision of this agent."""

    agent: str


@dataclass(frozen=True, slots=True)
class Judge:
    """The next thing is the gate's judgement of this report."""

    report: Report


@dataclass(frozen=True, slots=True)
class Deliver:
    """The next thing is to deliver this reply."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Show:
    """The next thing is to show this notice."""

    notice: Notice


USER_PROXY = "user_proxy"
PROFILER = "profiler"  # the agent that reads uploaded logs, without a model
RUNNER = "runner"  # the agent that performs commands, without a model


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything said and done in a thread, in order."""

    entries: tuple[Entry, ...] = ()

    def __add__(self, entry: Entry) -> Conversation:
        return Conversation((*self.entries, entry))

    @property
    def start(self) -> int:
        """Where the open turn begins: behind the last settling entry."""
        for number in range(len(self.entries) - 1, -1, -1):
            if self._settles(number):
                return number + 1
        return 0

    @property
    def turn(self) -> tuple[Entry, ...]:
        """The entries of the open turn, empty when the conversation is settled."""
        return self.entries[self.start :]

    @property
    def asked(self) -> UserMessage | None:
        """The message that opened the turn; its ts names the turn."""
        return next((e for e in self.turn if isinstance(e, UserMessage) and not e.context), None)

    @property
    def keys(self) -> frozenset[str]:
        """The inbox keys already received."""
        return frozenset(e.key for e in self.entries if isinstance(e, UserMessage | Stopped) and e.key)

    @property
    def next(self) -> Perform | Decide | Judge | Deliver | Show | None:
        """What comes next; it follows from the entries alone. None when the conversation is settled."""
        if self.asked is None:
            return None
        if first := self._notice():
            return first
        for number in range(len(self.entries) - 1, self.start - 1, -1):
            match entry := self.entries[number]:
                case Decision(agent=agent) if agent == PROFILER:
                    continue
                case Reply():
                    return Deliver(entry)
                case Report():
                    return Judge(entry)
                case Message():
                    return Decide(entry.recipient)
                case Decision():
                    return self._after(number, entry)
                case UserMessage(context=False) if not self._working(number):
                    return Decide(RUNNER if entry.command else USER_PROXY)
        return None

    @property
    def logs(self) -> tuple[FileName, ...]:
        """The logs that came with the open turn's messages."""
        files = [f for e in self.turn if isinstance(e, UserMessage) and not e.command for f in e.files]
        return tuple(dict.fromkeys(f for f in files if is_log(f)))

    @property
    def reading(self) -> bool:
        """Whether logs that came are being read, before anything else is done."""
        return self._notice() is not None

    def noticed(self, step: Step) -> bool:
        """Whether a step was made for a notice, which shows what it made."""
        decision = self.entries[step.decision]
        return isinstance(decision, Decision) and decision.agent == PROFILER

    def results(self, number: int) -> dict[int, Step | Report]:
        """The results so far of the decision at entry `number`, by the call's place in it."""
        return {e.index: e for e in self.entries[number + 1 :] if isinstance(e, Step | Report) and e.decision == number}

    def _notice(self) -> Perform | Decide | Show | None:
        """What is to be done for the notice about logs that came, before anything else; None when it is, or none came."""
        for number in range(len(self.entries) - 1, self.start - 1, -1):
            match entry := self.entries[number]:
                case Reply() | Delivery(intent="notice", result=str()) | Notice(text=""):
                    return None
                case Notice():
                    return Show(entry)
                case Decision(agent=agent) if agent == PROFILER:
                    return self._after(number, entry)
        return Decide(PROFILER) if self.logs and not self._working(len(self.entries)) else None

    def _after(self, number: int, decision: Decision) -> Perform | Decide:
        done = self.results(number)
        for index in range(len(decision.calls)):
            if index not in done:
                return Perform(number, index)
        return Decide(decision.agent)

    def _working(self, number: int) -> bool:
        """Whether a specialist was at work when the message at `number` came: it then reads it and goes on."""
        return any(
            isinstance(e, Message) or (isinstance(e, Decision) and e.agent != PROFILER)
            for e in self.entries[self.start : number]
        )

    def _settles(self, number: int) -> bool:
        match self.entries[number]:
            case Delivery(intent="reply", result=str()):
                return True
            case Decision(agent="user_proxy", calls=calls):
                return len(calls) == 1 and calls[0].name == "StaySilent"
        return False
