"""Keeps one fork server ready: replaces it after many runs, when it is dead, or when the libraries were installed later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from bot.errors import ServiceError
from bot.sandbox.cgroups import Groups
from bot.sandbox.fork_client import Fork, ForkServer
from bot.sandbox.process import NotBegun, Terms, supervise
from bot.sandbox.tier import Runtime, Tier
from bot.thread.outcomes import Execution, Outcome

log = logging.getLogger(__name__)
MODULES = ("numpy", "pandas", "matplotlib.pyplot")
RENEW_AFTER = 5_000  # runs of one server: all that it forks share its memory layout
INTERRUPTED = "The sandbox's server ended while it ran. Run it again."


class ForkPool:
    """The current fork server, and replaced ones that still have runs."""

    def __init__(self, tier: Tier, runtime: Callable[[], Runtime], groups: Groups, renew_after: int) -> None:
        """Replace a server after `renew_after` runs, or when it lacks libraries of `runtime()`."""
        self._tier = tier
        self._groups = groups
        self._runtime = runtime
        self._renew_after = renew_after
        self._server: ForkServer | None = None
        self._replaced: list[ForkServer] = []
        self.loaded: Runtime | None = None  # the libraries that the server has imported
        self._closed = False

    @property
    def current(self) -> ForkServer | None:
        """The server to ask for a fork, None while there is none."""
        return self._server if self._server and self._server.ready else None

    async def supervise_fork(self, plan: Fork, terms: Terms, libraries: Runtime) -> tuple[Execution, int | None] | None:
        """Run in a fork of the server, as `supervise`.

        Returns None without a server, without one that has imported these libraries, as in the first seconds of every start,
        or when it failed before the script began.
        """
        server = self.current
        if server is None or self.loaded != libraries:
            return None
        try:
            execution, layer = await supervise(partial(server.fork, plan), terms)
        except NotBegun as error:
            if self._closed:
                raise
            log.warning("the fork server is renewed: %s", error)
            server.runs = self._renew_after
            return None
        if execution.outcome is Outcome.KILLED and execution.exit_code is None and await server.gone(within=0.5):
            execution = replace(execution, outcome=Outcome.INTERRUPTED, message=INTERRUPTED)
        return execution, layer

    async def _start(self, runtime: Runtime) -> None:
        """Start a server with these libraries, and replace the present one with it; raises ServiceError."""
        fresh = ForkServer(partial(self._tier.server_command, runtime), self._groups)
        await fresh.start(MODULES if runtime.site else ())
        self._replaced += [self._server] if self._server else []
        self._server, self.loaded = fresh, runtime

    async def _keep(self) -> None:
        """Replace the server whenever that is due, and close replaced ones without runs; runs until cancelled."""
        while True:
            await asyncio.sleep(0.2)
            runtime = self._runtime()
            if self.current is None or self.current.runs >= self._renew_after or runtime != self.loaded:
                try:
                    await self._start(runtime)
                except (ServiceError, OSError) as error:
                    log.warning("runs start one by one: %s", error)
                else:
                    log.info("the fork server is ready")
            for server in [s for s in self._replaced if not s.busy or not s.ready]:
                await server.close()  # listed until it is closed, in case this task is cancelled
                self._replaced.remove(server)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[ForkPool]:
        """Serve runs with a server that has no libraries at once, and has them soon; raises ServiceError."""
        try:
            await self._start(Runtime())
            keeping = asyncio.create_task(self._keep())
            try:
                yield self
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
        finally:
            self._closed = True
            for server in (*self._replaced, *([self._server] if self._server else [])):
                await server.close()
