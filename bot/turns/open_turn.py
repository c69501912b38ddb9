"""The open turn of a claimed thread: its conversation, its sandbox, and how long it was worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bot.ports import Claim, Sandbox
from bot.thread.conversation import Conversation
from bot.thread.entries import Delivery, Entry, Step
from bot.thread.request import ThreadId


class OpenTurn:
    """A claimed thread's conversation as this process knows it, from one question to its answer."""

    def __init__(
        self, thread: ThreadId, claim: Claim, conversation: Conversation, sandbox: Sandbox, clock: Callable[[], float]
    ) -> None:
        self.thread = thread
        self.claim = claim
        self.conversation = conversation
        self.sandbox = sandbox
        """Measure work by `clock`, in seconds; it must never step."""
        self._clock = clock
        self._since = clock()
        self.refused: set[str] = set()  # the keys of the stops that were refused
        self.title = ""  # of the task that the thread's status last showed

    async def append(self, *entries: Entry, close: Iterable[str] = ()) -> None:
        """Append entries, then commit the file changes of their runs.

        The entry that settles the turn also closes the requests that the turn answered. The first one keeps the time worked.
        """
        now = self._clock()
        if entries:
            entries = (replace(entries[0], worked=round(now - self._since, 3)), *entries[1:])
            self._since = now
        grown = Conversation((*self.conversation.entries, *entries))
        keys = grown.keys if grown.next is None else ()
        await self.claim.append(*entries, close={*close, *keys})
        self.conversation = grown
        await self._commit(entries)

    async def roll_forward(self) -> None:
        """Commit the file changes of the turn's runs, in case an earlier process died before it did."""
        await self._commit(self.conversation.turn)

    async def _commit(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if isinstance(entry, Step) and entry.execution:
                await self.sandbox.commit(entry.execution)

    @property
    def name(self) -> str:
        """The turn's name within its thread: the ts of the message that opened it."""
        opening = self.conversation.opening
        assert opening is not None
        return opening.ts

    @property
    def ts(self) -> str | None:
        """The ts of the turn's one message, once it is posted."""
        posted = [e.result for e in self.conversation.turn if isinstance(e, Delivery) and e.intent == "open" and e.result]
        return posted[-1] if posted else None

    @property
    def stands(self) -> bool:
        """Whether the turn's message is surely in the thread: nothing was begun since it was posted that may have deleted it."""
        opens = [e for e in self.conversation.turn if isinstance(e, Delivery) and e.intent == "open"]
        return bool(opens) and opens[-1].result is not None

    def tries(self, intent: str) -> int:
        """Return how often a delivery of the turn was tried."""
        return sum(isinstance(e, Delivery) and e.intent == intent and e.result is None for e in self.conversation.turn)

    def settled_by(self, entries: Iterable[Entry]) -> bool:
        """Whether the turn would be settled with these entries."""
        return Conversation((*self.conversation.entries, *entries)).next is None

    def seconds(self) -> float:
        """Return how long the turn was worked on, by all processes."""
        return sum(e.worked for e in self.conversation.turn) + self._clock() - self._since
