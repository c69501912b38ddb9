"""What real models and compatible servers do, emulated at the wire: `python -m tests.llm.quirks` prints what came of each.

A quirk changes what the model says, what its service takes, or how it writes its answers. The whole bot lives through each over
two questions in one thread, whose answer is RIGHT.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
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
from tests.wire import ASSISTANT, PROXY, Calls, Choose, Fault, ModelRequest, ScriptedModel, Text, Turn
from tests.wire_rules import Body
from tests.world import mention, world

RIGHT = "The total is 60."
SEND = {"kind": "SendMessage", "recipient": "code_assistant", "message": "Sum it.", "done_when": ["the total is printed"]}
UNKIND = {key: value for key, value in SEND.items() if key != "kind"}
FILE = {"name": "prog.py", "body": "print(10 + 20 + 30)\n"}
RUN = {"name": "prog.py"}
EVIDENCE = {"condition": "the total is printed", "run": "prog.py", "outcome": "succeeded"}
REPORT: Body = {"status": "complete", "answer": RIGHT, "evidence": [EVIDENCE]}

Said = Callable[[ModelRequest, Turn, int], Turn]  # with the number of the agent's call
House = Callable[[ModelRequest], web.Response | None]


@dataclass(frozen=True, slots=True)
class Quirk:
    """One of them; `true` is what the user reads where no answer can be right, `wires` are those where it can occur."""

    said: Said = lambda asked, turn, number: turn
    house: House | None = None
    mangle: Callable[[Body], Body | web.Response] | None = None
    true: str = ""
    wires: tuple[str, ...] = ("chat", "responses")
    fallback: bool = False


class Came(NamedTuple):
    """What came of a quirk."""

    verdict: str  # right, true or wrong
    posted: list[str]
    requests: int


def meant(asked: ModelRequest) -> Turn:
    """Return what a good model says."""
    if asked.agent == PROXY:
        return Choose(SEND)
    brief = asked.text[asked.text.rfind("Brief from the UserProxy") :]
    if "prog.py succeeded" in brief:
        return Calls([("Report", REPORT)])
    return Calls([("ExecutePyFile", RUN)] if "Wrote prog.py" in brief else [("File", FILE), ("ExecutePyFile", RUN)])


async def lived(quirk: Quirk, api: str) -> Came:
    """Live through a quirk: two questions in one thread, answered by the bot over HTTP."""
    calls: Counter[str] = Counter()

    def script(asked: ModelRequest) -> Turn:
        calls[asked.agent] += 1
        return meant(asked) if asked.body["model"] == "other" else quirk.said(asked, meant(asked), calls[asked.agent])

    def house(asked: ModelRequest) -> web.Response | None:
        return quirk.house(asked) if quirk.house and asked.body["model"] != "other" else None

    async def sleep(seconds: float) -> None:
        pass

    async def sums(files: dict[str, bytes]) -> Execution:
        if files["prog.py"].decode() != FILE["body"]:
            return Execution(outcome=Outcome.FAILED, exit_code=1, stderr="SyntaxError: invalid syntax")
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
            await w.tell(mention("Write a program that sums 10, 20 and 30, and run it."))
        server.complaints.clear()
        posted = w.texts()
    right = all(RIGHT in text for text in posted)
    true = quirk.true and all(RIGHT in text or re.search(quirk.true, text) for text in posted)
    return Came("right" if right else "true" if true else "wrong", posted, len(server.requests))


def made(asked: ModelRequest, turn: Turn) -> list[tuple[str, Any]]:
    """Return the calls of a turn, by name and arguments."""
    if isinstance(turn, Choose):
        return [(asked.tools[0], {"action": turn.answer})]
    return list(turn.calls) if isinstance(turn, Calls) else []


def says(agent: str, what: str | Turn, *, times: int = 99, tool: str = "") -> Said:
    """Text or another turn in place of an agent's calls, the first `times` times, where it means to call `tool` if given."""

    def said(asked: ModelRequest, turn: Turn, number: int) -> Turn:
        if agent not in (asked.agent, "both") or number > times or (tool and tool not in dict(made(asked, turn))):
            return turn
        return Text(what) if isinstance(what, str) else what

    return said


