"""Bolt: listeners that only accept, and the connection that feeds them."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SetupError, UserError
from bot.slack.client import SlackChat
from bot.slack.events import command_from, request_from, shortcut_from, stop_from
from bot.slack.files import SlackFiles
from bot.thread.request import Request

log = logging.getLogger(__name__)
Accept = Callable[[Request], Awaitable[None]]
EVENTS = ("app_mention", "message", "agent_session_stopped")
BESIDE = ("app_home_opened", "app_context_changed", "app_uninstalled", "tokens_revoked", "file_shared")
PROMPTS = (
    {"title": "Plot a CSV", "message": "Plot revenue by month (attach a CSV)"},
    {"title": "Fix a script", "message": "Run this and fix what fails (attach a script)"},
    {"title": "Read a log", "message": "Why did this log go wrong? (attach a log)"},
    {"title": "Try the Stop button", "message": "Count slowly to 50"},
)


@dataclass(frozen=True, slots=True)
class Slack:
    """An open connection: who we are there, the Chat port, and the way to begin to listen."""

    team: str
    bot_user: str
    chat: SlackChat
    listen: Callable[[Accept], Awaitable[None]]


@asynccontextmanager
async def open_slack(
    bot_token: str, app_token: str, *, base_url: str, max_upload: int, pace: float = 3.0
) -> AsyncIterator[Slack]:
    """Connect to Slack at `base_url`; raises SetupError naming the token that is refused."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=120)
    ) as session:
        client = AsyncWebClient(token=bot_token, base_url=base_url, session=session)
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=5))
        try:
            me = await client.auth_test()
        except SlackApiError as error:
            raise SetupError(f"Slack refuses SLACK_BOT_TOKEN: {error.response['error']}.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SetupError(f"Slack does not answer at {base_url}: {error}") from error
        team, bot_user = str(me["team_id"]), str(me["user_id"])
        files = SlackFiles(client, session, token=bot_token, max_bytes=max_upload)
        handlers: list[AsyncSocketModeHandler] = []

        async def listen(accept: Accept) -> None:
            bolt = AsyncApp(client=client, process_before_response=True)
            register(bolt, accept, team, bot_user)
            handler = AsyncSocketModeHandler(
                bolt, app_token, web_client=AsyncWebClient(token=app_token, base_url=base_url)
            )
            handlers.append(handler)
            try:
                await handler.connect_async()  # type: ignore[no-untyped-call]
            except SlackApiError as error:
                raise SetupError(f"Slack refuses SLACK_APP_TOKEN: {error.response['error']}.") from error

        chat = SlackChat(client, files, bot_user=bot_user, pace=pace)
        try:
            yield Slack(team, bot_user, chat, listen)
        finally:
            await chat.close()
            for handler in handlers:
                await handler.close_async()  # type: ignore[no-untyped-call]


def register(bolt: AsyncApp, accept: Accept, team: str, bot_user: str) -> None:
    """Give Bolt its listeners: each parses and accepts, so that Slack's acknowledgement means "on record"."""

    async def heard(event: dict[str, Any], body: dict[str, Any]) -> None:
        # In a shared channel the payload's own `team_id` may be the other organization's.
        if request := request_from(event, team, bot_user, shared=bool(body.get("is_ext_shared_channel"))):
            await accept(request)

    async def greeted(event: dict[str, Any], client: AsyncWebClient) -> None:
        if event.get("tab") == "messages":
            try:
                await client.assistant_threads_setSuggestedPrompts(channel_id=event["channel"], prompts=list(PROMPTS))
            except (SlackApiError, aiohttp.ClientError) as error:
                log.warning("no prompts were suggested: %s", error)

    async def ignored(event: dict[str, Any]) -> None:
        if event["type"] in {"app_uninstalled", "tokens_revoked"}:
            log.error("Slack says %s: install the app again and renew the tokens", event["type"])

    async def commanded(ack: Any, body: dict[str, Any]) -> None:
        try:
            await accept(command_from(body, _now()))
        except UserError as error:
            await ack(str(error))
        else:
            await ack()

    async def used(ack: Any, body: dict[str, Any]) -> None:
        await accept(shortcut_from(body, _now()))
        await ack()

    async def stopped(ack: Any, body: dict[str, Any]) -> None:
        if request := stop_from(body):
            await accept(request)
        await ack()

    for kind in EVENTS:
        bolt.event(kind)(heard)
    bolt.event("app_home_opened")(greeted)
    for kind in BESIDE[1:]:
        bolt.event(kind)(ignored)
    bolt.command("/runpy")(commanded)
    bolt.shortcut("run_file")(used)
    bolt.action("stop")(stopped)


def _now() -> str:
    return f"{time.time():.6f}"
