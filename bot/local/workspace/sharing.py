"""Sharing of uploaded files: as in Slack, the message follows a moment after the upload was completed."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from bot.local.workspace.journal import Json
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.state import Workspace


class Sharing:
    """Posts the message that carries uploaded files after `delay` seconds, also across a restart."""

    def __init__(self, workspace: Workspace, delay: float) -> None:
        self._workspace, self._journal, self._delay = workspace, workspace.journal, delay
        self._due: asyncio.Queue[tuple[float, str, Json]] = asyncio.Queue()
        for key, body in self._journal.all("share").items():
            self._due.put_nowait((0.0, key, body))

    def share(self, file_ids: list[str], channel: str, text: str, thread_ts: str | None, blocks: Any) -> None:
        """Schedule the message with which the bot shares files in a channel."""
        key = f"{self._workspace.next_ts()}-{secrets.token_hex(4)}"
        body: Json = {"files": file_ids, "channel": channel, "text": text, "thread_ts": thread_ts, "blocks": blocks}
        self._journal.put("share", key, body)
        self._due.put_nowait((asyncio.get_running_loop().time() + self._delay, key, body))

    async def run(self) -> None:
        """Post what is due until cancelled."""
        while True:
            due, key, body = await self._due.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            files = [file.id for file in map(self._workspace.files.get, body["files"]) if file and file.ready]
            self._journal.drop("share", key)
            details = {"thread_ts": body["thread_ts"], "blocks": body["blocks"] or [], "files": files}
            self._workspace.post(body["channel"], BOT_USER, body["text"], **details)
