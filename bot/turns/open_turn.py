"""The open turn of a claimed thread: what is on record, and this process's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.ports import Claim
from bot.thread.conversation import Conversation
from bot.thread.entries import Decision, Delivery, Entry, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one turn may use before the user gets an honest account: model calls, tokens, seconds."""

    calls: int = 30
    tokens: int = 500_000
    seconds: float = 900.0


class Turn:
    """A claim with the conversation as this process knows it; whatever is appended is on disk first."""

    def __init__(self, claim: Claim, conversation: Conversation, clock: Callable[[], float]) -> None:
        self.claim = claim
        self.conversation = conversation
        self.shown = ""
        self._clock = clock
        self._started = clock()

    async def append(self, *entries: Entry, close: Iterable[str] = ()) -> None:
        """Put entries on record; the one that settles the turn also closes what the turn answered."""
        grown = Conversation((*self.conversation.entries, *entries))
        keys = grown.keys if grown.next is None else ()
        await self.claim.append(*entries, close={*close, *keys})
        self.conversation = grown

    @property
    def status(self) -> str:
        """What is being done, as Slack's status line words it behind our name."""
        return f"is {self.shown[0].lower()}{self.shown[1:]}…"

    @property
    def name(self) -> str:
        """What names the open turn within its thread: the ts of the message that opened it."""
        asked = self.conversation.opening
        assert asked is not None
        return asked.ts

    @property
    def ts(self) -> str | None:
        """The ts of the open turn's one message, once it is posted."""
        return _opened(self.conversation.turn)

    @property
    def replied(self) -> bool:
        """Whether a reply waits to be delivered."""
        return any(isinstance(e, Reply) for e in self.conversation.turn)

    def tries(self, intent: str) -> int:
        """How often an effect of the open turn was tried."""
        return sum(isinstance(e, Delivery) and e.intent == intent and e.result is None for e in self.conversation.turn)

    def unanswered(self) -> str | None:
        """The ts of the just settled turn's message if it never became an answer, else None."""
        last = self.conversation.entries[-1]
        silent = isinstance(last, Decision) or (isinstance(last, Delivery) and last.result == "withdrawn")
        before = Conversation(self.conversation.entries[:-1])
        return _opened(before.turn) if silent else None

    def seconds(self) -> float:
        """How long this process has worked on the turn."""
        return self._clock() - self._started

    def restart_clock(self) -> None:
        """Begin to count the next turn's seconds."""
        self._started = self._clock()

    def overspent(self, budget: Budget) -> str:
        """Return "", or which part of the budget is used up, in the user's words."""
        spent = self.conversation.usage
        if spent.calls >= budget.calls:
            return f"I used up this turn's {budget.calls} model calls before the work was done."
        if spent.input + spent.output >= budget.tokens:
            return f"I used up this turn's {budget.tokens:,} tokens before the work was done."
        if self.seconds() >= budget.seconds:
            return f"The {budget.seconds:g} seconds of this turn were over before the work was done."
        return ""


def _opened(entries: Iterable[Entry]) -> str | None:
    posted = [e.result for e in entries if isinstance(e, Delivery) and e.intent == "open" and e.result]
    return posted[-1] if posted else None
