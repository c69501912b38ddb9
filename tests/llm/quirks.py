"""What real models and compatible servers do, emulated at the wire.

A quirk changes what the model says, what its service takes, or how it writes its answers. Each is lived through by the whole
bot over two questions in one thread, whose answer is RIGHT.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web

from bot.agents.code_assistant import code_assistant
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.retries import RetryPolicy
from bot.llm.service import open_client, wire_for
from bot.thread.outcomes import Execution, Outcome
from tests.wire import PROXY, Calls, Choose, ModelRequest, ScriptedModel, Text, Turn
from tests.wire_rules import Body
from tests.world import THREAD, mention, world

RIGHT = "The total is 60."
SCRIPT = "print(10 + 20 + 30)\n"
SEND = {"kind": "SendMessage", "recipient": "code_assistant", "message": "Sum it.", "done_when": ["the total is printed"]}
FILE = {"name": "prog.py", "body": SCRIPT}
RUN = {"name": "prog.py"}
EVIDENCE = {"condition": "the total is printed", "run": "prog.py", "outcome": "succeeded"}
REPORT: Body = {"status": "complete", "answer": RIGHT, "evidence": [EVIDENCE]}

Said = Callable[[ModelRequest, Turn, int], Turn]  # with the number of the agent's call
House = Callable[[ModelRequest], web.Response | None]
Mangle = Callable[[Body], Body | web.Response]


@dataclass(frozen=True, slots=True)
class Quirk:
    """One of them; `true` is what the user reads where no answer can be right, `wires` are those where it can occur."""

    said: Said = lambda asked, turn, number: turn
    house: House | None = None
    mangle: Mangle | None = None
    true: str = ""
    wires: tuple[str, ...] = ("chat", "responses")
    fallback: bool = False


class Came(NamedTuple):
    """What came of a quirk: the verdict (right, true or wrong), what was posted, and the number of requests."""

    verdict: str
    posted: list[str]
    requests: int


def meant(asked: ModelRequest) -> Turn:
    """Return what a good model says."""
    if asked.agent == PROXY:
        return Choose(SEND)
    brief = asked.text[asked.text.rfind("Brief from the UserProxy") :]
    if "prog.py succeeded" in brief:
        return Calls([("Report", REPORT)])
    if "Wrote prog.py" in brief:
        return Calls([("ExecutePyFile", RUN)])
    return Calls([("File", FILE), ("ExecutePyFile", RUN)])


async def lived(quirk: Quirk, api: str) -> Came:
    """Live through a quirk: two questions in one thread, answered by the bot over HTTP."""
    calls: Counter[str] = Counter()

    def script(asked: ModelRequest) -> Turn:
        calls[asked.agent] += 1
        fallback = asked.body["model"] == "other"
        return meant(asked) if fallback else quirk.said(asked, meant(asked), calls[asked.agent])

    def house(asked: ModelRequest) -> web.Response | None:
        return quirk.house(asked) if quirk.house and asked.body["model"] != "other" else None

    async def sleep(seconds: float) -> None:
        pass

    async def sums(files: dict[str, bytes]) -> Execution:
        if files["prog.py"].decode() != SCRIPT:
            return Execution(outcome=Outcome.FAILED, exit_code=1, stderr="SyntaxError: invalid syntax\n")
        return Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout="60\n")

    server = ScriptedModel(script, house=house, mangle=quirk.mangle)
    async with server, open_client(api_key="sk-test", base_url=server.url) as client, world() as w:
        model = OpenAIModel(
            client, wire_for(api, server.url), ModelChoice(model="held" if api == "chat" else "gpt-6", effort="low"),
            fallback=ModelChoice(model="other") if quirk.fallback else None, retries=RetryPolicy(tries=3, sleep=sleep),
        )  # fmt: skip
        w.sandboxes.programs["prog.py"] = sums
        w.model, w.specialists = model, [code_assistant(model)]  # type: ignore[assignment]
        w.reborn()
        for _ in range(2):
            await w.tell(mention("Write prog.py that sums 10, 20 and 30, and run it."))
        server.complaints.clear()
        posted = w.texts()
        whole = all(dict(post.files).get("prog.py", SCRIPT.encode()).decode() == SCRIPT for post in w.chat.posts[THREAD].values())
    right = whole and all(RIGHT in text for text in posted)
    true = quirk.true and all(RIGHT in text or re.search(quirk.true, text) for text in posted)
    return Came("right" if right else "true" if true else "wrong", posted, len(server.requests))


# --- What a model says ---


def made(asked: ModelRequest, turn: Turn) -> list[tuple[str, Any]]:
    """Return the calls of a turn, by name and arguments."""
    if isinstance(turn, Choose):
        return [(asked.tools[0], {"action": turn.answer})]
    return list(turn.calls) if isinstance(turn, Calls) else []


def says(agent: str, what: str | Turn | Callable[[list[tuple[str, Any]]], str], *, times: int = 99, tool: str = "") -> Said:
    """Text or another turn in place of an agent's calls, the first `times` times, where it means to call `tool` if given."""

    def said(asked: ModelRequest, turn: Turn, number: int) -> Turn:
        calls = made(asked, turn)
        if agent not in (asked.agent, "both") or number > times or (tool and tool not in dict(calls)):
            return turn
        return Text(what) if isinstance(what, str) else Text(what(calls)) if callable(what) else what

    return said


