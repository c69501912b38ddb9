"""People's acts as HTTP requests, the same for the page and for tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from aiohttp import web

from bot.local.workspace.bodies import BadBody, on_json, read_json_with_files
from bot.local.workspace.downloads import PeopleFiles
from bot.local.workspace.files import File
from bot.local.workspace.interactions import Interactions, Refused
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Message
from bot.local.workspace.people import User
from bot.local.workspace.state import Workspace

TEXT_LIMIT = 40_000


def text_of(body: Json, name: str, default: str | None = None) -> str:
    """Return a text of the body; raises `BadBody` if it is missing without a default, or no text."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadBody(f"{name!r} is missing." if value is None else f"{name!r} is not a text.")
    return value


def user_of(workspace: Workspace, body: Json, default: str | None = None) -> User:
    """Return the user whom the body names."""
    user = text_of(body, "user", default)
    if user not in workspace.users and user not in workspace.bots:
        raise web.HTTPNotFound(text=f"There is no user {user}.")
    return workspace.users.get(user) or workspace.bots[user]


def channel_of(workspace: Workspace, body: Json) -> str:
    """Return the id of the channel that the body names."""
    channel = text_of(body, "channel")
    if channel not in workspace.channels:
        raise web.HTTPNotFound(text=f"There is no channel {channel}.")
    return channel


def message_of(workspace: Workspace, body: Json, name: str = "ts") -> Message:
    """Return the message that the body names."""
    channel, ts = channel_of(workspace, body), text_of(body, name)
    message = workspace.message(channel, ts)
    if message is None:
        raise web.HTTPNotFound(text=f"There is no message {ts} in {channel}.")
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleApi:
    """Handlers under `path`; `me` acts where no user is named, and `as_sent` turns a text into Slack's wire form.

    With `own_only`, people change and delete only what they wrote.
    """

    workspace: Workspace
    interactions: Interactions
    files: PeopleFiles
    path: str
    me: str | None
    as_sent: Callable[[str], str]
    own_only: bool

    def routes(self) -> list[web.RouteDef]:
        verbs = (self.command, self.shortcut, self.action, self.stop, self.edit, self.delete)
        return [
            *(web.post(f"{self.path}/{verb.__name__}", on_json(verb)) for verb in verbs),
            web.post(f"{self.path}/message", self.message),
            web.post(f"{self.path}/upload", self.files.upload),
            web.put(f"{self.path}/upload", self.files.upload),
        ]

    async def message(self, request: web.Request) -> web.Response:
        """Post a message; its files are in the body or were uploaded before."""
        arrived: list[File] = []

        def place() -> tuple[str, AbstractContextManager[IO[bytes]]]:
            arrived.append(self.workspace.files.announce("unnamed", "U0ALICE", self.workspace.now()))
            return arrived[-1].id, self.workspace.files.writing(arrived[-1])

        body = await read_json_with_files(request, place)
        user, text = user_of(self.workspace, body, self.me), text_of(body, "text", "")
        files = [self._uploaded(str(file_id)) for file_id in body.get("file_ids") or ()]
        for item in body.get("files") or ():
            file = self.workspace.files.get(text_of(item, "content_base64"))
            if file is None or file not in arrived:
                raise BadBody("Each of the files needs a name and its content_base64.")
            file.name = file.title = text_of(item, "name")
            files.append(file)
        shown = {name: body[name] for name in ("blocks", "attachments") if body.get(name)}  # of a forward, or of an app
        if not (text.strip() or files or shown):
            raise BadBody("A message needs a text or a file.")
        if len(text) > TEXT_LIMIT:
            raise BadBody(f"A message has up to {TEXT_LIMIT} characters.")
        channel = channel_of(self.workspace, body)
        if self.workspace.channels[channel].user not in {None, user.id} and not user.is_bot:
            raise Refused(f"{channel} are the direct messages of somebody else.")
        root = message_of(self.workspace, body, "thread_ts").root if body.get("thread_ts") else None
        for file in files:
            file.user, file.completed = user.id, True
            self.workspace.files.keep(file)
        author = body["user"] if body.get("user") in self.workspace.bots else user.id
        ids = [file.id for file in files]
        posted = self.workspace.post(channel, author, self.as_sent(text), thread_ts=root, files=ids, **shown)
        self.interactions.offer_invitation(posted)
        return web.json_response({"ts": posted.ts})

    async def command(self, body: Json) -> None:
        """Invoke a slash command."""
        user, channel = user_of(self.workspace, body, self.me), channel_of(self.workspace, body)
        await self.interactions.command(channel, user, text_of(body, "command"), text_of(body, "text", ""))

    async def shortcut(self, body: Json) -> None:
        """Invoke a message shortcut."""
        message, user = message_of(self.workspace, body), user_of(self.workspace, body, self.me)
        await self.interactions.shortcut(message, user, text_of(body, "callback_id"))

    async def action(self, body: Json) -> None:
        """Press a button or choose from a menu."""
        message, user = message_of(self.workspace, body), user_of(self.workspace, body, self.me)
        value = None if body.get("value") is None else text_of(body, "value")
        await self.interactions.action(message, user, text_of(body, "action_id"), value)

    async def stop(self, body: Json) -> Json:
        """Press Stop in a thread."""
        user, channel = user_of(self.workspace, body, self.me), channel_of(self.workspace, body)
        return {"streaming_message_ts": self.interactions.stop(channel, user, text_of(body, "thread_ts"))}

    async def edit(self, body: Json) -> None:
        """Change the text of a message."""
        message, text = self._mine(body), text_of(body, "text")
        if not text.strip() and not message.files:
            raise BadBody("A message needs a text.")
        self.workspace.edit(message, text=self.as_sent(text))

    async def delete(self, body: Json) -> None:
        """Delete a message."""
        self.workspace.delete(self._mine(body))

    def _mine(self, body: Json) -> Message:
        message = message_of(self.workspace, body)
        if self.own_only and message.user != user_of(self.workspace, body, self.me).id:
            raise web.HTTPForbidden(text="Only your own messages can be changed.")
        return message

    def _uploaded(self, file_id: str) -> File:
        file = self.workspace.files.get(file_id)
        if file is None or not file.ready or file.completed:
            raise web.HTTPNotFound(text=f"There is no uploaded file {file_id} to send.")
        return file
