"""The group chat: calls the agents, holds a turn to its budget, and turns a failed service into a reply."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.agents.prompts import NO_TOOL
from bot.agents.replies import account
from bot.errors import ServiceError
from bot.ports import Sandbox
from bot.thread.conversation import PROFILER, RUNNER, USER_PROXY, Conversation, Perform
from bot.thread.entries import Decision, Entry, Message, Reply, Report, Step
from bot.thread.request import ThreadId
from bot.turns.open_turn import OpenTurn

log = logging.getLogger(__name__)


class Agent(Protocol):
    """One member of the group chat."""

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Entry:
        """Return the agent's next decision, or a reply that needs no more decisions."""

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Perform one call of the agent's own decision and return its result."""


class Proxy(Agent, Protocol):
    """The agent that speaks with the user."""

    async def judge(self, conversation: Conversation, report: Report, sandbox: Sandbox) -> Entry:
        """Return the reply for a report that is certain, or the message that sends it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one turn may use before the user gets an honest account: model calls, tokens, seconds."""

    calls: int = 30
    tokens: int = 500_000
    seconds: float = 900.0

    def overspent(self, turn: OpenTurn) -> str:
        """Return "", or which part of the budget is used up, in the user's words."""
        spent = turn.conversation.usage
        if spent.calls >= self.calls:
            return f"I used up this turn's {self.calls} model calls before the work was done."
        if spent.input + spent.output >= self.tokens:
            return f"I used up this turn's {self.tokens:,} tokens before the work was done."
        if turn.seconds() >= self.seconds:
            return f"The {self.seconds:g} seconds of this turn were over before the work was done."
        return ""


class GroupChat:
    """Calls the agents; a ServiceError that one raises ends the turn with the error's text as its reply."""

    def __init__(self, proxy: Proxy, others: Mapping[str, Agent], budget: Budget) -> None:
        """`others` are the specialists and the agents without a model, by name."""
        self._proxy = proxy
        self._agents: dict[str, Agent] = {USER_PROXY: proxy, **others}
        self._budget = budget

    async def decide(self, name: str, turn: OpenTurn) -> list[Entry]:
        """Return the agent's decision, with a reminder if it calls nothing; an account once the budget is used up."""
        if name not in (RUNNER, PROFILER) and (spent := self._budget.overspent(turn)):
            return [account(turn.conversation, spent)]
        entry = await _or_sorry(self._agents[name].decide(turn.thread, turn.conversation))
        calls = [c.name for c in entry.calls] if isinstance(entry, Decision) else []
        log.info("%s decided: %s", name, ", ".join(calls) or "nothing to call")
        if isinstance(entry, Decision) and not calls:
            return [entry, Message(sender=USER_PROXY, recipient=name, text=NO_TOOL)]
        return [entry]

    async def perform(self, at: Perform, turn: OpenTurn) -> Entry:
        """Have a call performed by the agent that made it."""
        agent = self._agents[turn.conversation.decision(at).agent]
        entry = await _or_sorry(agent.perform(turn.conversation, at, turn.sandbox))
        if isinstance(entry, Step) and entry.execution:
            log.info("ran %s: %s in %.2f s", entry.ran, entry.execution.outcome, entry.execution.duration)
        return entry

    async def judge(self, report: Report, turn: OpenTurn) -> Entry:
        """Have a report judged by the proxy."""
        return await _or_sorry(self._proxy.judge(turn.conversation, report, turn.sandbox))


async def _or_sorry(act: Awaitable[Entry]) -> Entry:
    """Return the entry that an agent makes, or a reply with the text of the ServiceError that it raised."""
    try:
        return await act
    except ServiceError as error:
        log.warning("%s", error, exc_info=error.__cause__)
        return Reply(text=str(error))