def writes(tool: str, change: Callable[[Any], Any], *, times: int = 99, name: str = "") -> Said:
    """Other arguments of one tool's calls, the first `times` times, or a call by another name."""

    def said(asked: ModelRequest, turn: Turn, number: int) -> Turn:
        if number > times or tool not in dict(made(asked, turn)):
            return turn
        return Calls([(name or n, change(a)) if n == tool else (n, a) for n, a in made(asked, turn)])

    return said


def fails(status: int, words: str, true: str, *, raw: Any = None, **more: Any) -> Quirk:
    """A refusal of all requests; `raw` is the whole body where it is not OpenAI's."""
    body = {"error": {"message": words, **more}} if raw is None else raw
    return Quirk(house=lambda asked: web.json_response(body, status=status), true=true)


def message(change: Callable[[Body], Any]) -> Callable[[Body], Body]:
    """A change of a chat answer's message, in place."""

    def mangle(payload: Body) -> Body:
        change(payload["choices"][0]["message"])
        return payload

    return mangle


def two_choices(payload: Body) -> Body:
    first = payload["choices"][0]
    return payload | {"choices": [{**first, "message": {"role": "assistant", "content": "I will."}}, {**first, "index": 1}]}


def lacks_reasoning(asked: ModelRequest) -> web.Response | None:
    if all("reasoning_content" in m for m in asked.body["messages"] if m.get("tool_calls")):
        return None
    return web.json_response({"error": {"message": "Missing `reasoning_content`."}}, status=400)


