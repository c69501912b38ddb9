"""The demo takes the model of an Ollama that does best, and says when its window may be too small."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.local.demo import ollama_model

MODELS = [
    ("embed", 9, ["embedding"]),
    ("gemma", 8, ["completion"]),
    ("qwen", 2, ["tools"]),
    ("qwen:7b", 7, ["completion", "tools"]),
]


@pytest.mark.parametrize(("window", "advice"), [(0, "may be as small as 4,096"), (4_096, "is 4,096 tokens"), (16_384, "")])
async def test_the_largest_model_that_calls_tools_is_taken(window: int, advice: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        asked = (await request.json())["model"] if request.can_read_body else ""
        loaded = [{"name": "qwen:7b", "context_length": window}] if request.path == "/api/ps" else []
        tags = [{"name": name, "size": size} for name, size, _ in MODELS] if request.path == "/api/tags" else loaded
        return web.json_response({"models": tags, "capabilities": next((c for n, _, c in MODELS if n == asked), [])})

    app = web.Application()
    app.router.add_route("*", "/api/{what}", answer)
    async with TestServer(app) as server:
        name, said = await ollama_model(str(server.make_url("/"))) or ("", "")

    assert (name, advice in said) == ("qwen:7b", True)
