"""The Web API: authenticates a call, checks scope, arguments and rate limit, and answers."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.local.workspace.arguments import ApiError, Method, parse, raw_arguments
from bot.local.workspace.faults import Fault, Faults
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import RateLimits
from bot.local.workspace.methods.access import Access
from bot.local.workspace.tokens import Tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebApi:
    """Answers the app's calls."""

    methods: Mapping[str, Method]
    access: Access
    tokens: Tokens
    limits: RateLimits
    faults: Faults

    async def call(self, request: web.Request) -> web.Response:
        """Answer one call with HTTP 200 whatever the outcome, or 429 past the rate limit, as Slack does."""
        name = request.match_info["method"]
        fault = self.faults.meet(name)
        if fault:
            await asyncio.sleep(fault.seconds)
        if fault and fault.error == "missing_scope":
            return self._json({"ok": False, "error": fault.error, "needed": ",".join(self.methods[name].scopes)}, None)
        if fault and not fault.after:
            return faulty(fault)
        try:
            answer = await self._answer(request, name)
        except ApiError as error:
            log.info("%s: %s", name, error.error)
            answer = self._json({"ok": False, "error": error.error, **error.details}, self.methods.get(name))
        return faulty(fault) if fault else answer

    async def _answer(self, request: web.Request, name: str) -> web.Response:
        raw = await raw_arguments(request)
        method = self.methods.get(name)
        if method is None:
            raise ApiError("unknown_method", req_method=name)
        self._authenticate(request, raw, method)
        self.access.need_scope(*method.scopes)
        arguments = parse(method, raw)
        wait = self.limits.wait(name, method.rate, arguments, self.access.workspace.now())
        if wait:
            log.info("%s: one call too many, %d s", name, wait)
            return _too_many(wait)
        return self._json({"ok": True, **await method.handler(arguments)}, method)

    def _authenticate(self, request: web.Request, raw: Json, method: Method) -> None:
        token = bearer(request) or str(raw.get("token") or "")
        if not token:
            raise ApiError("not_authed")
        expected, other = self.tokens.bot_token, self.tokens.app_token
        if method.app_token:
            expected, other = other, expected
        if hmac.compare_digest(token.encode(), other.encode()):
            raise ApiError("not_allowed_token_type")
        if not hmac.compare_digest(token.encode(), expected.encode()):
            raise ApiError("invalid_auth")

    def _json(self, body: Json, method: Method | None) -> web.Response:
        headers = {}
        if method and not method.app_token:
            headers["X-OAuth-Scopes"] = ",".join(sorted(self.access.workspace.manifest.scopes))
            headers["X-Accepted-OAuth-Scopes"] = ",".join(method.scopes)
        return web.json_response(body, headers=headers)


def faulty(fault: Fault) -> web.Response:
    """Return the failure that a test asked for."""
    if fault.http == 429 or (fault.retry_after is not None and fault.http is None):
        return _too_many(fault.retry_after or 1)
    if fault.text is not None:
        return web.Response(text=fault.text, status=fault.http or 503)
    error = fault.error or ("internal_error" if fault.http else "fatal_error")
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return web.json_response({"ok": False, "error": error}, status=fault.http or 200, headers=headers)


def bearer(request: web.Request) -> str:
    """Return the token of the Authorization header, or an empty string."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _too_many(seconds: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})
