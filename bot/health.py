"""What orchestrators ask of the bot: `/healthz`, whether its event loop turns, and `/readyz`, whether it can work."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from bot.errors import ServiceError, SetupError
from bot.ports import Model, Prompt, Typed
from bot.thread.entries import Decision, Usage

Need = Callable[[], Awaitable[str]]  # says what is wrong, "" when nothing is
STARTING = "the sandbox or Slack has not answered yet"
PATIENCE = 2.0  # seconds that a need may take to answer
KEPT = 2.0  # seconds that an answer is given again, for the store is written to find out


@dataclass
class Health:
    """What is known of the bot. Until `needs` are given it is starting, and not ready.

    What is only noted (the sandbox, the model, Slack's Web API) is reported with its age and never makes the bot unready: a
    request that meets it is answered with what is wrong, and no restart mends it.
    """

    needs: dict[str, Need] = field(default_factory=dict)
    _noted: dict[str, tuple[str, float]] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _known: tuple[dict[str, str], float] = field(default_factory=lambda: ({}, -KEPT))

    def note(self, part: str, state: str) -> None:
        """Note the state of a part as of now."""
        self._noted[part] = (state, time.monotonic())

    @contextmanager
    def noting(self, part: str, well: str) -> Iterator[None]:
        """Note that a part is `well` when the block ends, or the ServiceError that it ends with."""
        try:
            yield
        except ServiceError as error:
            self.note(part, f"failed: {error}")
            raise
        self.note(part, well)

    @asynccontextmanager
    async def asking(self, part: str, ask: Callable[[], Awaitable[Any]], every: float = 300.0) -> AsyncIterator[None]:
        """Ask a service whether it is there, `every` so many seconds, until the block ends."""

        async def keep_asking() -> None:
            while True:
                with suppress(ServiceError), self.noting(part, "answered"):
                    await ask()
                await asyncio.sleep(every)

        task = asyncio.create_task(keep_asking())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def report(self) -> dict[str, Any]:
        """Return whether the bot is ready, why not, and what is known of its parts; ages are in seconds."""
        async with self._asking:
            if time.monotonic() - self._known[1] > KEPT:
                self._known = (await self._problems(), time.monotonic())
        problems, now = self._known[0], time.monotonic()
        why = [f"{part}: {problem}" for part, problem in problems.items() if problem]
        report: dict[str, Any] = {"ready": not why, "why": why} | {part: problem or "ok" for part, problem in problems.items()}
        for part in ("sandbox", "model", "auth.test"):
            state, at = self._noted.get(part, ("not asked yet", None))
            report[part] = {"state": state, "age_s": None if at is None else round(now - at, 1)}
        return report

    async def _problems(self) -> dict[str, str]:
        """Return what is wrong with each need."""
        found = {} if self.needs else {"start": STARTING}
        for part, need in self.needs.items():
            try:
                async with asyncio.timeout(PATIENCE):
                    found[part] = await need()
            except TimeoutError:
                found[part] = f"no answer within {PATIENCE:g} s"
        return found

    @asynccontextmanager
    async def answering(self, host: str, port: int | None) -> AsyncIterator[None]:
        """Answer on a port, if there is one, until the block ends; raises SetupError when it cannot be used."""
        if port is None:
            yield
            return

        async def lives(request: web.Request) -> web.Response:
            return web.json_response({"status": "ok"})

        async def is_ready(request: web.Request) -> web.Response:
            report = await self.report()
            return web.json_response(report, status=200 if report["ready"] else 503)

        application = web.Application()
        application.add_routes([web.get("/healthz", lives), web.get("/health", lives), web.get("/readyz", is_ready)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
                raise SetupError(f"BOT_HEALTH_PORT {port} at BOT_HEALTH_HOST {host} cannot be used: {why}.") from error
            yield
        finally:
            await runner.cleanup()


class NotedModel:
    """A model whose last answer, or failure to answer, is noted."""

    def __init__(self, model: Model, health: Health) -> None:
        self._model = model
        self._health = health

    async def decide(self, prompt: Prompt, tools: Sequence[type[BaseModel]]) -> Decision:
        with self._health.noting("model", "answered"):
            return await self._model.decide(prompt, tools)

    async def choose(self, prompt: Prompt, answer: type[Typed]) -> tuple[Typed | str, Usage]:
        with self._health.noting("model", "answered"):
            return await self._model.choose(prompt, answer)
