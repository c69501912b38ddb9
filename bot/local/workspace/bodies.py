"""JSON bodies that contain files, read without holding a file in memory."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import mmap
import re
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import IO, Any

from aiohttp import web

from bot.local.workspace.files import MEGABYTE
from bot.local.workspace.journal import Json

# The opening of a base64 value. A quote inside a JSON string is escaped, so this matches at keys alone.
_KEY = re.compile(rb'"content_base64"\s*:\s*"')
_STEP = 4 * MEGABYTE

# Opens a destination for the bytes of one file; returns its name and its stream.
Open = Callable[[], tuple[str, AbstractContextManager[IO[bytes]]]]


class BadBody(ValueError):
    """A request body that cannot be used, with a message for its sender."""


def on_json(act: Callable[[Json], Awaitable[Json | None]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler that gives the request's small JSON object to `act` and answers `ok`, with what `act` returns."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"ok": True} | (await act(_parsed(await request.read())) or {}))

    return handle


async def read_json_with_files(request: web.Request, place: Open) -> Json:
    """Write the bytes of every `content_base64` to a destination; return the JSON object with the destinations' names."""
    with tempfile.TemporaryFile() as spool:
        async for chunk in request.content.iter_chunked(MEGABYTE):
            await asyncio.to_thread(spool.write, chunk)
        spool.flush()
        if not spool.tell():
            raise BadBody("The body is empty.")
        with mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) as body:
            return await _split(body, place)


async def _split(body: mmap.mmap, place: Open) -> Json:
    rest, done = bytearray(), 0
    for key in _KEY.finditer(body):
        end = body.find(b'"', key.end())
        if end < 0:
            raise BadBody("The body is not JSON.")
        name, opened = place()
        with opened as target:
            await asyncio.to_thread(_decode, body, key.end(), end, target)
        rest += body[done : key.end()] + name.encode()
        done = end
    return _parsed(bytes(rest + body[done:]))


def _parsed(text: bytes) -> Json:
    try:
        body: Any = json.loads(text)
    except ValueError as error:
        raise BadBody("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise BadBody("The body is not a JSON object.")
    return body


def _decode(body: mmap.mmap, start: int, end: int, target: IO[bytes]) -> None:
    left = b""
    for at in range(start, end, _STEP):
        # JSON may write a slash as \/, and base64 is full of slashes.
        text = left + body[at : min(at + _STEP, end)].replace(b"\\/", b"/").replace(b"\\n", b"")
        whole = len(text) // 4 * 4
        left = text[whole:]
        try:
            target.write(base64.b64decode(text[:whole], validate=True))
        except binascii.Error as error:
            raise BadBody("A content_base64 is not base64.") from error
    if left:
        raise BadBody("A content_base64 is not base64.")
