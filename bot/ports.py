"""What the core asks of the world: Chat, Model, Sandboxes, Store.

Every failure of an adapter is a ServiceError whose text is for the user and whose cause is chained. Other errors,
and failures that are results, are named by each method.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from bot.thread.conversation import Conversation
from bot.thread.entries import Decision, Entry, Reply, Usage
from bot.thread.files import FileInfo, FileName
from bot.thread.outcomes import Execution
from bot.thread.request import Request, ThreadId, Upload

Typed = TypeVar("Typed", bound=BaseModel)


# --- Model ---


@dataclass(frozen=True, slots=True)
class Input:
    """A text for the agent: from the user, from another agent, or a note of the program."""

    text: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier decision of the agent, with one result for each of its calls, in order."""

    decision: Decision
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What an agent sees; `system` and earlier `items` stay byte-identical from call to call, for the provider's cache."""

    agent: str
    thread: str
    system: str
    items: tuple[Input | Exchange, ...]


class Model(Protocol):
    """A language model with its settings.

    Both methods raise ServiceError when it does not answer and SetupError when only other settings would help. Both read what the
    model meant: a call that it wrote as text is a call, and nearly right arguments are mended where nothing is lost.
    """

    async def decide(self, prompt: Prompt, tools: Sequence[type[BaseModel]]) -> Decision:
        """Return the model's calls among `tools`; invalid, unknown or no calls are not an error here."""

    async def choose(self, prompt: Prompt, answer: type[Typed]) -> tuple[Typed | str, Usage]:
        """Return one validated `answer`, or the text that the model twice gave instead ("" for none), with what all that cost."""


# --- Sandboxes ---


class Sandbox(Protocol):
    """One thread's workspace and the right to run Python in it, and nothing else."""

    async def put(self, name: FileName, chunks: AsyncIterator[bytes]) -> FileInfo:
        """Write a file whole or not at all, replacing one of that name; raises TooLarge past the limits."""

    def open(self, name: FileName) -> AsyncIterator[bytes]:
        """Yield the file's bytes; raises NoSuchFile. Never follows a link."""

    async def list(self) -> Sequence[FileInfo]:
        """Return the thread's regular files, sorted by name; links, devices and names we cannot use are not listed."""

    async def run(self, name: FileName, args: Sequence[str] = (), *, stdin: str = "", timeout: float | None = None) -> Execution:
        """Run a Python file of the workspace under the limits and stage what it changed.

        A program that fails or breaks a limit is an Execution, not an error; a missing file raises NoSuchFile. Cancelling
        kills the whole process tree before it returns. The workspace is unchanged until `commit`.
        """

    def end_run(self) -> bool:
        """End the run in progress, which becomes an interrupted Execution with what it printed; return whether there was one."""

    async def toolkit(self, name: str, arguments: Sequence[str], *, stdin: str = "") -> Execution:
        """Run a toolkit, `logs` or `tables`, on the thread's files under the same limits; `arguments` are those of its command.

        Its indexes stay in the workspace, but no list shows them. The exit code is 2 when the arguments are wrong.
        """

    async def commit(self, execution: Execution) -> None:
        """Apply what a run changed. Doing it again, also after a crash at any point, changes nothing."""


class Sandboxes(Protocol):
    """Gives each thread its sandbox."""

    def open(self, thread: ThreadId) -> AbstractAsyncContextManager[Sandbox]:
        """Open the thread's sandbox; raises ServiceError when no tier works here: nothing ever runs unsandboxed."""


# --- Chat ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """A message by a person or another bot that was in the thread before we were asked."""

    ts: str
    user: str
    text: str
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who somebody is.

    `name` is what others see, "" where nobody knows. `external` covers Slack Connect and strangers, `guest` both kinds of guest.
    """

    user: str
    name: str = ""
    external: bool = False
    guest: bool = False
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedScript:
    """The script a command means, the thread of the message that carried it, and all files of that message."""

    thread: ThreadId
    script: Upload
    uploads: tuple[Upload, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line of the plan shown while working; `state` is pending, running, done or failed."""

    title: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A generated file to upload: its name, its size in bytes and its bytes, from the first one at each call of `chunks`."""

    name: FileName
    size: int
    chunks: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Files whose bytes Slack has, by Slack's ids, and in words what could not be uploaded; they are not yet in the thread."""

    ids: tuple[str, ...]
    problem: str = ""


