"""The Web API: who calls, what they may, how often, and what comes back."""

from __future__ import annotations

import hmac
import logging

from aiohttp import web

from bot.local.workspace.arguments import ApiError, Method, parse, raw_arguments
from bot.local.workspace.context import SITE, Site
from bot.local.workspace.faults import Fault
from bot.local.workspace.journal import Json
from bot.local.workspace.methods import METHODS
from bot.local.workspace.methods.access import need_scope

log = logging.getLogger(__name__)


async def call(request: web.Request) -> web.Response:
    """Answer one call as Slack does: HTTP 200 whatever the outcome, 429 alone excepted."""
    site, name = request.app[SITE], request.match_info["method"]
    site.calls[name] += 1
    fault = site.faults.next(name)
    if fault and not fault.after:
        return faulty(fault)
    try:
        answer = await _answer(site, request, name)
    except ApiError as error:
        log.info("%s: %s", name, error.error)
        answer = _json(site, {"ok": False, "error": error.error, **error.details}, METHODS.get(name))
    return faulty(fault) if fault else answer


def faulty(fault: Fault) -> web.Response:
    """Return the failure that a test asked for."""
    if fault.http == 429 or (fault.retry_after is not None and fault.http is None):
        return _too_many(fault.retry_after or 1)
    error = fault.error or ("internal_error" if fault.http else "fatal_error")
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return web.json_response({"ok": False, "error": error}, status=fault.http or 200, headers=headers)


async def _answer(site: Site, request: web.Request, name: str) -> web.Response:
    raw = await raw_arguments(request)
    method = METHODS.get(name)
    if method is None:
        raise ApiError("unknown_method", req_method=name)
    _authenticate(site, request, raw, method)
    need_scope(site, *method.scopes)
    arguments = parse(method, raw)
    wait = site.limits.wait(name, method.rate, arguments, site.workspace.now())
    if wait:
        log.info("%s: one call too many, %d s", name, wait)
        return _too_many(wait)
    return _json(site, {"ok": True, **await method.handler(site, arguments)}, method)


def _authenticate(site: Site, request: web.Request, raw: Json, method: Method) -> None:
    token = bearer(request) or str(raw.get("token") or "")
    if not token:
        raise ApiError("not_authed")
    wanted, other = site.tokens.bot_token, site.tokens.app_token
    if method.app_token:
        wanted, other = other, wanted
    if hmac.compare_digest(token.encode(), other.encode()):
        raise ApiError("not_allowed_token_type")
    if not hmac.compare_digest(token.encode(), wanted.encode()):
        raise ApiError("invalid_auth")


def bearer(request: web.Request) -> str:
    """Return the token of the Authorization header, or an empty string."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _json(site: Site, body: Json, method: Method | None) -> web.Response:
    headers = {}
    if method and not method.app_token:
        headers["X-OAuth-Scopes"] = ",".join(sorted(site.manifest.scopes))
        headers["X-Accepted-OAuth-Scopes"] = ",".join(method.scopes)
    return web.json_response(body, headers=headers)


def _too_many(seconds: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})