def writes(tool: str, change: Callable[[Any], Any], *, name: str = "", times: int = 99) -> Said:
    """Other arguments of one tool's calls (text is sent as it is), or a call of another name."""

    def said(asked: ModelRequest, turn: Turn, number: int) -> Turn:
        if number > times or tool not in dict(made(asked, turn)):
            return turn
        return Calls([(name or n, change(a)) if n == tool else (n, a) for n, a in made(asked, turn)])

    return said


def adds(tool: str, **more: Any) -> Said:
    return writes(tool, lambda arguments: arguments | more)


def chooses(change: Callable[[Body], Any], *, times: int = 99) -> Said:
    """Another answer of the UserProxy: the arguments of its call."""
    return writes("Choice", lambda whole: change(whole["action"]), times=times)


def as_call(calls: list[tuple[str, Any]]) -> str:
    return "\n".join(json.dumps({"name": name, "arguments": arguments}) for name, arguments in calls)


def as_hermes(calls: list[tuple[str, Any]]) -> str:
    return "\n".join(f"<tool_call>\n{as_call([call])}\n</tool_call>" for call in calls)


def as_fenced(calls: list[tuple[str, Any]]) -> str:
    return f"```json\n{json.dumps(calls[0][1])}\n```"


def raw_newlines(arguments: Body) -> str:
    return json.dumps(arguments).replace("\\n", "\n")


# --- What a service takes ---


def answers(status: int, message: str, **more: Any) -> web.Response:
    return web.json_response({"error": {"message": message, **more}}, status=status)


def refuses(when: Callable[[Body], Any], message: str, status: int = 400, *, raw: Any = None, **more: Any) -> House:
    """A refusal of requests; `raw` is the whole body where it is not OpenAI's."""

    def house(asked: ModelRequest) -> web.Response | None:
        if not when(asked.body):
            return None
        return web.json_response(raw, status=status) if raw is not None else answers(status, message, **more)

    return house


def has(key: str) -> Callable[[Body], Any]:
    return lambda body: key in body


def forced(body: Body) -> bool:
    return body.get("tool_choice") not in (None, "auto")


def word(keyword: str) -> Callable[[Body], Any]:
    return lambda body: f'"{keyword}":' in json.dumps(body["tools"])


def roles(body: Body) -> list[str]:
    return [m["role"] for m in body.get("messages", ()) if m["role"] != "system"]


def pairs(body: Body) -> list[tuple[str, str]]:
    return list(zip(roles(body), roles(body)[1:], strict=False))


def lacks(key: str, *, in_call: bool = False) -> Callable[[Body], Any]:
    """Whether an assistant's message with calls comes back without a field that the service gave it."""

    def when(body: Body) -> bool:
        messages = [m for m in body["messages"] if m.get("tool_calls")]
        return any(key not in (c if in_call else m) for m in messages for c in m["tool_calls"][:1])

    return when


def long(body: Body) -> bool:
    """Whether a request is longer than the window: from the second question on."""
    return json.dumps(body).count("Brief from the UserProxy") > 1 and json.dumps(body).count(RIGHT) > 0


# --- How a service writes its answers ---


def message(change: Callable[[Body], Any]) -> Mangle:
    """A change of a chat answer's message, in place."""

    def mangle(payload: Body) -> Body:
        change(payload["choices"][0]["message"])
        return payload

    return mangle


def calls(change: Callable[[Body], Any]) -> Mangle:
    return message(lambda m: [change(call) for call in m.get("tool_calls") or ()])


def choice(**more: Any) -> Mangle:
    return lambda payload: payload | {"choices": [payload["choices"][0] | more]}


def text(body: str, kind: str = "application/json", status: int = 200) -> web.Response:
    return web.Response(text=body, content_type=kind, status=status)


def two_choices(payload: Body) -> Body:
    first = payload["choices"][0]
    return payload | {"choices": [{**first, "message": {"role": "assistant", "content": "I will."}}, {**first, "index": 1}]}


def function_call(message: Body) -> None:
    message["function_call"] = message.pop("tool_calls", [{}])[0].get("function")


def streamed(payload: Body) -> web.Response:
    """The answer as a stream of events: on the chat wire each character of the arguments in an event of its own."""
    if "choices" not in payload:
        event = json.dumps({"type": "response.completed", "response": payload})
        return text(f"event: response.completed\ndata: {event}\n\n", "text/event-stream")
    [first] = payload.pop("choices")
    deltas: list[Body] = [{"role": "assistant", "content": first["message"].get("content")}]
    for index, call in enumerate(first["message"].get("tool_calls") or ()):
        deltas.append({"tool_calls": [{**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}]})
        deltas += ({"tool_calls": [{"index": index, "function": {"arguments": c}}]} for c in call["function"]["arguments"])
    ends = [*(None for _ in deltas[1:]), first["finish_reason"]]
    chunks = [payload | {"choices": [{"index": 0, "delta": d, "finish_reason": e}]} for d, e in zip(deltas, ends, strict=True)]
    return text("".join(f"data: {json.dumps(c)}\n\n" for c in [*chunks]) + "data: [DONE]\n\n", "text/event-stream")
