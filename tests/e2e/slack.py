"""The whole bot over real parts: Bolt on a WebSocket, the sandbox, SQLite, and a scripted model at the HTTP wire."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
from pydantic import SecretStr

from bot.app import serving
from bot.local.workspace.server import Options, running
from bot.settings import Settings, load
from bot.thread.request import ThreadId

CSV = b"date,revenue\n2026-01-05,100\n2026-01-20,50\n2026-02-03,70\n"
Json = dict[str, Any]
Wire = Literal["responses", "chat"]
ALICE, BOB = "U0ALICE", "U0BOB"
HERE, ELSEWHERE = "C0GENERAL", "C0RANDOM"


class Slack:
    """The local workspace, through its control API."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def say(
        self, text: str, *, files: Mapping[str, bytes] | None = None, thread: str | None = None, user: str = ALICE,
        channel: str = HERE, **shown: Any,
    ) -> str:  # fmt: skip
        """Post as a person, or with `blocks` and `attachments` forward or post as an app; return the ts."""
        body: Json = {"channel": channel, "user": user, "text": text, **shown}
        body["files"] = [{"name": n, "content_base64": base64.b64encode(d).decode()} for n, d in (files or {}).items()]
        if thread:
            body["thread_ts"] = thread
        return str((await self.control("message", body))["ts"])

    async def control(self, what: str, body: Json) -> Json:
        """POST to the control API."""
        # Some files are large; a stream of them does not hold up the loop.
        data = io.BytesIO(json.dumps(body).encode())
        headers = {"Content-Type": "application/json"}
        async with self._session.post(f"control/{what}", data=data, headers=headers) as response:
            said: Json = await response.json()
            assert response.status == 200, said
            return said

    async def seen(self, what: str) -> Json:
        """GET from the control API."""
        async with self._session.get(f"control/{what}") as response:
            said: Json = await response.json()
            return said

    async def messages(self, thread: str, channel: str = HERE) -> list[Json]:
        """The bot's messages of a thread, in order."""
        listed = (await self.seen(f"messages?channel={channel}&thread_ts={thread}"))["messages"]
        return [m for m in listed if m["user"] == "U0BOT"]

    async def answers(self, thread: str, count: int = 1, *, files: int = 0, channel: str = HERE) -> list[Json]:
        """Wait for so many finished answers of a thread (the footer makes an answer), and so many files."""
        async with asyncio.timeout(60):
            while True:
                messages = await self.messages(thread, channel)
                answers = [m for m in messages if any(b["type"] == "context" for b in m.get("blocks") or ())]
                if len(answers) >= count and sum(len(m["files"]) for m in messages) >= files:
                    return answers
                await asyncio.sleep(0.05)

    async def shows(self, thread: str, words: str, channel: str = HERE) -> None:
        """Wait until a message of the bot has these words."""
        async with asyncio.timeout(30):
            while not any(words in m["text"] for m in await self.messages(thread, channel)):  # noqa: ASYNC110  it is the workspace that we look at
                await asyncio.sleep(0.05)

    async def whispers(self, channel: str, words: str) -> list[Json]:
        """Wait for messages with these words that only one person sees."""
        async with asyncio.timeout(30):
            while True:
                listed = (await self.seen(f"messages?channel={channel}"))["messages"]
                if found := [m for m in listed if m["ephemeral"] and words in m["text"]]:
                    return found
                await asyncio.sleep(0.05)

    async def bytes_of(self, file: Json) -> bytes:
        """The bytes of an uploaded file."""
        async with self._session.get(f"control/files/{file['id']}") as response:
            return await response.read()


def thread_of(ts: str, channel: str = HERE) -> ThreadId:
    return ThreadId("T0LOCAL", channel, ts)


@asynccontextmanager
async def workspace(folder: Path, model_url: str, wire: Wire) -> AsyncIterator[tuple[Slack, Settings]]:
    """A workspace, and the settings with which a bot comes to work in it."""
    async with running(folder / "workspace", options=Options(rate_limits=False)) as local:
        settings = load(
            slack_bot_token=SecretStr(local.bot_token), slack_app_token=SecretStr(local.app_token),
            slack_api_url=local.api_url, openai_api_key=SecretStr("sk-test"), openai_base_url=model_url,
            openai_api=wire, openai_model="gpt-6.1-sol" if wire == "responses" else "gpt-4.1",
            openai_proxy_model="gpt-6-luna" if wire == "responses" else "gpt-4.1-mini", bot_data=folder / "data",
            bot_runtime=False,
        )  # fmt: skip
        async with aiohttp.ClientSession(base_url=local.base_url) as session:
            yield Slack(session), settings


@asynccontextmanager
async def at_work(folder: Path, model_url: str, wire: Wire) -> AsyncIterator[Slack]:
    """A workspace with the bot in it."""
    async with workspace(folder, model_url, wire) as (slack, settings), serving(settings, pace=0.2):
        yield slack
