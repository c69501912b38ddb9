"""Guards a server on loopback against the web pages that the user's browser has open."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from bot.local.workspace.bodies import BadBody
from bot.local.workspace.interactions import Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_RAW_BODIES = ("/page/upload", "/control/upload")
_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests under other host names (DNS rebinding) or from other sites, and bodies that a web form could send."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if not is_loopback(host):
        return _refuse(403, f"This server answers to localhost, not to {host!r}.")
    here = f"http://{request.host}"
    is_foreign = request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
    is_visit = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if request.headers.get("Origin", here) != here or (is_foreign and not is_visit):
        return _refuse(403, "This server takes no requests from other sites.")
    ours = request.path.startswith(("/page/", "/control/"))
    taken = "application/octet-stream" if request.path in _RAW_BODIES else "application/json"
    if ours and request.method in {"POST", "PUT"} and request.content_type != taken:
        return _refuse(415, "Send JSON, with Content-Type: application/json.")
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response


@web.middleware
async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a failed request of a test or a page with JSON that has an `error`."""
    try:
        return await handler(request)
    except (BadBody, Refused) as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        if request.path.startswith(("/control/", "/page/")) and error.status >= 400:
            return web.json_response({"error": error.text}, status=error.status)
        raise


def _refuse(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
