"""The web page's requests: the workspace as one person sees it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.local.workspace.bodies import BadBody
from bot.local.workspace.buttons import elements
from bot.local.workspace.delivery import Delivery
from bot.local.workspace.files import File
from bot.local.workspace.journal import Json
from bot.local.workspace.messages import Change, Message
from bot.local.workspace.people import BOT_USER, FIXTURES, TEAM, TEAM_NAME, Channel, User
from bot.local.workspace.people_api import PeopleApi, channel_of, text_of, user_of
from bot.local.workspace.render import render_message
from bot.local.workspace.state import Workspace
from bot.local.workspace.streams import Streams
from bot.local.workspace.wire_text import typed, written

STATIC = Path(__file__).parent / "static"
ME = "U0ALICE"
_HEARTBEAT = 15.0
_INVITE = {"/invite": {"usage_hint": "@workings", "description": "Add the bot to this channel"}}
_NEWEST = 300


def as_typed(workspace: Workspace) -> Callable[[str], str]:
    """Return the function that turns what a person typed into Slack's wire form."""
    return lambda text: typed(text, {user.name.lower(): user.id for user in workspace.users.values()})


async def index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _fields(value: object, *names: str) -> Json:
    return {name: getattr(value, name) for name in names}


def _button(block_id: str, element: Json) -> Json:
    label = element.get("text") or {"text": element["action_id"]}
    button: Json = {"action_id": element["action_id"], "text": label["text"], "block_id": block_id}
    return button | {key: element[key] for key in ("style", "value") if key in element}


def _told(change: Change) -> Json:
    told: Json = {"type": "changed" if change.kind == "growing" else change.kind, "channel": change.channel}
    if change.message:
        told |= {"ts": change.message.ts, "user": change.message.user}
        if change.message.thread_ts:
            told["thread_ts"] = change.message.thread_ts
    if change.kind == "status":
        told |= {"thread_ts": change.thread_ts, "text": change.text, "user": BOT_USER}
    return told


