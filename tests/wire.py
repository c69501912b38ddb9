"""A scripted language model at the HTTP wire: both of OpenAI's endpoints, as strict as the real ones.

    async with ScriptedModel([Choose({"kind": "Respond", "text": "hi"})]) as model: ...   # model.url, model.requests

Threads that run at once have one `Script` each, selected by a word of the prompt and, if given, by agent.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from aiohttp import web

from tests.wire_rules import Body, broken_chat, broken_responses, reasons

PROXY, ASSISTANT = "proxy", "assistant"


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request; `agent` is the proxy if one typed answer is demanded, else the assistant; `tools` are the offered names."""

    wire: Literal["responses", "chat"]
    body: Body
    raw: bytes

    @property
    def agent(self) -> str:
        return PROXY if len(self.tools) == 1 else ASSISTANT

    @property
    def tools(self) -> list[str]:
        return [tool.get("function", tool)["name"] for tool in self.body.get("tools", [])]

    @property
    def history(self) -> list[Body]:
        """The items of the conversation in the wire's own form, without the system prompt."""
        if self.wire == "responses":
            return list(self.body["input"])
        return [m for m in self.body["messages"] if m["role"] != "system"]

    @property
    def text(self) -> str:
        """The whole conversation as one text, to search for words."""
        return json.dumps(self.history, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Calls:
    """Native tool calls in order; arguments are a mapping, or text that is sent as it is."""

    calls: Sequence[tuple[str, Mapping[str, Any] | str]]
    text: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """A typed answer: the action of the UserProxy's choice, or with `bare` the whole answer; text is sent as it is."""

    answer: Mapping[str, Any] | str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Text, although a call was demanded."""

    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure instead of an answer."""

    kind: Literal["status", "hang", "disconnect", "malformed", "empty", "incomplete", "filtered", "refusal", "failed"]
    status: int = 500
    message: str = "The server had an error while processing your request."
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Turn = Calls | Choose | Text | Fault
Next = Turn | Callable[[ModelRequest], Turn]


@dataclass(slots=True)
class Script:
    """Turns for the requests whose conversation contains `marker`, and only of `agent` if given."""

    turns: list[Next]
    marker: str = ""
    agent: str | None = None

    def meant(self, asked: ModelRequest) -> bool:
        return self.marker in asked.text and self.agent in (None, asked.agent)


class ScriptedModel:
    """A server that answers by its script, and refuses a request that breaks a rule or comes after the script's end.

    Each refusal is added to `complaints`, and leaving the context raises them: a test that expects one clears the list.
    """

    def __init__(
        self,
        script: Sequence[Next] | Callable[[ModelRequest], Turn] | Sequence[Script],
        *,
        key: str | None = None,
        models: Mapping[str, str | None] | None = None,
        used: tuple[int, int, int] = (100, 80, 10),
        house: Callable[[ModelRequest], web.Response | None] | None = None,
        mangle: Callable[[Body], Body | web.Response] | None = None,
    ) -> None:
        """Take the shutdown date of each model (others are then 404), and the tokens `used`: input, cached part, output.

        `house` refuses what a service other than OpenAI's does not take, and `mangle` is how it writes its answers.
        """
        self.requests: list[ModelRequest] = []
        self.complaints: list[str] = []
        self.url = ""
        self.scripts: list[Script] = []
        self._function = script if callable(script) else None
        if not callable(script):
            scripts = [s for s in script if isinstance(s, Script)]
            self.scripts = scripts or [Script([t for t in script if not isinstance(t, Script)])]
        self._key = key
        self._models = models
        self._used = used
        self._house = house
        self._mangle = mangle
        self._issued: dict[str, tuple[str, Body, str]] = {}
        self._numbers = itertools.count(1)
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/responses", self._responses)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._runner is not None
        self._closing.set()
        await self._runner.cleanup()
        if kind is None and self.complaints:
            raise AssertionError("\n".join(self.complaints))

    @property
    def left(self) -> int:
        """The number of turns that no request has used."""
        return sum(len(script.turns) for script in self.scripts)

    def bodies(self, agent: str | None = None) -> list[Body]:
        """Return the bodies of all requests, or of one agent's, in order."""
        return [asked.body for asked in self.requests if agent in (None, asked.agent)]

    async def _list(self, request: web.Request) -> web.Response:
        if refused := self._unauthorized(request):
            return refused
        listed = [
            {"id": n, "object": "model", "created": 0, "owned_by": "scripted", "shutdown_date": day}
            for n, day in (self._models or {}).items()
        ]
        return web.json_response({"object": "list", "data": listed})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "chat")

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "responses")

    async def _serve(self, request: web.Request, wire: Literal["responses", "chat"]) -> web.StreamResponse:
        raw = await request.read()
        asked = ModelRequest(wire, json.loads(raw), raw)
        self.requests.append(asked)
        if refused := self._unauthorized(request) or self._unknown(asked) or (self._house and self._house(asked)):
            return refused
        broken = broken_chat(asked.body) if wire == "chat" else broken_responses(asked.body, self._issued)
        if broken and not (self._house and re.search("rule of this project|required to be supplied", broken[3])):
            status, code, param, message = broken
            self.complaints.append(f"{wire}: {message}")
            return _error(status, message, code, param)
        turn = self._turn(asked)
        if turn is None:
            self.complaints.append(f"the script is over, and the {asked.agent} asks once more: {asked.text[-300:]}")
            return _error(400, self.complaints[-1], "script_is_over", None)
        if isinstance(turn, Fault) and turn.kind not in ("incomplete", "filtered", "refusal", "failed"):
            return await self._fail(request, turn)
        payload = self._as_chat(asked, turn) if wire == "chat" else self._as_response(asked, turn)
        mangled = self._mangle(payload) if self._mangle else payload
        return mangled if isinstance(mangled, web.Response) else web.json_response(mangled)

    def _turn(self, asked: ModelRequest) -> Turn | None:
        if self._function:
            return self._function(asked)
        script = next((s for s in self.scripts if s.turns and s.meant(asked)), None)
        turn = script.turns.pop(0) if script else None
        return turn(asked) if callable(turn) else turn

    def _unauthorized(self, request: web.Request) -> web.Response | None:
        if self._key is None or request.headers.get("Authorization") == f"Bearer {self._key}":
            return None
        return _error(401, "Incorrect API key provided.", "invalid_api_key", None)

    def _unknown(self, asked: ModelRequest) -> web.Response | None:
        model = asked.body["model"]
        if self._models is None or model in self._models:
            return None
        message = f"The model `{model}` does not exist or you do not have access to it."
        return _error(404, message, "model_not_found", None)

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "hang":
                await self._closing.wait()
            case "disconnect":
                assert request.transport is not None
                request.transport.close()
            case "malformed":
                return web.Response(text='{"id": "half an ans', content_type="application/json")
            case "empty":
                return web.json_response({"id": "nothing"})
        return _error(fault.status, fault.message, fault.code, fault.param, fault.headers)

    def _made(self, asked: ModelRequest, turn: Turn) -> tuple[list[tuple[str, str]], str]:
        """Return the calls (name, arguments) and the text of a turn."""
        match turn:
            case Calls(calls, text):
                return [(n, a if isinstance(a, str) else json.dumps(a, ensure_ascii=False)) for n, a in calls], text
            case Choose(answer, bare):
                whole = answer if isinstance(answer, str) or bare else {"action": answer}
                text = whole if isinstance(whole, str) else json.dumps(whole, ensure_ascii=False)
                return [(asked.tools[0], text)], ""
            case Text(text):
                return [], text
        return [], ""

    def _as_chat(self, asked: ModelRequest, turn: Turn) -> Body:
        made, text = self._made(asked, turn)
        number = next(self._numbers)
        message: Body = {"role": "assistant", "content": text or None, "refusal": None}
        finish = "tool_calls" if made and asked.agent == ASSISTANT else "stop"
        if made:
            message["tool_calls"] = [
                {"id": f"call_{number}_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for n, (name, arguments) in enumerate(made)
            ]
        match turn:
            case Calls(cut=True) | Fault("incomplete"):
                finish = "length"
            case Fault("filtered"):
                finish = "content_filter"
            case Fault("refusal", message=said):
                message["refusal"] = said
        into, cached, out = self._used
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 0,
            "model": asked.body["model"],
            "choices": [] if turn == Fault("failed") else [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {
                "prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out,
                "prompt_tokens_details": {"cached_tokens": cached}, "completion_tokens_details": {"reasoning_tokens": 0},
            },
        }  # fmt: skip

    def _as_response(self, asked: ModelRequest, turn: Turn) -> Body:
        made, text = self._made(asked, turn)
        number = next(self._numbers)
        output: list[Body] = []
        reason = {"incomplete": "max_output_tokens", "filtered": "content_filter"}.get(getattr(turn, "kind", ""))
        if isinstance(turn, Calls) and turn.cut:
            reason = "max_output_tokens"
        part: Body | None = {"type": "output_text", "text": text, "annotations": []} if text else None
        if isinstance(turn, Fault) and turn.kind == "refusal":
            part = {"type": "refusal", "refusal": turn.message}
        if part:
            head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed"}
            output.append({**head, "content": [part]})
        for n, (name, arguments) in enumerate(made):
            call = {"id": f"fc_{number}_{n}", "call_id": f"call_{number}_{n}", "name": name, "arguments": arguments}
            output.append({"type": "function_call", "status": "incomplete" if reason else "completed", **call})
        if reasons(asked.body["model"]) and (asked.body.get("reasoning") or {}).get("effort") != "none":
            secret = f"gAAAA-{asked.body['model']}-{number}=="
            thought = {"id": f"rs_{number}", "type": "reasoning", "summary": [], "encrypted_content": secret}
            if output:
                follower = output[0].get("call_id") or output[0]["id"]
                self._issued[f"rs_{number}"] = (asked.body["model"], thought, follower)
            output.insert(0, thought)
        failed = {"code": "server_error", "message": "It broke."} if turn == Fault("failed") else None
        into, cached, out = self._used
        usage = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
        details = {"input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {
            "id": f"resp_{number}", "object": "response", "created_at": 0, "model": asked.body["model"], "error": failed,
            "status": "failed" if failed else "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None, "output": [] if failed else output, "tools": [],
            "parallel_tool_calls": True, "tool_choice": asked.body.get("tool_choice", "auto"), "usage": {**usage, **details},
        }  # fmt: skip


def _error(
    status: int, message: str, code: str | None, param: str | None, headers: Mapping[str, str] | None = None
) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "code": code, "param": param}
    return web.json_response({"error": error}, status=status, headers=headers)
