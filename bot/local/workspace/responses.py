"""Response URLs: how the app answers what a person did, wherever that was."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass

from aiohttp import web

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.content import POST_LIMIT, content
from bot.local.workspace.journal import Journal, Json
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.state import Workspace

SECONDS = 1800.0
USES = 5


@dataclass(slots=True)
class Answerable:
    """Where and to whom an answer goes, the message it is about, and how long and how often it may come."""

    channel: str
    user: str
    ts: str | None
    expires: float
    uses: int = USES


class Responses:
    """The response URLs that are still good: five uses in half an hour, even where the bot is no member."""

    def __init__(self, workspace: Workspace, journal: Journal) -> None:
        self._workspace, self._journal = workspace, journal
        self._open: dict[str, Answerable] = {}
        for key, body in journal.all("response").items():
            answerable = Answerable(**body)
            if answerable.uses and answerable.expires > workspace.now():
                self._open[key] = answerable
            else:
                journal.drop("response", key)

    def url(self, channel: str, user: str, ts: str | None = None) -> str:
        """Return a new URL for answers to what `user` did, to the message `ts` if it was done there."""
        key = secrets.token_hex(16)
        self._open[key] = Answerable(channel, user, ts, self._workspace.now() + SECONDS)
        self._journal.put("response", key, asdict(self._open[key]))
        return f"{self._workspace.base_url}response/{key}"

    async def receive(self, request: web.Request) -> web.Response:
        """Take a POST to a response URL."""
        key = request.match_info["key"]
        answerable = self._open.get(key)
        if answerable is None or answerable.uses == 0:
            return _no("used_url", 404)
        if answerable.expires < self._workspace.now():
            return _no("expired_url", 404)
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            return _no("invalid_payload", 400)
        if not isinstance(body, dict):
            return _no("invalid_payload", 400)
        answerable.uses -= 1
        self._journal.put("response", key, asdict(answerable))
        try:
            self._answer(answerable, body)
        except ApiError as error:
            return _no(error.error, 400)
        return web.json_response({"ok": True})

    def show(self, channel: str, user: str, body: Json) -> None:
        """Show what the app said in acknowledging a command; raises `ApiError` on what Slack would not show."""
        self._answer(Answerable(channel, user, None, 0.0), body)

    def _answer(self, to: Answerable, body: Json) -> None:
        workspace = self._workspace
        original = workspace.message(to.channel, to.ts) if to.ts else None
        if body.get("delete_original"):
            if original:
                workspace.delete(original)
            return
        fields = content(body, POST_LIMIT)
        if not fields.get("text") and not fields.get("blocks") and not fields.get("attachments"):
            raise ApiError("no_text")
        if body.get("replace_original") and original:
            workspace.edit(original, mark=False, **({"blocks": []} | fields))
            return
        fields["thread_ts"] = body.get("thread_ts") or (original.thread_ts if original else None)
        if body.get("response_type", "ephemeral") != "in_channel":
            fields["ephemeral_to"] = to.user
        workspace.post(to.channel, BOT_USER, fields.pop("text", ""), **fields)


def _no(error: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
