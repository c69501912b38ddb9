"""The fork server of now: renewed when it is worn, dead, or without libraries that have come since."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bot.errors import ServiceError
from bot.sandbox.forkserver import ForkServer
from bot.sandbox.tiers import Runtime

log = logging.getLogger(__name__)
MODULES = ("numpy", "pandas", "matplotlib.pyplot")
WORN = 5_000  # runs after which a server is renewed: all that it forks share its memory layout
Command = Callable[[Runtime, Mapping[str, Any]], Sequence[str]]


class ForkServers:
    """The fork server of now, and those before it whose last runs go on."""

    def __init__(self, command: Command, runtime: Callable[[], Runtime]) -> None:
        """`command` gives a server's argument list for the libraries of a runtime, `runtime` those that there are now."""
        self._command = command
        self._runtime = runtime
        self._server: ForkServer | None = None
        self._worn: list[ForkServer] = []
        self._loaded: Runtime | None = None

    @property
    def current(self) -> ForkServer | None:
        """The server to ask, None while there is none."""
        return self._server if self._server and self._server.ready else None

    async def loaded(self) -> None:
        """Wait until the server has the libraries that there are."""
        while self._loaded != self._runtime():  # noqa: ASYNC110  another task of ours starts it
            await asyncio.sleep(0.05)

    async def start(self, runtime: Runtime) -> None:
        """Put a new server in the place of the one there is; raises ServiceError."""
        fresh = ForkServer(partial(self._command, runtime))
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
                self._worn.remove(worn)
                await worn.close()

    async def close(self) -> None:
        """End them all."""
        for server in (*self._worn, *([self._server] if self._server else [])):
            await server.close()


@asynccontextmanager
async def renewed(command: Command, runtime: Callable[[], Runtime]) -> AsyncIterator[ForkServers]:
    """Keep a fork server: at once one without libraries, soon one with them. Raises ServiceError."""
    servers = ForkServers(command, runtime)
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