class Chat(Protocol):
    """Slack, in our words. `turn` is the turn's name in its thread; its messages carry it, so that they are found again."""

    async def status(self, thread: ThreadId, text: str) -> None:
        """Show `text` as our status in the thread ("" clears it). Best effort: a failure is logged, never raised."""

    async def open(self, thread: ThreadId, turn: str, *, again: bool) -> str:
        """Post the turn's one message and return its ts; with `again`, first look whether it was posted before."""

    async def show(self, thread: ThreadId, ts: str, tasks: Sequence[Task]) -> None:
        """Show what is being done, with a Stop button, in the turn's message. Best effort and throttled."""

    async def deliver(
        self, thread: ThreadId, turn: str, ts: str, reply: Reply, files: Sequence[Attachment], *, again: bool,
        sent: Uploaded | None = None, keep: Callable[[Uploaded], Awaitable[None]] | None = None,
    ) -> str:  # fmt: skip
        """Edit the turn's message into the answer, post what does not fit, then share all files in one message.

        With `again`, first look for what was posted before. `keep` is called with the files once Slack has their bytes;
        `sent` is what it was given in an earlier try, whose files are not uploaded again. Returns "" or, worded for the user,
        what could not be delivered (the user was told as well). Raises ServiceError when anything is left to be done.
        """

    async def remove(self, thread: ThreadId, ts: str) -> None:
        """Delete the turn's message, because there is nothing to answer."""

    async def whisper(self, request: Request, text: str) -> None:
        """Tell the person who asked, and nobody else. Best effort."""

    async def history(self, thread: ThreadId, before: str, *, since: str = "") -> Sequence[Overheard]:
        """Return what was said and attached between ts `since` ("": the beginning) and ts `before`, both left out, oldest first.

        Our own messages are left out as well.
        """

    async def file_name(self, upload: Upload) -> str:
        """Return the name of an upload, also of one that came by its id alone, as other organizations' do; raises as `download`."""

    def download(self, upload: Upload) -> AsyncIterator[bytes]:
        """Yield an upload's bytes; raises UserError when Slack will not give them, saying why in the user's words."""

    async def find_upload(self, request: Request) -> SharedScript | Sequence[Upload]:
        """Return what the command means, or the several candidates; raises UserError when there is none.

        Only files shared in the channel of the command are considered.
        """

    async def person(self, user: str) -> Person:
        """Return who this is."""


# --- Store ---

SUSPECT = 2  # deaths after which a turn is resumed alone, as it may be what kills the process


class Claim(Protocol):
    """A lease on one thread, its epoch the fencing token: once a newer one exists, all methods but `release` raise Lost."""

    crashes: int  # how many errors of ours broke the open turn since its last new entry
    deaths: int  # how many processes died while they worked on it since then
    rests: bool  # whether it must not go on yet because of that; its inbox may be looked at

    async def load(self) -> Conversation:
        """Return everything said and done in the thread."""

    async def append(self, *entries: Entry, close: Iterable[str] = ()) -> None:
        """Append entries and close inbox rows by key, all in one transaction."""

    async def inbox(self) -> Sequence[Request]:
        """Return the thread's open requests in the order of their ts."""

    async def release(self, *, broke: bool = False, rest: float = 0.0) -> None:
        """Record that this claim ended, by an error of ours if it `broke`; the thread is not due for `rest` seconds."""


class Store(Protocol):
    """Where requests and conversations live; every write is on disk when its method returns."""

    async def accept(self, request: Request) -> bool:
        """Put the request into the inbox, in one transaction, and return True; False when its key is known.

        A request that does not concern us is not stored and returns False as well: an indirect message by a person who has made
        no direct request in the thread, a change of a message that is not in the inbox, a stop in a thread without requests,
        a message whose deletion came first.
        """

    async def claim(self, thread: ThreadId) -> Claim:
        """Take the thread: its epoch grows by one, and older claims are lost."""

    async def move(self, request: Request, to: ThreadId) -> None:
        """Move an open request, stored anew as given, to the thread it turned out to belong to."""

    async def waiting(self) -> Sequence[ThreadId]:
        """Return the threads with open requests, the longest waiting first; a turn's requests are open until it is settled."""

    async def due(self) -> Sequence[ThreadId]:
        """Return those of them to work on now, in order.

        A turn that a process died with and that has not gone on since rests ever longer; after its second death it comes after
        all others, and alone.
        """

    async def spent(self, team: str, user: str | None, since: float) -> int:
        """Return the tokens that turns of this user (None: of everybody) used since a Unix time."""


class Marks(Protocol):
    """How far each channel was heard, so that what was missed can be asked for; a mark is the ts of a message."""

    async def marks(self) -> Mapping[str, str]:
        """Return the mark of each channel, by its id; "" stands for the channels without one."""

    async def mark(self, marks: Mapping[str, str]) -> None:
        """Move marks on; none goes back."""

    async def active(self, since: float) -> Mapping[ThreadId, float]:
        """Return the threads with a request since a Unix time, each with the time of its newest."""
