"""What the open requests of a thread mean for its conversation, one at a time and in order."""

from __future__ import annotations

from collections.abc import Sequence
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


def sort_out(requests: Sequence[Request], conversation: Conversation) -> Take | Steer | Stop | Withdraw | Drop | None:
    """Return what to do about the first request that something can be done about now, or None.

    A message waits until the agents decide next, so that it never stands between a decision and its results; a command
    waits until the open turn is over, and everything waits behind a command. A stop and a deletion never wait.
    """
    asked, coming = conversation.opening, conversation.next
    requests = [r for r in requests if r.key not in conversation.keys]
    changes = {r.replaces: r for r in requests if r.kind in {"edit", "delete"}}  # the latest of each message
    pending = {r.ts for r in requests if r.kind == "message"}
    current = {e.ts for e in conversation.turn if isinstance(e, UserMessage)}
    for request in requests:
        match request.kind:
            case "stop":
                if asked is None:
                    return Drop((request.key,))
                if not isinstance(coming, Deliver):
                    return Stop(request)
            case "delete":
                if asked is not None and request.replaces == asked.ts:
                    return Withdraw(request)
                if request.replaces not in pending:
                    return Drop((request.key,))
            case "edit":
                if request.replaces in current and isinstance(coming, Decide):
                    return Steer(request)
                if request.replaces not in pending | current:
                    return Drop((request.key,))
            case "message" | "command":
                change = changes.get(request.ts)
                if change is not None and change.kind == "delete":
                    return Drop((request.key, change.key))
                if asked is not None and (request.command or asked.command or not isinstance(coming, Decide)):
                    continue
                if change is not None:
                    return Take(replace(request, text=change.text), beside=(change.key,))
                return Take(request)
    return None
