"""Connect to Slack over Socket Mode; the listeners store each request and leave the work to others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
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
    async with aiohttp.ClientSession(timeout=timeout) as session, AsyncExitStack() as closing:
        # The client repeats nothing: what may be repeated is known where it is called.
        client = AsyncWebClient(token=bot_token, base_url=base_url, session=session, retry_handlers=[])
        me = await _introduced(client, base_url)
        team, bot_user = me["team_id"], me["user_id"]
        files = SlackFiles(client, session, token=bot_token, max_bytes=max_upload)
        lines: list[Line] = []
        removal = asyncio.Event()

        async def listen(accept: Accept, marks: Marks) -> None:
            async def known() -> AuthorizeResult:  # else each event of the first burst would ask Slack who we are
                return AuthorizeResult(
                    enterprise_id=None, team_id=team, bot_user_id=bot_user, bot_id=me.get("bot_id"), bot_token=bot_token
                )

            nameless = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[])  # Bolt warns of one with a token

            def take(event: dict[str, Any], shared: bool) -> Request | None:
                return request_from(event, team, bot_user, shared=shared)

            catching_up = CatchingUp(client, marks, take, accept, pause=pace)
            events = Events(take, accept, catching_up.heard, removal)
            bolt = AsyncApp(client=nameless, process_before_response=True, authorize=known, before_authorize=events)
            register(bolt, accept, team)
            closing.callback(asyncio.create_task(catching_up.run()).cancel)
            lines.append(Line(bolt, app_token, base_url, catching_up.missed, ping=ping))
            closing.push_async_callback(lines[-1].close)
            await lines[-1].open()

        async def check() -> str:
            return "" if any(line.live for line in lines) else "Socket Mode is not connected: no request can be heard"

        chat = SlackChat(client, files, bot_user=bot_user, pace=pace)
        closing.push_async_callback(chat.close)
        yield Slack(team, bot_user, chat, listen, removal, lambda: answer(client.auth_test), check)


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


class Events(AsyncMiddleware):
    """Takes every event that we know, before Bolt looks for a listener: whose way there costs more than all that we do."""

    def __init__(self, take: Take, accept: Accept, heard: Callable[[str], None], removal: asyncio.Event) -> None:
        self._take, self._accept, self._heard, self._removal = take, accept, heard, removal

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        """Answer Slack once the request in an event is stored; leave what is no event, or one that we do not know, to Bolt."""
        event = req.body.get("event") or {}
        match event.get("type"):
            case kind if kind in REQUESTS:
                # Our own `team`: in a shared channel the payload's `team_id` may be the other organization's.
                if request := self._take(event, bool(req.body.get("is_ext_shared_channel"))):
                    await self._accept(request)
                self._heard(str(event.get("event_ts") or event.get("ts") or "0"))
            case kind if kind in REMOVALS:
                if kind == "app_uninstalled" or (event.get("tokens") or {}).get("bot"):
                    log.error("Slack says %s: no further work is taken in", kind)
                    self._removal.set()
            case _:
                return await next()
        return BoltResponse(status=200)


def register(bolt: AsyncApp, accept: Accept, team: str) -> None:
    """Register the listeners of commands and clicks; each answers once its request is stored."""

    async def take_command(ack: Any, body: dict[str, Any]) -> None:
        try:
            await accept(command_from(body, team, f"{time.time():.6f}"))
        except UserError as error:
            await ack(str(error))
        else:
            await ack()

    async def take_shortcut(ack: Any, body: dict[str, Any]) -> None:
        await accept(shortcut_from(body, team, f"{time.time():.6f}"))
        await ack()

    async def take_stop(ack: Any, body: dict[str, Any]) -> None:
        if request := stop_from(body, team):
            await accept(request)
        await ack()

    bolt.command("/runpy")(take_command)
    bolt.shortcut("run_file")(take_shortcut)
    bolt.action("stop")(take_stop)
