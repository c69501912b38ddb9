"""Decides what an open request means for a thread's conversation, one request at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.thread.conversation import Conversation, Decide, Deliver
from bot.thread.entries import UserMessage
from bot.thread.request import Request


@dataclass(frozen=True, slots=True)
class Take:
    """Add this message or command to the conversation, and close the requests with the keys `beside`."""

    request: Request
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Steer:
    """Tell the agents of this edit of a message in the open turn."""

    request: Request


@dataclass(frozen=True, slots=True)
class Stop:
    """End the open turn with an account of what was done."""

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
    """Return the action for the first request that need not wait, or None if all must wait.

    Messages and edits wait until an agent decides next, and so never stand between a decision and its results. A command
    or a missed message waits until no turn is open; while a command's turn is open, messages wait as well. A stop waits only
    while a finished reply is delivered. A deletion never waits. A request that waits does not hold up those after it.
    """
    known = conversation.keys
    fresh = [r for r in requests if r.key not in known]
    changes = {r.replaces: r for r in fresh if r.kind in {"edit", "delete"}}  # a later change replaces an earlier one
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
    """Stop the open turn; once its reply is ready, wait for the delivery, which leaves nothing to stop."""
    if conversation.opening is None:
        return Drop((request.key,))
    return None if isinstance(conversation.next, Deliver) else Stop(request)


def _of_deletion(request: Request, conversation: Conversation, unread: frozenset[str]) -> Action | None:
    """Withdraw the open turn if its opening was deleted; leave the deletion of an unread message to `_of_question`."""
    opening = conversation.opening
    if opening is not None and request.replaces == opening.ts:
        return Withdraw(request)
    return None if request.replaces in unread else Drop((request.key,))


def _of_edit(request: Request, conversation: Conversation, unread: frozenset[str]) -> Action | None:
    """Steer the open turn by an edit of its messages; leave the edit of an unread message to `_of_question`."""
    if request.replaces in {e.ts for e in conversation.turn if isinstance(e, UserMessage)}:
        return Steer(request) if isinstance(conversation.next, Decide) else None
    return None if request.replaces in unread else Drop((request.key,))


def _of_question(request: Request, conversation: Conversation, changes: Mapping[str | None, Request]) -> Action | None:
    """Take a message or command with its latest text, or drop one that was deleted before it was taken."""
    opening, change = conversation.opening, changes.get(request.ts)
    if change is not None and change.kind == "delete":
        return Drop((request.key, change.key))
    waits = request.command or request.missed
    if opening is not None and (waits or opening.command or not isinstance(conversation.next, Decide)):
        return None
    if change is not None:
        return Take(replace(request, text=change.text), beside=(change.key,))
    return Take(request)
