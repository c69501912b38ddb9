"""Bytes out and bytes in: private URLs for the app, attachments for people, uploads from both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from bot.local.workspace.context import SITE, Site
from bot.local.workspace.files import MEGABYTE, File, TooLarge
from bot.local.workspace.people import TEAM
from bot.local.workspace.web_api import bearer, faulty

_SIGN_IN = """<!DOCTYPE html><html lang="en"><head><title>Sign in | Slack</title></head>
<body><h1>Sign in to your workspace</h1></body></html>"""


async def private(request: web.Request) -> web.StreamResponse:
    """Serve a file to the app; without the right token or access, a page to sign in, with status 200, as Slack."""
    site = request.app[SITE]
    site.calls["download"] += 1
    if fault := site.faults.next("download"):
        return faulty(fault)
    team, _, file_id = request.match_info["id"].partition("-")
    file = site.files.get(file_id) if team == TEAM else None
    allowed = bearer(request) == site.tokens.bot_token and "files:read" in site.manifest.scopes
    if file is None or not file.ready or not allowed or not site.workspace.bot_sees(file):
        return web.Response(text=_SIGN_IN, content_type="text/html")
    return web.FileResponse(site.files.path(file), headers={"Content-Type": file.mimetype})


async def attachment(request: web.Request) -> web.StreamResponse:
    """Serve a file to a person: to be saved, never to be shown in this origin."""
    file = _find(request)
    disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
    headers |= {"Content-Security-Policy": "sandbox; default-src 'none'"}
    return web.FileResponse(request.app[SITE].files.path(file), headers=headers)


async def image(request: web.Request) -> web.StreamResponse:
    """Serve a picture to be shown, if its bytes say that it is one."""
    site, file = request.app[SITE], _find(request)
    kind = site.files.image_type(file)
    if kind is None:
        raise web.HTTPUnsupportedMediaType(text="This file is not a picture that can be shown.")
    headers = {"Content-Type": kind, "Content-Security-Policy": "sandbox; default-src 'none'"}
    return web.FileResponse(site.files.path(file), headers=headers)


async def app_upload(request: web.Request) -> web.Response:
    """Take the bytes that the app announced with files.getUploadURLExternal, raw or as a form."""
    site = request.app[SITE]
    site.calls["upload"] += 1
    if fault := site.faults.next("upload"):
        return faulty(fault)
    file = site.files.of_ticket(request.match_info["ticket"])
    if file is None:
        return web.Response(status=404, text="This upload URL is not, or no longer, valid.")
    announced = file.size
    chunks = _form_part(request) if request.content_type == "multipart/form-data" else _body(request)
    try:
        await site.files.receive(file, chunks)
    except TooLarge as error:
        return web.Response(status=413, text=str(error))
    if file.size != announced:
        return web.Response(status=400, text=f"Expected {announced} bytes, got {file.size}.")
    return web.Response(text=f"OK - {file.size}")


async def page_upload(request: web.Request) -> web.Response:
    """Take a file from a person: `?name=`, the raw bytes as the body; answer with its id, name and size."""
    site = request.app[SITE]
    name = request.query.get("name", "").replace("\\", "/").rsplit("/", 1)[-1]
    if not name:
        return web.json_response({"error": "Give the file's name as ?name=."}, status=400)
    too_large = f"{name} is larger than {site.files.limit // MEGABYTE} MB, the most a file can have."
    if (request.content_length or 0) > site.files.limit:
        return web.json_response({"error": too_large}, status=413)
    user = request.query.get("user", "U0ALICE")
    if user not in site.workspace.users:
        return web.json_response({"error": f"There is no user {user}."}, status=404)
    file = site.files.announce(name, user, site.workspace.now())
    try:
        await site.files.receive(file, _body(request))
    except TooLarge:
        return web.json_response({"error": too_large}, status=413)
    return web.json_response({"id": file.id, "name": file.name, "size": file.size})


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(MEGABYTE):
        yield chunk


async def _form_part(request: web.Request) -> AsyncIterator[bytes]:
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            while chunk := await part.read_chunk(MEGABYTE):
                yield chunk
            return


def _find(request: web.Request) -> File:
    site: Site = request.app[SITE]
    file = site.files.get(request.match_info["id"])
    if file is None or not file.ready:
        raise web.HTTPNotFound(text="There is no such file.")
    return file
