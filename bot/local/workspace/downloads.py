"""Downloads and uploads: private URLs for the app, attachments for people, uploads from both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from bot.local.workspace.faults import Faults
from bot.local.workspace.files import MEGABYTE, File, TooLarge
from bot.local.workspace.people import TEAM
from bot.local.workspace.state import Workspace
from bot.local.workspace.tokens import Tokens
from bot.local.workspace.web_api import bearer, faulty

_SIGN_IN = """<!DOCTYPE html><html lang="en"><head><title>Sign in | Slack</title></head>
<body><h1>Sign in to your workspace</h1></body></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFiles:
    """The app's downloads and uploads, allowed by its token or a ticket."""

    workspace: Workspace
    tokens: Tokens
    faults: Faults

    async def private(self, request: web.Request) -> web.StreamResponse:
        """Serve a file to the app; without token or access, answer like Slack: status 200 and a sign-in page."""
        if fault := self.faults.meet("download"):
            return faulty(fault)
        files = self.workspace.files
        team, _, file_id = request.match_info["id"].partition("-")
        file = files.get(file_id) if team == TEAM else None
        allowed = bearer(request) == self.tokens.bot_token and "files:read" in self.workspace.manifest.scopes
        if file is None or not file.ready or not allowed or not self.workspace.bot_sees(file):
            return web.Response(text=_SIGN_IN, content_type="text/html")
        return web.FileResponse(files.path(file), headers={"Content-Type": file.mimetype})

    async def upload(self, request: web.Request) -> web.Response:
        """Receive the bytes that the app announced with files.getUploadURLExternal, raw or as a form."""
        if fault := self.faults.meet("upload"):
            return faulty(fault)
        file = self.workspace.files.of_ticket(request.match_info["ticket"])
        if file is None:
            return web.Response(status=404, text="This upload URL is not, or no longer, valid.")
        announced = file.size
        chunks = _form_part(request) if request.content_type == "multipart/form-data" else _body(request)
        try:
            await self.workspace.files.receive(file, chunks)
        except TooLarge as error:
            return web.Response(status=413, text=str(error))
        if file.size != announced:
            return web.Response(status=400, text=f"Expected {announced} bytes, got {file.size}.")
        return web.Response(text=f"OK - {file.size}")


@dataclass(frozen=True, slots=True)
class PeopleFiles:
    """People's downloads and uploads."""

    workspace: Workspace

    async def attachment(self, request: web.Request) -> web.StreamResponse:
        """Serve a file as a download, never to be shown in this origin."""
        file = self._find(request)
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers = {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
        headers |= {"Content-Security-Policy": "sandbox; default-src 'none'"}
        return web.FileResponse(self.workspace.files.path(file), headers=headers)

    async def image(self, request: web.Request) -> web.StreamResponse:
        """Serve a file for display if its first bytes are those of a picture."""
        file = self._find(request)
        kind = self.workspace.files.image_type(file)
        if kind is None:
            raise web.HTTPUnsupportedMediaType(text="This file is not a picture that can be shown.")
        headers = {"Content-Type": kind, "Content-Security-Policy": "sandbox; default-src 'none'"}
        return web.FileResponse(self.workspace.files.path(file), headers=headers)

    async def upload(self, request: web.Request) -> web.Response:
        """Receive a file, named by `?name=`, its raw bytes as the body; answer with its id, name and size."""
        files = self.workspace.files
        name = request.query.get("name", "").replace("\\", "/").rsplit("/", 1)[-1]
        if not name:
            return web.json_response({"error": "Give the file's name as ?name=."}, status=400)
        too_large = f"{name} is larger than {files.limit // MEGABYTE} MB, the most a file can have."
        if (request.content_length or 0) > files.limit:
            return web.json_response({"error": too_large}, status=413)
        user = request.query.get("user", "U0ALICE")
        if user not in self.workspace.users:
            return web.json_response({"error": f"There is no user {user}."}, status=404)
        file = files.announce(name, user, self.workspace.now())
        try:
            await files.receive(file, _body(request))
        except TooLarge:
            return web.json_response({"error": too_large}, status=413)
        return web.json_response({"id": file.id, "name": file.name, "size": file.size})

    def _find(self, request: web.Request) -> File:
        file = self.workspace.files.get(request.match_info["id"])
        if file is None or not file.ready:
            raise web.HTTPNotFound(text="There is no such file.")
        return file


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(MEGABYTE):
        yield chunk


async def _form_part(request: web.Request) -> AsyncIterator[bytes]:
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            while chunk := await part.read_chunk(MEGABYTE):
                yield chunk
            return