@dataclass(frozen=True, slots=True)
class Example:
    """A message that a newcomer can send by a click: its title, its words, and the file that goes with it."""

    title: str
    text: str
    name: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class Page:
    """The page's routes. `model_notice` says which model answers, `progress` what is still being prepared."""

    workspace: Workspace
    people: PeopleApi
    delivery: Delivery
    streams: Streams
    model_notice: str = ""
    progress: str = ""
    examples: tuple[Example, ...] = ()

    def routes(self) -> list[web.RouteDef]:
        return [
            *self.people.routes(),
            web.get("/", index),
            web.get("/page/state", self.state),
            web.get("/page/messages", self.messages),
            web.get("/page/events", self.events),
            web.get("/page/examples/{number}", self.example),
            web.get("/page/files/{id}", self.people.files.attachment),
            web.get("/page/images/{id}", self.people.files.image),
            web.get("/files/{user}/{id}/{name}", self.people.files.attachment),
        ]

    def announce(self, body: Json) -> None:
        """Show which model answers, what is still being prepared, and examples to click, as far as the body says."""
        self.model_notice = text_of(body, "text", self.model_notice)
        self.progress = text_of(body, "progress", self.progress)
        try:
            given = [
                Example(text_of(e, "title"), text_of(e, "text"), text_of(e, "name"), base64.b64decode(e["content_base64"]))
                for e in body.get("examples") or ()
            ]
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise BadBody("Each of the 'examples' has a title, a text, a name and its content_base64.") from error
        self.examples = tuple(given) or self.examples
        self.workspace.tell(Change("state"))

    async def example(self, request: web.Request) -> web.Response:
        """Return the bytes of an example's file."""
        number = request.match_info["number"]
        if not number.isdigit() or int(number) >= len(self.examples):
            raise web.HTTPNotFound(text="There is no such example.")
        return web.Response(body=self.examples[int(number)].content, content_type="application/octet-stream")

    async def state(self, request: web.Request) -> web.Response:
        me, manifest = self._viewer(request), self.workspace.manifest
        mine = [c for c in self.workspace.channels.values() if (c.user == me.id if c.is_im else me.id in c.members)]
        users = list(self.workspace.users.values())
        if me.id not in FIXTURES:
            mine = [channel for channel in mine if channel.id not in FIXTURES]
            users = [user for user in users if user.id not in FIXTURES]
        seen: Json = {
            "team": {"id": TEAM, "name": TEAM_NAME}, "me": me.id,
            "users": [_fields(u, "id", "name", "real_name", "is_bot") for u in users],
            "channels": [self._shown_channel(channel) for channel in mine],
            "commands": [{"command": name, **about} for name, about in {**manifest.commands, **_INVITE}.items()],
            "shortcuts": [{"callback_id": key, "name": name} for key, name in manifest.message_shortcuts.items()],
            "bot_online": self.delivery.connections > 0, "model_notice": self.model_notice,
            "progress": self.progress, "examples": [_fields(example, "title", "text", "name") for example in self.examples],
            "suggested_prompts": list(manifest.prompts),
        }  # fmt: skip
        return web.json_response(seen)

    async def messages(self, request: web.Request) -> web.Response:
        """Return the newest roots of a channel, or a whole thread."""
        me, thread = self._viewer(request), request.query.get("thread_ts")
        channel = channel_of(self.workspace, dict(request.query))
        self.streams.open()
        messages = self.workspace.thread(channel, thread) if thread else iter(self.workspace.messages(channel))
        seen = [m for m in messages if m.ephemeral_to in {None, me.id} and (thread or not m.is_reply or m.broadcast)]
        if not thread:
            seen = seen[-_NEWEST:]
        return web.json_response({"messages": [self._shown(message) for message in seen]})

    def _shown(self, message: Message) -> Json:
        """Return a message as the page shows it; `html` is safe to insert."""
        replies = self.workspace.replies(message.channel, message.ts) if not message.is_reply else []
        files = [file for file in map(self.workspace.files.get, message.files) if file and file.ready]
        body: Json = {
            "ts": message.ts,
            "user": message.user,
            "name": self.workspace.users[message.user].real_name,
            "text": written(message.text, {user.id: user.name for user in self.workspace.users.values()}),
            "html": self._render(self.workspace.to_slack(message)),
            "files": [self._shown_file(file) for file in files],
            "edited": message.edited is not None,
            "streaming": message.streaming,
            "ephemeral": message.ephemeral_to is not None,
            "actions": [_button(block_id, element) for block_id, element in elements(message.blocks)],
            "reply_count": len(replies),
        }
        if message.thread_ts:
            body["thread_ts"] = message.thread_ts
        if replies:
            body["latest_reply"] = replies[-1].ts
        return body

    def _render(self, message: Json) -> str:
        def name(key: str) -> str:
            named = self.workspace.users.get(key) or self.workspace.channels.get(key)
            return named.name if named else key

        return render_message(message, name)

    def _shown_channel(self, channel: Channel) -> Json:
        name = self.workspace.manifest.bot_name if channel.is_im else channel.name
        body: Json = {"id": channel.id, "name": name, "is_im": channel.is_im, "is_member": BOT_USER in channel.members}
        return body | {"user": BOT_USER} if channel.is_im else body

    def _shown_file(self, file: File) -> Json:
        body = _fields(file, "id", "name", "size", "mimetype") | {"url": f"/page/files/{file.id}"}
        if self.workspace.files.image_type(file):
            body["image_url"] = f"/page/images/{file.id}"
        return body

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream changes as Server-Sent Events, after which the page asks for the state again."""
        me = self._viewer(request)
        changes: asyncio.Queue[Change] = asyncio.Queue()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        self.workspace.followers.append(changes.put_nowait)
        with suppress(ConnectionError):
            try:
                await response.write(b": hello\n\n")
                while True:
                    try:
                        async with asyncio.timeout(_HEARTBEAT):
                            change = await changes.get()
                    except TimeoutError:
                        await response.write(b": still here\n\n")
                        continue
                    if change.kind == "closed":
                        break
                    if change.message is None or change.message.ephemeral_to in {None, me.id}:
                        await response.write(f"data: {json.dumps(_told(change))}\n\n".encode())
            finally:
                self.workspace.followers.remove(changes.put_nowait)
        return response

    def _viewer(self, request: web.Request) -> User:
        return user_of(self.workspace, {"user": request.query.get("user", ME)})
