"""Serves the planner as an OpenAI-compatible endpoint on loopback, on both wires."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.local.planner.plan import decide
from bot.local.planner.reader import read_chat, read_responses

NAME = "planner"


@asynccontextmanager
async def serve_planner(port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; yields the base URL, which ends in /v1."""
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/v1/chat/completions", _chat)
    application.router.add_post("/v1/responses", _responses)
    application.router.add_get("/v1/models", _models)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def _models(request: web.Request) -> web.Response:
    model = {"id": NAME, "object": "model", "created": 0, "owned_by": NAME}
    return web.json_response({"object": "list", "data": [model]})


async def _chat(request: web.Request) -> web.Response:
    text, calls = decide(read_chat(await request.json()))
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        functions = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in calls]
        message["tool_calls"] = [{"id": _key("call"), "type": "function", "function": f} for f in functions]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    head = {"id": _key("chatcmpl"), "object": "chat.completion", "created": 0, "model": NAME}
    return web.json_response(head | {"choices": [choice], "usage": usage})


async def _responses(request: web.Request) -> web.Response:
    text, calls = decide(read_responses(await request.json()))
    output: list[dict[str, Any]] = [
        {"type": "function_call", "id": _key("fc"), "call_id": _key("call"), "name": name, "arguments": json.dumps(arguments)}
        for name, arguments in calls
    ]
    if text:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        output.append({"type": "message", "id": _key("msg"), "role": "assistant", "content": content})
    output = [item | {"status": "completed"} for item in output]
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, **details}
    head = {"id": _key("resp"), "object": "response", "created_at": 0, "status": "completed", "model": NAME}
    asked = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return web.json_response(head | asked | {"output": output, "usage": usage})


def _key(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"
