"""The workspace server: puts the parts together, serves them on loopback, closes them in order."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiohttp
from aiohttp import web

from bot.local.workspace import control, downloads, page, web_api
from bot.local.workspace.context import SITE, Site
from bot.local.workspace.delivery import Delivery
from bot.local.workspace.events import Events
from bot.local.workspace.files import UPLOAD_LIMIT, Files
from bot.local.workspace.guards import guard, in_words, is_loopback
from bot.local.workspace.http_mode import RequestUrl
from bot.local.workspace.interactions import Interactions
from bot.local.workspace.journal import Journal
from bot.local.workspace.limits import RateLimits
from bot.local.workspace.manifest import read_manifest
from bot.local.workspace.messages import Change
from bot.local.workspace.responses import Responses
from bot.local.workspace.sharing import Sharing
from bot.local.workspace.socket_mode import SocketMode
from bot.local.workspace.state import Workspace
from bot.local.workspace.statuses import Statuses
from bot.local.workspace.streams import Streams
from bot.local.workspace.tokens import open_tokens

log = logging.getLogger(__name__)

MANIFEST = Path(__file__).parents[3] / "manifest.yml"


class CannotServe(Exception):
    """Why the workspace cannot open, in words for whoever started it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a workspace behaves; times are in seconds.

    `retries` are the pauses before an event that nobody acknowledged is sent again; `keep` is how long events wait
    for an app that is not connected. With `request_url`, payloads go there as signed HTTP instead of over sockets.
    `clock` returns the time of day.
    """

    rate_limits: bool = True
    model_notice: str = ""
    request_url: str | None = None
    retries: tuple[float, ...] = (3, 60, 300)
    keep: float = 600
    patience: float = 3
    stream_lifetime: float = 300
    share_delay: float = 0.1
    recycle_sockets: float | None = None
    upload_limit: int = UPLOAD_LIMIT
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Running:
    """A workspace that serves: where it is and what a bot needs to come in."""

    base_url: str
    api_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    site: Site


@asynccontextmanager
async def running(
    data: Path, manifest: Path = MANIFEST, *, host: str = "127.0.0.1", port: int = 0, options: Options | None = None
) -> AsyncIterator[Running]:
    """Serve a workspace kept in `data` until the block ends; port 0 takes any free one. Raises `CannotServe`."""
    options = options or Options()
    if not is_loopback(host):
        raise CannotServe(f"The workspace has no accounts, so it serves this machine only, not {host}.")
    async with AsyncExitStack() as stack:
        site = await _open(data, manifest, options, stack)
        runner = web.AppRunner(_application(site), shutdown_timeout=1, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        listener = web.TCPSite(runner, host, port)
        try:
            await listener.start()
        except OSError as error:
            raise CannotServe(f"Port {port} is taken: {error.strerror}. Choose another one.") from error
        taken: int = runner.addresses[0][1]
        site.workspace.base_url = f"http://{f'[{host}]' if ':' in host else host}:{taken}/"
        tasks = [asyncio.create_task(site.delivery.run()), asyncio.create_task(site.sharing.run())]
        stack.push_async_callback(_end, tasks)
        tokens = site.tokens
        yield Running(
            base_url=site.base_url,
            api_url=f"{site.base_url}api/",
            bot_token=tokens.bot_token,
            app_token=tokens.app_token,
            signing_secret=tokens.signing_secret,
            site=site,
        )


async def serve(
    host: str,
    port: int,
    data: Path,
    manifest: Path = MANIFEST,
    options: Options | None = None,
    started: Callable[[Running], None] | None = None,
) -> None:
    """Serve a workspace until cancelled; `started` is called once it answers."""
    async with running(data, manifest, host=host, port=port, options=options) as workspace:
        if started:
            started(workspace)
        await asyncio.Event().wait()


async def _open(data: Path, manifest_path: Path, options: Options, stack: AsyncExitStack) -> Site:
    try:
        manifest = read_manifest(manifest_path)
        lock = stack.enter_context(_folder_lock(data))
    except (OSError, ValueError) as error:
        raise CannotServe(str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotServe(f"Another workspace is using {data}.") from error
    journal = Journal(data / "workspace.sqlite")
    stack.callback(journal.close)
    tokens = open_tokens(data / "tokens.json")
    files = Files(data / "files", journal, options.upload_limit)
    workspace = Workspace(journal, files, options.clock, manifest.bot_name, manifest.name)
    delivery = Delivery(journal, options.clock, options.retries, options.keep, options.patience)
    events = Events(workspace, manifest, delivery, tokens.verification_token)
    if options.request_url:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = RequestUrl(options.request_url, tokens.signing_secret, delivery, session, options.clock)
        stack.push_async_callback(url.close)
        delivery.add(url)
    streams = Streams(workspace, journal, options.stream_lifetime)
    responses = Responses(workspace, journal)
    site = Site(
        workspace=workspace,
        files=files,
        sharing=Sharing(workspace, files, journal, options.share_delay),
        statuses=Statuses(workspace, journal),
        streams=streams,
        manifest=manifest,
        tokens=tokens,
        journal=journal,
        delivery=delivery,
        events=events,
        socket_mode=SocketMode(delivery, lambda: site.say_state(), options.recycle_sockets),
        limits=RateLimits(options.rate_limits),
        interactions=Interactions(workspace, manifest, delivery, events, streams, responses, tokens.verification_token),
        responses=responses,
        views=journal.all("view"),
        model_notice=options.model_notice,
    )
    return site


def _folder_lock(data: Path) -> IO[str]:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (data / "lock").open("w")


def _application(site: Site) -> web.Application:
    application = web.Application(middlewares=[guard, in_words], client_max_size=8 << 20)
    application[SITE] = site
    application.on_shutdown.append(_hang_up)
    application.add_routes(
        [
            web.route("*", "/api/{method}", web_api.call),
            web.get("/link/", site.socket_mode.connect),
            web.post("/response/{key}", site.responses.receive),
            web.post("/upload/v1/{ticket}", downloads.app_upload),
            web.get("/files-pri/{id}/{name}", downloads.private),
            web.get("/files-pri/{id}/download/{name}", downloads.private),
            *control.ROUTES,
            *page.ROUTES,
            web.static("/static", page.STATIC),
        ]
    )
    return application


async def _hang_up(application: web.Application) -> None:
    site = application[SITE]
    site.workspace.tell(Change("closed"))
    for socket in list(site.socket_mode.sockets):
        await socket.connection.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
