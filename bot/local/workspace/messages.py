"""A message of the workspace, and a change of one."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.local.workspace.journal import Json


@dataclass(slots=True)
class Message:
    """A message of a channel; `thread_ts` is set on replies alone.

    `files` are ids; `ephemeral_to` is the one person who sees it; `stream` is what has been streamed into it.
    """

    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    metadata: Json | None = None
    edited: Json | None = None
    subtype: str | None = None
    bot_id: str | None = None
    username: str | None = None
    client_msg_id: str | None = None
    ephemeral_to: str | None = None
    broadcast: bool = False
    streaming: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The ts of the thread that this message belongs to or could start."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the workspace, for its followers.

    `kind` is message, changed, growing (changed, but no event for the app), deleted, ephemeral, status, state or
    closed (the workspace closes); `previous` is the message before it changed.
    """

    kind: str
    channel: str | None = None
    message: Message | None = None
    previous: Json | None = None
    thread_ts: str | None = None
    text: str = ""
