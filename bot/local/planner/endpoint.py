"""Serves the planner on loopback as OpenAI's Chat Completions are served."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.local.planner.plan import decide
from bot.local.planner.reader import read_chat

_NAME = "planner"


@asynccontextmanager
async def serve_planner(port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; yields the base URL, which ends in /v1."""
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/v1/chat/completions", _chat)
    application.router.add_get("/v1/models", _models)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def _models(request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": _NAME, "object": "model", "created": 0, "owned_by": _NAME}]})


async def _chat(request: web.Request) -> web.Response:
    text, calls = decide(read_chat(await request.json()))
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        functions = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in calls]
        message["tool_calls"] = [{"id": f"call_{uuid.uuid4().hex[:20]}", "type": "function", "function": f} for f in functions]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    head = {"id": f"chatcmpl-{uuid.uuid4().hex[:20]}", "object": "chat.completion", "created": 0, "model": _NAME}
    return web.json_response(head | {"choices": [choice], "usage": usage})
