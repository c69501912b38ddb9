"""A proxy that spoils answers as balancers, broken connections and busy services do."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

# What the service never sees, and what it did before its answer was spoiled.
BEFORE = ("503 text", "429", "429 without Retry-After", "reset before")
AFTER = ("lost", "half", "empty", "a list", "null", "502 html", "slow", "drip")
DROP = "socket dropped"


@dataclass(slots=True, kw_only=True)
class Proxy:
    """Passes everything on to `upstream`, a base URL without a path, and spoils a share of it; `met` counts the faults by kind."""

    upstream: str
    rate: float
    rng: random.Random
    url: str = ""
    met: Counter[str] = field(default_factory=Counter)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or spoil its answer."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._tunnel(request)
        kind = self.rng.choice(BEFORE + AFTER) if self.rng.random() < self.rate else ""
        self.met[kind] += bool(kind)
        if kind in BEFORE:
            await request.read()
            return self._instead(request, kind)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in {"host", "transfer-encoding", "content-length"}}
        async with aiohttp.ClientSession(auto_decompress=False) as session, session.request(
            request.method, self.upstream + request.path_qs, headers=headers, data=await request.read(), allow_redirects=False
        ) as answer:  # fmt: skip
            data = (await answer.read()).replace(self.upstream.encode(), self.url.encode())
            data = data.replace(self.upstream.replace("http", "ws").encode(), self.url.replace("http", "ws").encode())
        if kind in {"", "slow"}:
            await asyncio.sleep(2.0 * bool(kind))
            return web.Response(body=data, status=answer.status, headers={"Content-Type": answer.headers.get("Content-Type", "")})
        return await self._spoiled(request, kind, data)

    def _instead(self, request: web.Request, kind: str) -> web.Response:
        if kind == "reset before":
            _reset(request)
        if kind.startswith("429"):
            return web.Response(status=429, text="slow down", headers={"Retry-After": "1"} if kind == "429" else {})
        return web.Response(status=503, text="upstream connect error or disconnect/reset before headers")

    async def _spoiled(self, request: web.Request, kind: str, data: bytes) -> web.StreamResponse:
        bodies = {"empty": b"", "a list": b"[1]", "null": b"null"}
        if kind in bodies:
            return web.Response(body=bodies[kind], content_type="application/json")
        if kind == "502 html":
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        if kind == "lost":
            _reset(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
        await response.prepare(request)
        step = max(1, len(data) // 10)
        for start in range(0, len(data) // (2 if kind == "half" else 1), step):
            await response.write(data[start : start + step])
            await asyncio.sleep(0.05 * (kind == "drip"))
        if kind == "half":
            _reset(request)
        return response

    async def _tunnel(self, request: web.Request) -> web.WebSocketResponse:
        """Pass a WebSocket on, and drop it now and then, with whatever is on its way."""
        near = web.WebSocketResponse()
        await near.prepare(request)
        async with aiohttp.ClientSession() as session, session.ws_connect(self.upstream + request.path_qs) as far:

            async def pump(source: aiohttp.ClientWebSocketResponse | web.WebSocketResponse, drain: object) -> None:
                async for message in source:
                    if self.rng.random() < self.rate / 10:
                        self.met[DROP] += 1
                        return
                    await drain.send_str(message.data)  # type: ignore[attr-defined]

            pumps = [asyncio.create_task(pump(far, near)), asyncio.create_task(pump(near, far))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for task in pumps:
                task.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        await near.close()
        return near


def _reset(request: web.Request) -> None:
    """Break the connection off, as when a machine in between is gone."""
    if request.transport:
        request.transport.abort()
    raise asyncio.CancelledError


@asynccontextmanager
async def spoiling(upstream: str, rate: float, rng: random.Random) -> AsyncIterator[Proxy]:
    """Serve a proxy until the block ends."""
    proxy = Proxy(upstream=upstream, rate=rate, rng=rng)
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", proxy.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield proxy
    finally:
        await runner.cleanup()
