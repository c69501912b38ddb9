"""The fork server of now: renewed when it is worn, dead, or without libraries that have come since; and runs in forks of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from bot.errors import ServiceError
from bot.sandbox.cgroups import Groups
from bot.sandbox.fork_client import ForkServer
from bot.sandbox.process import Ended, NotBegun, Terms, carry_out
from bot.sandbox.tier import Runtime
from bot.thread.outcomes import Outcome

log = logging.getLogger(__name__)
MODULES = ("numpy", "pandas", "matplotlib.pyplot")
WORN = 5_000  # runs after which a server is renewed: all that it forks share its memory layout
INTERRUPTED = "The sandbox's server ended while it ran. Run it again."
Command = Callable[[Runtime, Mapping[str, Any]], Sequence[str]]


class ForkServers:
    """The fork server of now, and those before it whose last runs go on."""

    def __init__(self, command: Command, runtime: Callable[[], Runtime], groups: Groups) -> None:
        """`command` gives a server's argument list for the libraries of a runtime, `runtime` those that there are now."""
        self._command = command
        self._groups = groups
        self._runtime = runtime
        self._server: ForkServer | None = None
        self._worn: list[ForkServer] = []
        self._loaded: Runtime | None = None
        self._closed = False

    @property
    def current(self) -> ForkServer | None:
        """The server to ask, None while there is none."""
        return self._server if self._server and self._server.ready else None

    async def carry_out(self, request: Mapping[str, Any], terms: Terms) -> Ended | None:
        """Run in a fork of the server; None when there is no server, or it failed before the script began."""
        server = self.current
        if server is None:
            return None
        try:
            ended = await carry_out(partial(server.fork, request), terms)
        except NotBegun as error:
            if self._closed:
                raise
            log.warning("the fork server is renewed: %s", error)
            server.runs = WORN
            return None
        if ended.outcome is Outcome.KILLED and ended.exit_code is None and await server.gone(within=0.5):
            return replace(ended, outcome=Outcome.INTERRUPTED, message=INTERRUPTED)
        return ended

    async def loaded(self) -> None:
        """Wait until the server has the libraries that there are."""
        while self._loaded != self._runtime():  # noqa: ASYNC110  another task of ours starts it
            await asyncio.sleep(0.05)

    async def start(self, runtime: Runtime) -> None:
        """Put a new server in the place of the one there is; raises ServiceError."""
        fresh = ForkServer(partial(self._command, runtime), self._groups)
        await fresh.start(MODULES if runtime.site else ())
        self._worn += [self._server] if self._server else []
        self._server, self._loaded = fresh, runtime

    async def keep(self) -> None:
        """Renew the server when the libraries are there, when it is worn, and when it is gone; runs until cancelled."""
        while True:
            await asyncio.sleep(0.2)
            found = self._runtime()
            if self.current is None or self.current.runs >= WORN or found != self._loaded:
                try:
                    await self.start(found)
                except (ServiceError, OSError) as error:
                    log.warning("runs start one by one: %s", error)
                else:
                    log.info("the fork server is ready")
            for worn in [w for w in self._worn if not w.busy or not w.ready]:
                await worn.close()  # it stays in the list until it is closed: we may be cancelled
                self._worn.remove(worn)

    async def close(self) -> None:
        """End them all."""
        self._closed = True
        for server in (*self._worn, *([self._server] if self._server else [])):
            await server.close()


@asynccontextmanager
async def renewed(command: Command, runtime: Callable[[], Runtime], groups: Groups) -> AsyncIterator[ForkServers]:
    """Keep a fork server: at once one without libraries, soon one with them. Raises ServiceError."""
    servers = ForkServers(command, runtime, groups)
    try:
        await servers.start(Runtime())
        keeping = asyncio.create_task(servers.keep())
        try:
            yield servers
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        await servers.close()
