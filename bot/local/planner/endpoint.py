"""The planner as an OpenAI-compatible endpoint on loopback: both wires in, real tool calls out."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.local.planner.plan import Seen, Turn, decide

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
    return web.json_response(
        {"object": "list", "data": [{"id": NAME, "object": "model", "created": 0, "owned_by": NAME}]}
    )


async def _chat(request: web.Request) -> web.Response:
    body = await request.json()
    turns: list[Turn] = []
    for message in body.get("messages") or ():
        calls = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or ()]
        result = (
            (str(message.get("tool_call_id")), _text(message.get("content"))) if message.get("role") == "tool" else None
        )
        turns.append(Turn(role=message["role"], text=_text(message.get("content")), calls=tuple(calls), result=result))
    tools = tuple(t["function"]["name"] for t in body.get("tools") or ())
    text, calls_out = decide(Seen(tools=tools, turns=tuple(turns)))
    message_out: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls_out:
        message_out["tool_calls"] = [
            {
                "id": f"call_{uuid.uuid4().hex[:20]}",
                "type": "function",
                "function": {"name": n, "arguments": json.dumps(a)},
            }
            for n, a in calls_out
        ]
    return web.json_response(
        {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": 0,
            "model": NAME,
            "choices": [{"index": 0, "message": message_out, "finish_reason": "tool_calls" if calls_out else "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }
    )


async def _responses(request: web.Request) -> web.Response:
    body = await request.json()
    given = body.get("input") or ()
    turns = [Turn(role="system", text=str(body.get("instructions") or ""))]
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        match item.get("type", "message"):
            case "message":
                turns.append(Turn(role=item["role"], text=_text(item.get("content"))))
            case "function_call":
                turns.append(Turn(role="assistant", calls=((item["call_id"], item["name"], item["arguments"]),)))
            case "function_call_output":
                turns.append(Turn(role="tool", result=(item["call_id"], _text(item.get("output")))))
    tools = tuple(t["name"] for t in body.get("tools") or () if t.get("type") == "function")
    text, calls_out = decide(Seen(tools=tools, turns=tuple(turns)))
    output: list[dict[str, Any]] = [
        {
            "type": "function_call", "id": f"fc_{uuid.uuid4().hex}", "call_id": f"call_{uuid.uuid4().hex[:20]}", "name": n,
            "arguments": json.dumps(a), "status": "completed",
        }
        for n, a in calls_out
    ]  # fmt: skip
    if text:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        output.append(
            {
                "type": "message",
                "id": f"msg_{uuid.uuid4().hex}",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, **details}
    return web.json_response(
        {
            "id": f"resp_{uuid.uuid4().hex}",
            "object": "response",
            "created_at": 0,
            "status": "completed",
            "model": NAME,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage,
        }
    )


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
