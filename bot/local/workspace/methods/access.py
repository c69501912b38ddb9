"""The bot's access to channels and messages: the checks that methods share."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Message
from bot.local.workspace.people import BOT_USER, Channel
from bot.local.workspace.state import Workspace, is_ts


@dataclass(frozen=True, slots=True)
class Access:
    """Looks up channels and messages for the bot; raises `ApiError` where it has no access."""

    workspace: Workspace

    def need_scope(self, *scopes: str) -> None:
        """Raise `missing_scope` unless the app was granted one of `scopes`."""
        if scopes and not self.workspace.manifest.scopes.intersection(scopes):
            provided = ",".join(sorted(self.workspace.manifest.scopes))
            raise ApiError("missing_scope", needed=",".join(scopes), provided=provided)

    def find_channel(self, channel_id: str) -> Channel:
        """Return a channel that the bot can see; a private one it is not a member of counts as missing."""
        channel = self.workspace.channels.get(channel_id)
        if channel is None or (channel.is_private and BOT_USER not in channel.members):
            raise ApiError("channel_not_found")
        return channel

    def joined_channel(self, channel_id: str) -> Channel:
        """Return a channel that the bot is a member of."""
        channel = self.find_channel(channel_id)
        if BOT_USER not in channel.members:
            raise ApiError("not_in_channel")
        return channel

    def open_channel(self, channel_id: str, error: str = "is_archived") -> Channel:
        """Return a channel that the bot is a member of and that takes messages: an archived one is only read."""
        channel = self.joined_channel(channel_id)
        if channel.is_archived:
            raise ApiError(error)
        return channel

    def find_message(self, channel_id: str, ts: str, error: str = "message_not_found") -> Message:
        """Return a message of a channel that the bot can see."""
        message = self.workspace.message(self.find_channel(channel_id).id, ts)
        if message is None or message.ephemeral_to:
            raise ApiError(error)
        return message

    def own_message(self, channel_id: str, ts: str, error: str) -> Message:
        """Return a message that the bot itself posted."""
        message = self.find_message(channel_id, ts)
        if message.user != BOT_USER:
            raise ApiError(error)
        return message

    def thread_root(self, channel: Channel, thread_ts: str | None) -> str | None:
        """Return the ts of the root of a message's thread, or None if there is no such message: Slack then posts to the channel."""
        if not thread_ts:
            return None
        if not is_ts(thread_ts):
            raise ApiError("invalid_thread_ts")
        message = self.workspace.message(channel.id, thread_ts)
        if message is not None:
            return message.root
        return thread_ts if self.workspace.replies(channel.id, thread_ts) else None


def page_of(items: list[Json], arguments: Json, default: int) -> tuple[list[Json], str]:
    """Return one page of `items` after `cursor`, of `limit`, and the next cursor or an empty string."""
    limit = arguments.get("limit") or default
    if not 1 <= limit <= 1000:
        raise ApiError("invalid_limit")
    try:
        start = int(arguments.get("cursor") or 0)
    except ValueError as error:
        raise ApiError("invalid_cursor") from error
    end = start + limit
    return items[start:end], str(end) if end < len(items) else ""
