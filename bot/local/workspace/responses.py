"""Response URLs, with which the app answers a command or a click, even where it is not a member."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass

from aiohttp import web

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.content import POST_LIMIT, content
from bot.local.workspace.journal import Json
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.state import Workspace

SECONDS = 1800.0
USES = 5


@dataclass(slots=True)
class ResponseUrl:
    """The channel, person and message that a response URL answers, its expiry, and how many uses are left."""

    channel: str
    user: str
    ts: str | None
    expires: float
    uses: int = USES


class Responses:
    """The valid response URLs; each allows five answers within half an hour."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._journal = workspace, workspace.journal
        self._open: dict[str, ResponseUrl] = {}
        for key, body in self._journal.all("response").items():
            target = ResponseUrl(**body)
            if target.uses and target.expires > workspace.now():
                self._open[key] = target
            else:
                self._journal.drop("response", key)

    def url(self, channel: str, user: str, ts: str | None = None) -> str:
        """Return a new URL that answers an act of `user`, on the message `ts` if there was one."""
        key = secrets.token_hex(16)
        self._open[key] = ResponseUrl(channel, user, ts, self._workspace.now() + SECONDS)
        self._journal.put("response", key, asdict(self._open[key]))
        return f"{self._workspace.base_url}response/{key}"

    async def receive(self, request: web.Request) -> web.Response:
        """Handle a POST to a response URL."""
        key = request.match_info["key"]
        target = self._open.get(key)
        if target is None or target.uses == 0:
            return _no("used_url", 404)
        if target.expires < self._workspace.now():
            return _no("expired_url", 404)
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            return _no("invalid_payload", 400)
        if not isinstance(body, dict):
            return _no("invalid_payload", 400)
        target.uses -= 1
        self._journal.put("response", key, asdict(target))
        try:
            self._answer(target, body)
        except ApiError as error:
            return _no(error.error, 400)
        return web.json_response({"ok": True})

    def show(self, channel: str, user: str, body: Json) -> None:
        """Post the app's answer in an acknowledgement; raises `ApiError` on content that Slack refuses."""
        self._answer(ResponseUrl(channel, user, None, 0.0), body)

    def _answer(self, to: ResponseUrl, body: Json) -> None:
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
