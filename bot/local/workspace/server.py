"""The workspace server: wires the parts, serves them on loopback, and closes them in order."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.disk import lock, make_private
from bot.local.workspace.control import Control
from bot.local.workspace.delivery import Delivery
from bot.local.workspace.downloads import AppFiles, PeopleFiles
from bot.local.workspace.events import Events
from bot.local.workspace.faults import Faults
from bot.local.workspace.files import UPLOAD_LIMIT, Files
from bot.local.workspace.guards import guard, in_words, is_loopback
from bot.local.workspace.http_mode import RequestUrl
from bot.local.workspace.interactions import Interactions
from bot.local.workspace.journal import Journal
from bot.local.workspace.limits import RateLimits
from bot.local.workspace.manifest import Manifest, read_manifest
from bot.local.workspace.messages import Change
from bot.local.workspace.methods.access import Access
from bot.local.workspace.methods.agents import Agents
from bot.local.workspace.methods.chat import Chat
from bot.local.workspace.methods.conversations import Conversations
from bot.local.workspace.methods.files import FileMethods
from bot.local.workspace.methods.team import Team
from bot.local.workspace.page import ME, STATIC, Page, as_typed
from bot.local.workspace.people_api import PeopleApi
from bot.local.workspace.responses import Responses
from bot.local.workspace.sharing import Sharing
from bot.local.workspace.socket_mode import SocketMode
from bot.local.workspace.state import Workspace
from bot.local.workspace.statuses import Statuses
from bot.local.workspace.streams import Streams
from bot.local.workspace.tokens import Tokens, open_tokens
from bot.local.workspace.web_api import WebApi
from bot.local.workspace.wire_text import wire

log = logging.getLogger(__name__)

MANIFEST = Path(__file__).parents[3] / "manifest.yml"


class CannotServe(Exception):
    """The workspace cannot open; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a workspace behaves; times are in seconds.

    `retries` are the pauses before an event that nobody acknowledged is sent again. With `request_url`, payloads go there
    as signed HTTP instead of over sockets. `clock` returns the time of day. `lossy` loses what Slack may lose, and `distributed`
    is for an app that is sold outside Slack's Marketplace: its history can be read once a minute.
    """

    rate_limits: bool = True
    request_url: str | None = None
    retries: tuple[float, ...] = (3, 60, 300)
    patience: float = 3
    share_delay: float = 0.1
    upload_limit: int = UPLOAD_LIMIT
    clock: Callable[[], float] = time.time
    lossy: bool = False
    distributed: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A running workspace: what a bot needs to connect, and the parts that tests inspect."""

    bot_token: str
    app_token: str
    signing_secret: str
    workspace: Workspace
    delivery: Delivery
    events: Events
    socket_mode: SocketMode

    @property
    def base_url(self) -> str:
        return self.workspace.base_url

    @property
    def api_url(self) -> str:
        return f"{self.base_url}api/"


@asynccontextmanager
async def running(
    data: Path, manifest: Path = MANIFEST, *, host: str = "127.0.0.1", port: int = 0, options: Options | None = None
) -> AsyncIterator[Running]:
    """Serve a workspace kept in `data` until the block ends; port 0 takes any free one. Raises `CannotServe`."""
    options = options or Options()
    if not is_loopback(host):
        raise CannotServe(f"The workspace has no accounts, so it serves this machine only, not {host}.")
    async with AsyncExitStack() as stack:
        declared = _manifest_and_lock(manifest, data, stack)
        journal = Journal(data / "workspace.sqlite")
        stack.callback(journal.close)
        tokens = open_tokens(data / "tokens.json")
        files = Files(data / "files", journal, options.upload_limit)
        workspace = Workspace(journal, files, options.clock, declared)
        delivery = Delivery(journal, options.clock, options.retries, options.patience, lossy=options.lossy)
        events = Events(workspace, delivery, tokens.verification_token)
        socket_mode = SocketMode(delivery, lambda: workspace.tell(Change("state")))
        sharing = Sharing(workspace, options.share_delay)
        if options.request_url:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            url = RequestUrl(options.request_url, tokens.signing_secret, delivery, session, options.clock)
            stack.push_async_callback(url.close)
            delivery.add(url)
        routes = _routes(options, tokens, workspace, delivery, events, socket_mode, sharing)
        application = web.Application(middlewares=[guard, in_words], client_max_size=8 << 20)
        application.add_routes(routes)
        application.on_shutdown.append(partial(_hang_up, workspace, socket_mode))
        workspace.base_url = await _listen(application, host, port, stack)
        tasks = [asyncio.create_task(delivery.run()), asyncio.create_task(sharing.run())]
        stack.push_async_callback(_end, tasks)
        secrets = tokens.bot_token, tokens.app_token, tokens.signing_secret
        yield Running(*secrets, workspace, delivery, events, socket_mode)


