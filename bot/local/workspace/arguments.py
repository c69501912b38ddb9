"""The arguments of the Web API's methods, read from the query string, a form or JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import web

from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_3, Rate

# Every method takes these; Bolt sends the team with each call.
_EVERYWHERE = {"token", "team_id"}

Handler = Callable[[Json], Awaitable[Json]]


class ApiError(Exception):
    """An answer `{"ok": false, "error": …}` of the Web API, with further fields in `details`."""

    def __init__(self, error: str, *messages: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details: Json = dict(details)
        if messages:
            self.details["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in messages]}


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its handler, its arguments, who may call it and how often.

    `arguments` are names, each a text unless a kind follows the colon (`limit:number`), with ! if required (`channel!`).
    Any one of `scopes` is enough; where it is empty, none is needed or the handler checks for itself.
    """

    handler: Handler
    arguments: str
    scopes: tuple[str, ...] = ()
    rate: Rate = TIER_3
    app_token: bool = False


@cache
def _kinds(arguments: str) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return the kind of each argument, and those that are required."""
    pairs = [name.partition(":") for name in arguments.split()]
    required = [name[:-1] for name, _, _ in pairs if name.endswith("!")]
    return {name.rstrip("!"): kind or "text" for name, _, kind in pairs}, required


async def raw_arguments(request: web.Request) -> Json:
    """Return the arguments of a call, not yet checked; raises `ApiError` on a body that cannot be read."""
    arguments: Json = dict(request.query)
    if request.method != "POST" or not request.can_read_body:
        return arguments
    match request.content_type:
        case "application/json":
            try:
                body = await request.json()
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise ApiError("invalid_json") from error
            if not isinstance(body, dict):
                raise ApiError("json_not_object")
            arguments |= body
        case "application/x-www-form-urlencoded" | "multipart/form-data":
            arguments |= dict(await request.post())
        case "application/octet-stream" | "":
            raise ApiError("missing_post_type")
        case _:
            raise ApiError("invalid_post_type")
    return arguments


def parse(method: Method, raw: Json) -> Json:
    """Return the arguments converted to their kinds; raises `ApiError` on one that is unknown, missing or malformed."""
    given = {name: value for name, value in raw.items() if value is not None and name not in _EVERYWHERE}
    kinds, required = _kinds(method.arguments)
    unknown = [f"unknown argument: {name}" for name in given if name not in kinds]
    missing = [f"missing required field: {name}" for name in required if given.get(name, "") == ""]
    if unknown or missing:
        raise ApiError("invalid_arguments", *unknown, *missing)
    return {name: _coerced(name, kinds[name], value) for name, value in given.items()}


def _coerced(name: str, kind: str, value: Any) -> Any:
    wrong = ApiError("invalid_arguments", f"must be a {kind}: {name}")
    try:
        match kind:
            case "text" if isinstance(value, str | int | float) and not isinstance(value, bool):
                return str(value)
            case "flag" if str(value).lower() in {"true", "1", "false", "0"}:
                return str(value).lower() in {"true", "1"}
            case "number":
                return int(value)
            case "json":
                return json.loads(value) if isinstance(value, str) else value
            case "list":
                if isinstance(value, str):
                    value = json.loads(value) if value.startswith("[") else value.split(",")
                if isinstance(value, list):
                    return value
    except (ValueError, TypeError) as error:
        if name == "blocks":
            raise ApiError("invalid_blocks_format") from error
        raise wrong from error
    raise wrong
