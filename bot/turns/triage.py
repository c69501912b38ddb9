"""What the open requests of a thread mean for its conversation, one at a time and in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.thread.conversation import Conversation, Decide, Deliver
from bot.thread.entries import UserMessage
from bot.thread.request import Request


@dataclass(frozen=True, slots=True)
class Take:
    """Take this message or command in; the requests under `beside` go with it."""

    request: Request
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Steer:
    """Give this edit of a message of the open turn to the agents."""

    request: Request


@dataclass(frozen=True, slots=True)
class Stop:
    """End the open turn with an account."""

    request: Request


@dataclass(frozen=True, slots=True)
class Withdraw:
    """End the open turn without a word: the message that asked was deleted."""

    request: Request


@dataclass(frozen=True, slots=True)
class Drop:
    """Close these requests: they change nothing."""

    keys: tuple[str, ...]


Action = Take | Steer | Stop | Withdraw | Drop


def triage(requests: Sequence[Request], conversation: Conversation) -> Action | None:
    """Return what to do about the first request that something can be done about now, or None.

    A message waits until an agent decides next, so that it never stands between a decision and its results; a command
    waits until the open turn is over, and everything waits behind a command. A stop waits only for an answer that is
    ready, a deletion never.
    """
    known = conversation.keys
    fresh = [r for r in requests if r.key not in known]
    changes = {r.replaces: r for r in fresh if r.kind in {"edit", "delete"}}  # the latest change of each message
    unread = frozenset(r.ts for r in fresh if r.kind == "message")
    for request in fresh:
        match request.kind:
            case "stop":
                action = _of_stop(request, conversation)
            case "delete":
                action = _of_deletion(request, conversation, unread)
            case "edit":
                action = _of_edit(request, conversation, unread)
            case "message" | "command":
                action = _of_question(request, conversation, changes)
        if action is not None:
            return action
    return None


def _of_stop(request: Request, conversation: Conversation) -> Action | None:
    """End the open turn, unless its answer is ready: that is delivered first, and leaves nothing to stop."""
    if conversation.opening is None:
        return Drop((request.key,))
    return None if isinstance(conversation.next, Deliver) else Stop(request)


def _of_deletion(request: Request, conversation: Conversation, unread: frozenset[str]) -> Action | None:
    """Withdraw the open turn's question; a deletion of an unread message waits to be dropped with it."""
    opening = conversation.opening
    if opening is not None and request.replaces == opening.ts:
        return Withdraw(request)
    return None if request.replaces in unread else Drop((request.key,))


def _of_edit(request: Request, conversation: Conversation, unread: frozenset[str]) -> Action | None:
    """Steer the open turn by an edit of its messages; an edit of an unread message waits to be taken with it."""
    if request.replaces in {e.ts for e in conversation.turn if isinstance(e, UserMessage)}:
        return Steer(request) if isinstance(conversation.next, Decide) else None
    return None if request.replaces in unread else Drop((request.key,))


def _of_question(request: Request, conversation: Conversation, changes: Mapping[str | None, Request]) -> Action | None:
    """Take a message or command as it reads now; one that was deleted before it was read is dropped."""
    opening, change = conversation.opening, changes.get(request.ts)
    if change is not None and change.kind == "delete":
        return Drop((request.key, change.key))
    if opening is not None and (request.command or opening.command or not isinstance(conversation.next, Decide)):
        return None
    if change is not None:
        return Take(replace(request, text=change.text), beside=(change.key,))
    return Take(request)
