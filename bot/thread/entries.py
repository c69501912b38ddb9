"""What was said and done in a thread: the entries of a conversation, appended and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union

from pydantic import ConfigDict, Field, TypeAdapter

from bot.thread.files import FileName
from bot.thread.outcomes import Execution
from bot.thread.request import Command

RunOutcome = Literal["succeeded", "failed", "timed out", "out of memory", "output limit", "disk full", "killed"]
LENIENT = ConfigDict(extra="ignore")  # an extra field that a model adds is ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What model calls cost, in tokens; `cached` ones are part of `input`, `estimated` says that a service did not count."""

    model: str = ""
    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """Return the cost of both, under the name of the later model."""
        return Usage(
            model=other.model or self.model, calls=self.calls + other.calls, input=self.input + other.input,
            cached=self.cached + other.cached, output=self.output + other.output,
            estimated=self.estimated or other.estimated,
        )  # fmt: skip

    @property
    def tokens(self) -> int:
        """All tokens, read and written."""
        return self.input + self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One tool call as the model wrote it: `arguments` is JSON, perhaps invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """Seconds of work, measured monotonically, that ended with this entry; waiting and time without a process are no work."""

    worked: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage(Worked):
    """A person's message, with the names that its files have in the workspace.

    `name` is that of who wrote it. `context` marks what was said before we were asked; `notes` say which files could not be
    taken, and why.
    """

    ts: str
    user: str
    text: str
    name: str = ""
    files: tuple[FileName, ...] = ()
    notes: tuple[str, ...] = ()
    direct: bool = True
    context: bool = False
    command: Command | None = None
    key: str = ""
    kind: Literal["user_message"] = "user_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Worked):
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
class Step(Worked):
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

    @property
    def changed_files(self) -> frozenset[FileName]:
        """The files that the step changed, by itself or through the program it ran."""
        written = self.execution.files if self.execution else ()
        return frozenset(self.changed).union(f.name for f in written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Worked):
    """A message from one agent to another; `round` numbers the gate's objections within a turn, 0 for a brief or a question."""

    sender: str
    recipient: str
    text: str
    done_when: tuple[str, ...] = ()
    round: int = 0
    kind: Literal["message"] = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What shows that one condition of the brief holds: a run, a file, or a line of a file."""

    __pydantic_config__ = LENIENT
    condition: Annotated[str, Field(description="The condition, as the brief words it.")]
    run: Annotated[str | None, Field(description="The file whose last run shows it.")] = None
    outcome: Annotated[RunOutcome, Field(description="How that run ended.")] = "succeeded"
    file: Annotated[str | None, Field(description="A file of the workspace that shows it.")] = None
    line: Annotated[int | None, Field(description="The line of that file, counted from 1.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A line of a file, exactly as it reads."""

    __pydantic_config__ = LENIENT
    file: str
    line: Annotated[int, Field(ge=1)]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of lines that the answer states: how many hold `query` (plain text, or /a regular expression/).

    `window` is FROM..TO on the log's own clock, TO excluded, or empty for the whole file.
    """

    __pydantic_config__ = LENIENT
    query: str
    value: int
    window: str = ""
    file: Annotated[str, Field(json_schema_extra={"minLength": 1})]  # in early data folders it may be ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Worked):
    """A specialist's statement that its work is over; the gate reads these fields, never the prose."""

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
class Reply(Worked):
    """What the user gets: Markdown text, program output, files by name, and a footer that says what it cost."""

    text: str
    output: str = ""
    files: tuple[FileName, ...] = ()
    footer: str = ""
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Worked):
    """The profiles of uploaded data, in a message of their own before any model is asked; an empty one is not posted."""

    text: str
    files: tuple[FileName, ...] = ()
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Worked):
    """A post in Slack: appended without a result before it is tried, and again with the result afterwards.

    `open` is the turn's one message (its result is the ts), `reply` the answer with its files, `notice` a notice, and
    `files` the upload of the bytes of either's files (its result names them; they are put into the thread afterwards).
    `died` is the word that the process ended in the turn again and again, which is not tried twice.
    """

    intent: Literal["open", "reply", "notice", "files", "died"]
    turn: str
    result: str | None = None
    kind: Literal["delivery"] = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Worked):
    """The user stopped the open turn."""

    user: str
    ts: str
    key: str = ""
    kind: Literal["stopped"] = "stopped"


Entry = Annotated[
    Union[UserMessage, Decision, Step, Message, Report, Reply, Notice, Delivery, Stopped],  # noqa: UP007
    Field(discriminator="kind"),
]
ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
