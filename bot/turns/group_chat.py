"""The group chat: calls the agents, holds a turn to its budget, and turns a failed service into a reply."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.agents.prompts import NO_TOOL, REPEATED
from bot.agents.replies import account, unchecked
from bot.errors import ServiceError
from bot.ports import Sandbox
from bot.thread.conversation import PROFILER, RUNNER, USER_PROXY, Conversation, Perform
from bot.thread.entries import Decision, Entry, Message, Reply, Report, Step, Usage
from bot.thread.request import ThreadId
from bot.turns.open_turn import OpenTurn

log = logging.getLogger(__name__)
MAX_NUDGES = 2  # how often an agent that only talks is asked to use a tool


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
        entries = await _or_sorry(self._agents[name].decide(turn.thread, turn.conversation), name)
        entry = entries[-1]
        if not isinstance(entry, Decision):
            return entries
        calls = [c.name for c in entry.calls]
        log.info("%s decided: %s", name, ", ".join(calls) or "nothing to call")
        told = [e.text for e in turn.conversation.turn if isinstance(e, Message) and e.recipient == name]
        if not calls:
            if told.count(NO_TOOL) < MAX_NUDGES:
                return [entry, Message(sender=USER_PROXY, recipient=name, text=NO_TOOL)]
            return [entry, await unchecked(turn.conversation, entry.text, turn.sandbox)]
        judged = calls == ["Report"] and any(isinstance(e, Report) for e in turn.conversation.turn)  # its rounds are counted
        made = [e for e in turn.conversation.turn if isinstance(e, Decision) and e.agent == name and e.calls]
        if _goes_round([*made, entry]) and not judged:
            entry = replace(entry, calls=(), opaque=())  # what it leads to is known
            if REPEATED in told:
                return [entry, account(turn.conversation, "I made the same call again and again, and it led nowhere.")]
            return [entry, Message(sender=USER_PROXY, recipient=name, text=REPEATED)]
        return [entry]

    async def perform(self, at: Perform, turn: OpenTurn) -> Entry:
        """Have a call performed by the agent that made it."""
        agent = self._agents[turn.conversation.decision(at).agent]
        [entry] = await _or_sorry(agent.perform(turn.conversation, at, turn.sandbox))
        if isinstance(entry, Step) and entry.execution:
            log.info("ran %s: %s in %.2f s", entry.ran, entry.execution.outcome, entry.execution.duration)
        return entry

    async def judge(self, report: Report, turn: OpenTurn) -> Entry:
        """Have a report judged by the proxy."""
        [entry] = await _or_sorry(self._proxy.judge(turn.conversation, report, turn.sandbox))
        return entry


def _goes_round(decisions: Sequence[Decision]) -> bool:
    """Whether the last decisions are three times the same, or the same two in turn."""
    made = [[(call.name, call.arguments) for call in decision.calls] for decision in decisions[-4:]]
    return (len(made) > 2 and made[-1] == made[-2] == made[-3]) or (len(made) > 3 and made[-2:] == made[-4:-2])


async def _or_sorry(act: Awaitable[Entry], name: str = "") -> list[Entry]:
    """Return the entry that an agent makes, or, after what its model was paid, a reply with the text of its ServiceError."""
    try:
        return [await act]
    except ServiceError as error:
        log.warning("%s", error, exc_info=error.__cause__)
        spent = error.usage if isinstance(error.usage, Usage) else Usage()
        paid = [Decision(agent=name, calls=(), usage=spent)] if spent.calls else []
        return [*paid, Reply(text=str(error))]