def _manifest_and_lock(path: Path, data: Path, stack: AsyncExitStack) -> Manifest:
    """Read the manifest and lock the folder, so that one process alone serves it."""
    try:
        manifest = read_manifest(path)
        make_private(data)
        locked = lock(stack.enter_context((data / "lock").open("w")))
    except (OSError, ValueError) as error:
        raise CannotServe(str(error)) from error
    if not locked:
        raise CannotServe(f"Another workspace is using {data}.")
    return manifest


def _routes(
    options: Options,
    tokens: Tokens,
    workspace: Workspace,
    delivery: Delivery,
    events: Events,
    socket_mode: SocketMode,
    sharing: Sharing,
) -> list[web.RouteDef | web.StaticDef]:
    """Give each handler the parts it needs, and return the routes."""
    access, faults = Access(workspace), Faults()
    statuses, responses = Statuses(workspace), Responses(workspace)
    streams = Streams(workspace)
    interactions = Interactions(workspace=workspace, delivery=delivery, events=events, streams=streams, responses=responses)
    families = (
        Team(workspace=workspace, socket_mode=socket_mode, interactions=interactions),
        Chat(workspace=workspace, access=access, streams=streams, statuses=statuses),
        Conversations(workspace=workspace, access=access, distributed=options.distributed),
        FileMethods(workspace=workspace, access=access, sharing=sharing),
        Agents(access=access, statuses=statuses),
    )
    methods = {name: method for family in families for name, method in family.methods().items()}
    limits = RateLimits(options.rate_limits)
    api = WebApi(methods=methods, access=access, tokens=tokens, limits=limits, faults=faults)
    app_files = AppFiles(workspace=workspace, tokens=tokens, faults=faults)
    people = partial(PeopleApi, workspace=workspace, interactions=interactions, files=PeopleFiles(workspace))
    page = Page(
        people=people(path="/page", me=ME, as_sent=as_typed(workspace), own_only=True),
        workspace=workspace, delivery=delivery, streams=streams,
    )  # fmt: skip
    control = Control(
        people=people(path="/control", me=None, as_sent=wire, own_only=False),
        workspace=workspace, delivery=delivery, streams=streams, statuses=statuses,
        announce=page.announce, events=events, faults=faults, socket_mode=socket_mode, tokens=tokens,
    )  # fmt: skip
    return [
        web.route("*", "/api/{method}", api.call),
        web.get("/link/", socket_mode.connect),
        web.post("/response/{key}", responses.receive),
        web.post("/upload/v1/{ticket}", app_files.upload),
        web.get("/files-pri/{id}/{name}", app_files.private),
        web.get("/files-pri/{id}/download/{name}", app_files.private),
        *control.routes(),
        *page.routes(),
        web.static("/static", STATIC),
    ]


async def _listen(application: web.Application, host: str, port: int, stack: AsyncExitStack) -> str:
    """Serve the application and return its address."""
    runner = web.AppRunner(application, shutdown_timeout=1, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise CannotServe(
            f"Port {port} cannot be used: {os.strerror(error.errno or 0)}. Choose another one with --port."
        ) from error
    return f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}/"


async def _hang_up(workspace: Workspace, socket_mode: SocketMode, _: web.Application) -> None:
    workspace.tell(Change("closed"))
    for socket in list(socket_mode.sockets):
        await socket.connection.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