ASKS = {"status": "needs_input", "answer": "Which column should I sum: net or gross?"}
BARE = ("Report", {"status": "complete", "answer": RIGHT})
CUT = Calls([("File", json.dumps(FILE)[:-20])], cut=True)
LOOP: tuple[tuple[str, Body], ...] = (("ListFiles", {}), ("ReadFile", RUN))
REASONS = message(lambda m: m.update(reasoning_content="hm"))
OVERFLOWS = (
    "This model's maximum context length is 32768 tokens.", "prompt is too long: 208310 tokens > 200000 maximum",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "the request exceeds the available context size, try increasing it", "Input is too long for requested model.",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model",
)  # fmt: skip
TABLE: dict[str, Quirk] = {
    "proxy_prose": Quirk(says(PROXY, f"Sure! {RIGHT}")),
    "proxy_announces": Quirk(says(PROXY, "I'll write the file and run it now.")),
    "prose_end": Quirk(says(ASSISTANT, RIGHT, tool="Report")),
    "prose_once": Quirk(says(ASSISTANT, "Let me see.", times=1)),
    "prose_always": Quirk(says(ASSISTANT, f"Sure! {RIGHT}")),
    "reasoning_only": Quirk(says(ASSISTANT, ""), mangle=REASONS, wires=("chat",), true="empty answer"),
    "empty_once": Quirk(says(ASSISTANT, "", times=1)),
    "empty_always": Quirk(says("both", ""), true="empty answer"),
    "empty_fallback": Quirk(says("both", ""), fallback=True),
    "proxy_json_text": Quirk(says(PROXY, json.dumps({"action": SEND}))),
    "action_string": Quirk(writes("Choice", lambda w: {"action": json.dumps(w["action"])})),
    "flat": Quirk(writes("Choice", lambda w: w["action"])),
    "flat_tool": Quirk(writes("Choice", lambda w: UNKIND, name="SendMessage")),
    "nested_kind": Quirk(writes("Choice", lambda w: {"action": {"SendMessage": UNKIND}})),
    "no_kind": Quirk(writes("Choice", lambda w: {"action": UNKIND})),
    "args_null": Quirk(writes("ExecutePyFile", lambda a: a | {"args": None, "timeout": 0})),
    "extra_key": Quirk(writes("File", lambda a: a | {"reason": "because", "block": 0})),
    "extra_key_report": Quirk(writes("Report", lambda a: a | {"confidence": 0.9})),
    "fenced_body": Quirk(writes("File", lambda a: a | {"body": f"```python\n{FILE['body']}```"})),
    "sandbox_file": Quirk(writes("Report", lambda a: a | {"files": ["sandbox:/mnt/data/prog.py"]})),
    "sandbox_link": Quirk(writes("Report", lambda a: a | {"answer": f"{RIGHT} [Here](sandbox:/mnt/data/prog.py)"})),
    "legacy_call": Quirk(wires=("chat",), mangle=message(
        lambda m: m.update(function_call=m.pop("tool_calls", [{}])[0].get("function")))),
    "two_choices": Quirk(mangle=two_choices, wires=("chat",)),
    "needs_input": Quirk(says(ASSISTANT, Calls([("Report", ASKS)])), true="net or gross"),
    "serial": Quirk(lambda asked, turn, n: Calls(turn.calls[:1]) if isinstance(turn, Calls) else turn),
    "report_beside": Quirk(says(ASSISTANT, Calls([("File", FILE), ("ExecutePyFile", RUN), BARE]), times=1)),
    "unknown_recipient": Quirk(writes("Choice", lambda w: {"action": w["action"] | {"recipient": "coder"}}, times=1)),
    "run_as_command": Quirk(writes("Report", lambda a: a | {"evidence": [EVIDENCE | {"run": "python prog.py"}]}, times=2)),
    "report_gone_file": Quirk(writes("Report", lambda a: a | {"files": ["chart.png"]}), true="could not make sure"),
    "cut_once": Quirk(says(ASSISTANT, CUT, times=1)),
    "cut_always": Quirk(says(ASSISTANT, CUT), true="same call"),
    "cut_text": Quirk(says(ASSISTANT, Fault("incomplete"), times=1)),
    "cut_text_always": Quirk(says(ASSISTANT, Fault("incomplete")), true="too long and broke off"),
    "cut_text_fallback": Quirk(says(ASSISTANT, Fault("incomplete")), fallback=True),
    "cut_proxy": Quirk(says(PROXY, Fault("incomplete"), times=1)),
    "refusal_once": Quirk(says(ASSISTANT, Fault("refusal", message="I can't help with that."), times=1)),
    "refusal_proxy": Quirk(says(PROXY, Fault("refusal", message="I can't help with that.")), true="declined: I can't help"),
    "filtered": Quirk(says(PROXY, Fault("filtered")), true="content_filter"),
    "loop": Quirk(says(ASSISTANT, Calls([("ExecutePyFile", RUN)])), true="same call"),
    "loop_bad": Quirk(says(ASSISTANT, Calls([("Teleport", {})])), true="same call"),
    "loop_ab": Quirk(lambda asked, turn, n: turn if asked.agent == PROXY else Calls([LOOP[n % 2]]), true="same call"),
    "deepseek": Quirk(mangle=REASONS, wires=("chat",), house=lacks_reasoning),
    "reask": Quirk(writes("Choice", lambda w: {}, times=1), mangle=REASONS, wires=("chat",), house=lacks_reasoning),
    "usage_missing": Quirk(mangle=lambda p: {k: v for k, v in p.items() if k != "usage"}),
    "content_think": Quirk(mangle=message(lambda m: m.update(content="<think>hm</think>")), wires=("chat",)),
    "null_200": Quirk(mangle=lambda p: web.json_response(None), true="cannot read"),
    "half": Quirk(mangle=lambda p: web.Response(text='{"id": "half', content_type="application/json"), true="cannot read"),
    "error_200": fails(200, "Provider returned error", "Provider returned error", code=502),
    "no_tools_404": fails(404, "No endpoints found that support tool use.", "cannot call tools.*No endpoints found"),
    "country_403": fails(403, "Country, region, or territory not supported", "Country, region, or territory not supported"),
    "gemini_list": fails(400, "", "refused the request: API key not valid", raw=[{"error": {"message": "API key not valid."}}]),
    "fastapi_422": fails(422, "", "body.tools: Extra", raw={"detail": [{"loc": ["body", "tools"], "msg": "Extra inputs"}]}),
    "unavailable_fallback": Quirk(house=lambda asked: web.json_response({}, status=529), fallback=True),
    **{f"overflow_{n}": fails(400, words, "too long") for n, words in enumerate(OVERFLOWS)},
}  # fmt: skip
CASES = [(name, wire) for name, quirk in TABLE.items() for wire in quirk.wires]


def main() -> None:
    """Print what came of each quirk, or of those named, on each wire, and the sums."""
    logging.disable()
    verdicts: Counter[str] = Counter()
    for name, wire in CASES:
        if name in sys.argv[1:] or not sys.argv[1:]:
            came = asyncio.run(lived(TABLE[name], wire))
            verdicts[came.verdict] += 1
            print(f"{name:22}{wire:10} {came.verdict:6}{came.requests:4} requests  {' | '.join(came.posted)[:150]!r}")
    print(dict(verdicts), f"{verdicts['right'] / verdicts.total():.1%} right")


if __name__ == "__main__":
    main()
