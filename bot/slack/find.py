"""Find the file that a command means: by name, permalink or id, else the newest script of the person who asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused, UserError
from bot.ports import SharedScript
from bot.slack.files import SlackFiles
from bot.slack.reading import upload_from
from bot.thread.request import Request, ThreadId, Upload

File = dict[str, Any]
_MESSAGE = re.compile(r"/archives/(?P<channel>[A-Z0-9]+)/p(?P<ts>\d{16})(?:.*[?&]thread_ts=(?P<thread>\d+\.\d+))?")
_FILE = re.compile(r"(?:/files/[A-Z0-9]+/|^)(F[A-Z0-9]{2,})(?:/|$)")


class Finder:
    """Searches the files shared in the channel of a command, and no others."""

    def __init__(self, client: AsyncWebClient, files: SlackFiles) -> None:
        self._client = client
        self._files = files
        self._calls = files.calls

    async def find(self, request: Request) -> SharedScript | Sequence[Upload]:
        """Return the script that a command means, or the candidates; raises UserError when there is none."""
        assert request.command is not None
        channel, target = request.thread.channel, request.command.target
        try:
            if request.command.message_ts:
                return await self._in_message(request, request.command.message_ts, None)
            if match := _MESSAGE.search(target):
                ts = f"{match['ts'][:10]}.{match['ts'][10:]}"
                if match["channel"] != channel:
                    raise UserError("That message is in another channel. Use `/runpy` where the file was shared.")
                return await self._in_message(request, ts, match["thread"])
            if match := _FILE.search(target):
                return await self._located(request, match[1])
            return await self._by_name(request, channel, target)
        except Refused as error:
            raise UserError(f"I could not look for the file. {error}") from error

    async def _by_name(self, request: Request, channel: str, target: str) -> SharedScript | Sequence[Upload]:
        # Raises where the bot is not a member.
        await self._calls.repeat(self._client.conversations_history, channel=channel, limit=1)
        fitting: list[File] = []
        page, pages = 1, 1
        while page <= min(pages, 10):
            user = None if target else request.user
            listed = await self._calls.repeat(self._client.files_list, channel=channel, user=user, count=100, page=page)
            pages = int((listed.get("paging") or {}).get("pages") or 1)
            wanted = (target or "*.py").lower()
            fitting += [f for f in listed.get("files") or [] if fnmatch(str(f.get("name") or "").lower(), wanted)]
            page += 1
            if fitting and not target:
                break
        fitting.sort(key=lambda f: float(f.get("created") or f.get("timestamp") or 0), reverse=True)
        if not fitting:
            what = f"named `{target}`" if target else "of yours ending in .py"
            raise UserError(f"I find no file {what} in this channel. Upload one, then `/runpy NAME`.")
        if target and len({f["name"] for f in fitting}) > 1:
            return [upload_from(f) for f in fitting]
        return await self._located(request, str(fitting[0]["id"]))

    async def _located(self, request: Request, file_id: str) -> SharedScript:
        """Find the message that carried a file in the command's channel; raises UserError when there is none."""
        try:
            file = await self._files.info(file_id)
        except UserError as error:
            raise UserError(f"I cannot use the file {file_id}: {error}") from error
        channel = request.thread.channel
        shares = {place: shared for kind in (file.get("shares") or {}).values() for place, shared in kind.items()}
        if channel not in shares:
            raise UserError("That file was not shared in this channel.")
        share = shares[channel][0]
        return await self._message(request, str(share["ts"]), share.get("thread_ts"), upload_from(file))

    async def _in_message(self, request: Request, ts: str, root: str | None) -> SharedScript | Sequence[Upload]:
        message = await self._read(request.thread.channel, ts, root)
        scripts = [upload_from(f) for f in message.get("files") or () if str(f.get("name")).endswith(".py")]
        if not scripts:
            raise UserError("That message carries no Python file.")
        if len(scripts) > 1:
            return scripts
        return await self._message(request, ts, message.get("thread_ts"), scripts[0])

    async def _message(self, request: Request, ts: str, root: object, script: Upload) -> SharedScript:
        channel = request.thread.channel
        message = await self._read(channel, ts, str(root) if root else None)
        uploads = tuple(upload_from(f) for f in message.get("files") or ()) or (script,)
        thread = ThreadId(request.thread.team, channel, str(message.get("thread_ts") or ts))
        return SharedScript(thread=thread, script=script, uploads=uploads)

    async def _read(self, channel: str, ts: str, root: str | None) -> File:
        """Return the message at `ts`, which may be a reply; `root` is the ts of its thread, if known."""
        listed = await self._calls.repeat(
            self._client.conversations_replies, channel=channel, ts=root or ts, oldest=ts, inclusive=True, limit=15
        )
        for message in listed.get("messages") or []:
            if message["ts"] == ts:
                return dict(message)
        raise UserError("I do not find that message any more.")
