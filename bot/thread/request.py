"""Requests: who asked what of the bot, where, and with which files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class ThreadId:
    """Where a conversation lives: Slack's team, channel and the ts of the thread's first message."""

    team: str
    channel: str
    ts: str

    def __str__(self) -> str:
        return f"{self.team}:{self.channel}:{self.ts}"

    @classmethod
    def parse(cls, text: str) -> ThreadId:
        """Return the id that `str` wrote, or raise ValueError."""
        team, channel, ts = text.split(":", 2)
        return cls(team, channel, ts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file attached to a message, as Slack names it; `size` in bytes."""

    id: str
    name: str
    size: int
    mimetype: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`/runpy`, the shortcut or a lone code block: run this without a model.

    `target` is what the user typed (a name, a permalink, an F-id, or "" for the newest script), `code` the lone
    block, `message_ts` the message a shortcut was used on.
    """

    target: str = ""
    args: tuple[str, ...] = ()
    code: str | None = None
    message_ts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing a person asked of the bot; `key` is the same when Slack sends it twice, `ts` is Slack's and gives the order.

    `direct` is False for a message that does not address the bot. `replaces` is the ts of the message that an edit
    changed or a deletion removed. `thread` of a command is provisional until the file it names is found. `missed` says that a
    message was found too late to be acted on.
    """

    key: str
    thread: ThreadId
    ts: str
    user: str
    kind: Literal["message", "command", "edit", "delete", "stop"] = "message"
    text: str = ""
    direct: bool = True
    uploads: tuple[Upload, ...] = ()
    command: Command | None = None
    replaces: str | None = None
    external: bool = False
    response_url: str | None = None
    missed: bool = False


REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
