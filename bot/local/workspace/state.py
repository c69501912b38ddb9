"""The state of the workspace: its people, channels and messages, and the methods that change them."""

from __future__ import annotations

import re
import uuid
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bot.local.workspace.files import File, Files
from bot.local.workspace.journal import Journal, Json
from bot.local.workspace.manifest import Manifest
from bot.local.workspace.messages import Change, Message
from bot.local.workspace.people import APP, BOT, BOT_USER, OTHER_TEAM, SLACKBOT, TEAM, Channel, first_channels, first_users

Clock = Callable[[], float]

_TS = re.compile(r"\d+\.\d{6}")


class Workspace:
    """The app, people, channels and messages; each change is written to the journal before the followers are called."""

    def __init__(self, journal: Journal, files: Files, clock: Clock, manifest: Manifest) -> None:
        self.journal = journal
        self.manifest = manifest
        self._clock = clock
        self.files = files
        self.base_url = ""
        self.away: set[str] = set()  # people who have no client open
        self.followers: list[Callable[[Change], None]] = []
        self.users = {user.id: user for user in first_users(manifest.bot_name, manifest.name)}
        self.bots = {user.bot_id: user for user in self.users.values() if user.bot_id}
        self.channels = {channel.id: channel for channel in first_channels()}
        for key, body in journal.all("channel").items():
            self.channels[key] = Channel(**body)
        self._messages: dict[str, dict[str, Message]] = {channel: {} for channel in self.channels}
        self._replies: dict[tuple[str, str], list[str]] = {}
        self._last = 0.0
        for body in sorted(journal.all("message").values(), key=lambda body: float(body["ts"])):
            self._place(Message(**body))

    def now(self) -> float:
        return self._clock()

    def message(self, channel: str, ts: str) -> Message | None:
        return self._messages.get(channel, {}).get(ts)

    def messages(self, channel: str) -> list[Message]:
        """Return every message of a channel, replies and ephemeral ones included, oldest first."""
        return sorted(self._messages.get(channel, {}).values(), key=lambda message: float(message.ts))

    def thread(self, channel: str, root: str) -> Iterator[Message]:
        """Yield the root, if it still exists, and its replies, oldest first."""
        messages = self._messages.get(channel, {})
        for ts in (root, *self._replies.get((channel, root), ())):
            if ts in messages:
                yield messages[ts]

    def replies(self, channel: str, root: str) -> list[Message]:
        """Return the replies that everybody sees, oldest first."""
        return [m for m in self.thread(channel, root) if m.is_reply and m.ephemeral_to is None]

    def in_channel(self, user: str, channel: str) -> bool:
        return channel in self.channels and user in self.channels[channel].members

    def bot_sees(self, file: File) -> bool:
        """Whether the bot uploaded the file or is a member of a channel in which it was shared."""
        return file.user == BOT_USER or any(self.in_channel(BOT_USER, channel) for channel in file.shares)

    def to_slack(self, message: Message, *, metadata: bool = True) -> Json:
        """Return the message as Slack's API and events show it."""
        user = self.users.get(message.user)
        team = user.team if user else TEAM
        body: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": team}
        given = ("client_msg_id", "subtype", "bot_id", "username", "blocks", "attachments", "edited")
        body |= {name: value for name in given if (value := getattr(message, name))}
        if message.subtype == "bot_message":
            del body["user"]
        if message.bot_id == BOT:
            body["app_id"] = APP
        if message.bot_id and user:
            body["bot_profile"] = {"id": message.bot_id, "name": user.real_name, "deleted": False, "team_id": TEAM}
        if message.files:
            body |= {"files": [self._file(file, message) for file in message.files], "upload": False}
        if metadata and message.metadata:
            body["metadata"] = message.metadata
        if message.reactions:
            body["reactions"] = [{"name": n, "users": u, "count": len(u)} for n, u in message.reactions.items()]
        if team == OTHER_TEAM:
            body |= {"user_team": team, "source_team": team}
        return body | self._threading(message)

    def _threading(self, message: Message) -> Json:
        if message.thread_ts:
            root = self.message(message.channel, message.thread_ts)
            return {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else SLACKBOT}
        replies = self.replies(message.channel, message.ts)
        if not replies:
            return {}
        users = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts, "reply_count": len(replies), "reply_users_count": len(users),
            "latest_reply": replies[-1].ts, "reply_users": users[:5], "is_locked": False, "subscribed": False,
        }  # fmt: skip

    def _file(self, file_id: str, message: Message) -> Json:
        file = self.files.get(file_id)
        if file is None:
            return {"id": file_id, "mode": "tombstone"}
        if self.users[message.user].is_stranger:
            # Slack Connect sends a stub; the whole file object comes from files.info.
            stub = {"id": file_id, "mode": "file_access", "file_access": "check_file_info"}
            return stub | {"created": 0, "timestamp": 0, "user": ""}
        return file.to_slack(self.base_url)

    def next_ts(self) -> str:
        """Return a new timestamp, later than that of every message."""
        self._last = max(self._clock(), self._last + 0.000001)
        return f"{self._last:.6f}"

    def post(self, channel: str, user: str, text: str, *, ts: str | None = None, **details: Any) -> Message:
        """Post a message and share its files; `details` are fields of `Message`."""
        author = self.users.get(user) or self.bots[user]
        if user in self.bots:
            details |= {"bot_id": user, "subtype": "bot_message", "username": author.name}
        elif author.bot_id:
            details.setdefault("bot_id", author.bot_id)
        if not author.is_bot and not details.get("files"):
            details["client_msg_id"] = str(uuid.uuid4())
        if details.get("files"):
            details.setdefault("subtype", "file_share")
        if details.get("broadcast"):
            details["subtype"] = "thread_broadcast"
        message = Message(channel=channel, ts=ts or self.next_ts(), user=author.id, text=text, **details)
        if not author.is_bot and author.id not in self.channels[channel].members:
            self.join(channel, author.id)
        self._place(message)
        self._keep(message)
        for file_id in message.files:
            if file := self.files.get(file_id):
                self.files.share(file, channel, message.ts, message.thread_ts)
        self.tell(Change("ephemeral" if message.ephemeral_to else "message", channel, message))
        return message

    def imagine(self, event: Json) -> None:
        """Add the message of an event that a test made up, so that it can be answered; followers are not told."""
        channel, ts, user = event.get("channel"), event.get("ts"), event.get("user")
        known = channel in self.channels and user in self.users and "subtype" not in event
        if event["type"] not in {"message", "app_mention"} or not known or not is_ts(ts):
            return
        thread_ts = event.get("thread_ts")
        for needed in (ts, thread_ts):
            if is_ts(needed) and needed not in self._messages[str(channel)]:
                reply_to = thread_ts if needed == ts and thread_ts != ts and is_ts(thread_ts) else None
                text = str(event.get("text", "")) if needed == ts else ""
                self._place(message := Message(str(channel), str(needed), str(user), text, thread_ts=reply_to))
                self._keep(message)

    def edit(self, message: Message, *, mark: bool = True, **fields: Any) -> None:
        """Change fields of a message; with `mark`, people see that it was edited."""
        previous = self.to_slack(message)
        for name, value in fields.items():
            setattr(message, name, value)
        if mark:
            message.edited = {"user": message.user, "ts": self.next_ts()}
        self._keep(message)
        self.tell(Change("changed", message.channel, message, previous))

    def refresh(self, message: Message) -> None:
        """Save a message whose content still grows; pages show it, and the app gets no event."""
        self._keep(message)
        self.tell(Change("growing", message.channel, message))

    def delete(self, message: Message) -> None:
        """Delete a message; a root with replies leaves a tombstone, as in Slack."""
        for file in filter(None, map(self.files.get, message.files)):
            self.files.unshare(file, message.channel, message.ts)
        if not message.is_reply and self.replies(message.channel, message.ts):
            empty: Json = {"blocks": [], "attachments": [], "files": [], "metadata": None, "bot_id": None}
            tombstone = {"text": "This message was deleted.", "user": SLACKBOT, "subtype": "tombstone"}
            self.edit(message, mark=False, **tombstone, **empty, client_msg_id=None, reactions={})
            return
        previous = self.to_slack(message)
        del self._messages[message.channel][message.ts]
        if message.thread_ts:
            self._replies[message.channel, message.thread_ts].remove(message.ts)
        self.journal.drop("message", f"{message.channel}:{message.ts}")
        self.tell(Change("deleted", message.channel, message, previous))

    def join(self, channel: str, user: str) -> None:
        """Add a user to a channel."""
        self._set_members(channel, [*self.channels[channel].members, user])

    def leave(self, channel: str, user: str) -> None:
        """Remove a user from a channel."""
        self._set_members(channel, [member for member in self.channels[channel].members if member != user])

    def _set_members(self, channel: str, members: list[str]) -> None:
        self.channels[channel].members = members
        self.journal.put("channel", channel, asdict(self.channels[channel]))
        self.tell(Change("state", channel))

    def note(self, channel: str, user: str, text: str, thread_ts: str | None = None, blocks: Sequence[Json] = ()) -> Message:
        """Post an ephemeral message from Slackbot to one person."""
        return self.post(channel, SLACKBOT, text, ephemeral_to=user, thread_ts=thread_ts, blocks=list(blocks))

    def tell(self, change: Change) -> None:
        """Call every follower with a change."""
        for follower in self.followers:
            follower(change)

    def _keep(self, message: Message) -> None:
        self.journal.put("message", f"{message.channel}:{message.ts}", asdict(message))

    def _place(self, message: Message) -> None:
        self._messages[message.channel][message.ts] = message
        self._last = max(self._last, float(message.ts))
        if message.thread_ts:
            insort(self._replies.setdefault((message.channel, message.thread_ts), []), message.ts, key=float)


def is_ts(value: Any) -> bool:
    """Return whether a value has the form of a message's ts."""
    return isinstance(value, str) and _TS.fullmatch(value) is not None
