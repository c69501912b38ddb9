"""Connect to Slack over Socket Mode; the listeners store each request and leave the work to others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused, ServiceError, SetupError, UserError
from bot.ports import Marks
from bot.slack.calls import answer
from bot.slack.catching_up import Accept, CatchingUp, Take
from bot.slack.client import SlackChat
from bot.slack.events import command_from, request_from, shortcut_from, stop_from
from bot.slack.files import SlackFiles
from bot.slack.line import PING, Line
from bot.thread.request import Request

log = logging.getLogger(__name__)
REQUESTS = ("app_mention", "message", "agent_session_stopped")
REMOVALS = ("app_uninstalled", "tokens_revoked")
OPENED = "app_home_opened"
PROMPTS = (
    {"title": "Plot a CSV", "message": "Plot revenue by month (attach a CSV)"},
    {"title": "Fix a script", "message": "Run this and fix what fails (attach a script)"},
    {"title": "Read a log", "message": "Why did this log go wrong? (attach a log)"},
    {"title": "Try the Stop button", "message": "Count slowly to 50"},
)


@dataclass(frozen=True, slots=True)
class Slack:
    """An open connection: the workspace, the bot's user, the Chat port, and `listen`, which starts listening."""

    team: str
    bot_user: str
    chat: SlackChat
    listen: Callable[[Accept, Marks], Awaitable[None]]
    removal: asyncio.Event
    introduce: Callable[[], Awaitable[object]]  # asks Slack who we are; raises ServiceError
    check: Callable[[], Awaitable[str]]  # says what is wrong with the WebSocket that requests come by, "" when nothing is

    async def until_removed(self) -> NoReturn:
        """Wait until the app is removed from the workspace or its token revoked, then raise SetupError."""
        await self.removal.wait()
        raise SetupError("The app was removed from the workspace (or its token revoked). Install it again and start me.")


@asynccontextmanager
async def open_slack(
    bot_token: str, app_token: str, *, base_url: str, max_upload: int, pace: float = 3.0, ping: float = PING
) -> AsyncIterator[Slack]:
    """Connect to Slack at `base_url`; raises SetupError naming the token that is refused. `pace` is SlackChat's and
    CatchingUp's pause, `ping` is Line's."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=120)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        # The client repeats nothing: what may be repeated is known where it is called.
        client = AsyncWebClient(token=bot_token, base_url=base_url, session=session, retry_handlers=[])
        me = await _introduced(client, base_url)
        team, bot_user = me["team_id"], me["user_id"]
        files = SlackFiles(client, session, token=bot_token, max_bytes=max_upload)
        lines: list[Line] = []
        tasks: list[asyncio.Task[None]] = []
        removal = asyncio.Event()

        async def listen(accept: Accept, marks: Marks) -> None:
            async def known() -> AuthorizeResult:  # else each event of the first burst would ask Slack who we are
                return AuthorizeResult(
                    enterprise_id=None, team_id=team, bot_user_id=bot_user, bot_id=me.get("bot_id"), bot_token=bot_token
                )

            # Bolt warns of a client that has a token already.
            nameless = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[])
            bolt = AsyncApp(client=nameless, process_before_response=True, authorize=known)

            def take(event: dict[str, Any], shared: bool) -> Request | None:
                return request_from(event, team, bot_user, shared=shared)

            catching_up = CatchingUp(client, marks, take, accept, pause=pace)
            register(bolt, take, accept, team, removal, catching_up.heard)
            tasks.append(asyncio.create_task(catching_up.run()))
            line = Line(bolt, app_token, base_url, catching_up.missed, ping=ping)
            lines.append(line)
            await line.open()

        async def check() -> str:
            return "" if any(line.live for line in lines) else "Socket Mode is not connected: no request can be heard"

        chat = SlackChat(client, files, bot_user=bot_user, pace=pace)
        try:
            yield Slack(team, bot_user, chat, listen, removal, lambda: answer(client.auth_test), check)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await chat.close()
            for line in lines:
                await line.close()


async def _introduced(client: AsyncWebClient, base_url: str) -> dict[str, str]:
    """Return who we are, asked until Slack answers; raises SetupError when the token is refused or nobody is there at all."""
    pause = 1.0
    while True:
        try:
            me = await answer(client.auth_test)
            if isinstance(me.get("team_id"), str) and isinstance(me.get("user_id"), str):
                return me
        except Refused as error:
            raise SetupError(f"Slack refuses SLACK_BOT_TOKEN: {error.code}.") from error
        except ServiceError as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorDNSError | aiohttp.InvalidURL):
                raise SetupError(f"Slack does not answer at {base_url}: {error.__cause__}") from error
        log.warning("Slack does not answer at %s, trying again in %.0f s", base_url, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 30.0)


def register(bolt: AsyncApp, take: Take, accept: Accept, team: str, removal: asyncio.Event, heard: Callable[[str], None]) -> None:
    """Register the listeners; each returns once its request is stored, and only then does Bolt acknowledge."""

    async def take_event(event: dict[str, Any], body: dict[str, Any]) -> None:
        # Our own `team`: in a shared channel the payload's `team_id` may be the other organization's.
        if request := take(event, bool(body.get("is_ext_shared_channel"))):
            await accept(request)
        heard(str(event.get("event_ts") or event.get("ts") or "0"))

    async def suggest_prompts(event: dict[str, Any], client: AsyncWebClient) -> None:
        if event.get("tab") == "messages":
            try:
                await answer(client.assistant_threads_setSuggestedPrompts, channel_id=event["channel"], prompts=list(PROMPTS))
            except ServiceError as error:
                log.warning("no prompts were suggested: %s", error)

    async def note_removal(event: dict[str, Any]) -> None:
        if event["type"] == "app_uninstalled" or (event.get("tokens") or {}).get("bot"):
            log.error("Slack says %s: no further work is taken in", event["type"])
            removal.set()

    async def take_command(ack: Any, body: dict[str, Any]) -> None:
        try:
            await accept(command_from(body, team, _now()))
        except UserError as error:
            await ack(str(error))
        else:
            await ack()

    async def take_shortcut(ack: Any, body: dict[str, Any]) -> None:
        await accept(shortcut_from(body, team, _now()))
        await ack()

    async def take_stop(ack: Any, body: dict[str, Any]) -> None:
        if request := stop_from(body, team):
            await accept(request)
        await ack()

    for kind in REQUESTS:
        bolt.event(kind)(take_event)
    for kind in REMOVALS:
        bolt.event(kind)(note_removal)
    bolt.event(OPENED)(suggest_prompts)
    bolt.command("/runpy")(take_command)
    bolt.shortcut("run_file")(take_shortcut)
    bolt.action("stop")(take_stop)


def _now() -> str:
    return f"{time.time():.6f}"
