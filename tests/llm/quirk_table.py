"""The table of quirks: `python -m tests.llm.quirk_table` prints what came of each, or of those named.

Names are those of the kinds that public issues report: Ollama (ollama#17921), DeepSeek (DeepSeek-V3#1376), Qwen (eino#994),
OpenRouter (zed#36094, pydantic-ai#2323), Mistral (goose#5998), templates of vLLM (crush#279), Copilot (two choices), and so on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from collections import Counter

from tests.llm.quirks import (
    EVIDENCE,
    FILE,
    RIGHT,
    RUN,
    SCRIPT,
    SEND,
    Quirk,
    adds,
    answers,
    as_call,
    as_fenced,
    as_hermes,
    calls,
    choice,
    chooses,
    forced,
    function_call,
    has,
    lacks,
    lived,
    long,
    message,
    pairs,
    raw_newlines,
    refuses,
    says,
    streamed,
    text,
    two_choices,
    word,
    writes,
)
from tests.wire import ASSISTANT, PROXY, Calls, Fault
from tests.wire_rules import Body

CHAT, RESPONSES = ("chat",), ("responses",)
PROSE = f"Sure! {RIGHT}"
ASKS = {"status": "needs_input", "answer": "Which column should I sum: net or gross?"}
THINKING = "Thinking mode does not support this tool_choice"
BARE = ("Report", {"status": "complete", "answer": RIGHT})
LOOP: tuple[tuple[str, Body], ...] = (("ListFiles", {}), ("ReadFile", RUN))
REASONS = message(lambda m: m.update(reasoning_content="hm"))
EFFORT = {"reasoning", "reasoning_effort"}
UNKNOWN = 'Unknown name "{}" at tools[0].function_declarations[0].parameters: Cannot find field.'
AFTER_TOOL = refuses(lambda b: ("tool", "user") in pairs(b), "Unexpected role 'user' after role 'tool'")
AS_OBJECT = calls(lambda c: c["function"].update(arguments=json.loads(c["function"]["arguments"])))
SILENT = refuses(lambda b: '"content": ""' in json.dumps(b["messages"]), "messages: text content blocks must be non-empty")
ALTERNATE = refuses(lambda b: any(one == two != "tool" for one, two in pairs(b)), "Conversation roles must alternate")
NINE = refuses(
    lambda b: not all(re.fullmatch(r"[a-zA-Z0-9]{9}", c["id"]) for m in b["messages"] for c in m.get("tool_calls") or ()),
    "Tool call id was call_1_0 but must be a-z, A-Z, 0-9, with a length of 9.",
)
OVERFLOWS = (
    (400, "This model's maximum context length is 32768 tokens. However, your messages resulted in 40000 tokens."),
    (400, "prompt is too long: 208310 tokens > 200000 maximum"),
    (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    (400, "the request exceeds the available context size, try increasing it"),
    (400, "Input is too long for requested model."),
    (413, "Request too large for model `llama` in organization `org` on tokens per minute (TPM): Limit 6000, Requested 7000"),
    (400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"),
)


def fails(status: int, words: str, true: str, **more: object) -> Quirk:
    return Quirk(house=refuses(lambda body: True, words, status, **more), true=true)


TABLE: dict[str, Quirk] = {
    # Prose and JSON in place of calls
    "proxy_prose": Quirk(says(PROXY, PROSE)),
    "proxy_prose_once": Quirk(says(PROXY, "I hand this over.", times=1)),
    "proxy_announces": Quirk(says(PROXY, "I'll write the file and run it now.")),
    "proxy_json_text": Quirk(says(PROXY, lambda c: json.dumps(c[0][1]))),
    "proxy_call_text": Quirk(says(PROXY, as_call)),
    "proxy_fenced_json": Quirk(says(PROXY, as_fenced)),
    "proxy_hermes": Quirk(says(PROXY, as_hermes)),
    "action_str": Quirk(chooses(lambda a: {"action": json.dumps(a)})),
    "flat": Quirk(chooses(lambda a: a)),
    "flat_tool": Quirk(writes("Choice", lambda w: {k: v for k, v in w["action"].items() if k != "kind"}, name="SendMessage")),
    "nested_kind": Quirk(chooses(lambda a: {"action": {"SendMessage": {k: v for k, v in a.items() if k != "kind"}}})),
    "no_kind": Quirk(chooses(lambda a: {"action": {k: v for k, v in a.items() if k != "kind"}})),
    "prose_end": Quirk(says(ASSISTANT, RIGHT, tool="Report")),
    "prose_once": Quirk(says(ASSISTANT, "Let me see.", times=1)),
    "prose_always": Quirk(says(ASSISTANT, PROSE)),
    "text_json": Quirk(says(ASSISTANT, as_call)),
    "text_hermes": Quirk(says(ASSISTANT, as_hermes)),
    "text_fenced_report": Quirk(says(ASSISTANT, as_fenced, tool="Report")),
    "reasoning_only": Quirk(says(ASSISTANT, ""), mangle=REASONS, wires=CHAT, true="empty answer"),
    "empty_once": Quirk(says(ASSISTANT, "", times=1)),
    "empty_always": Quirk(says("both", ""), true="empty answer"),
    "empty_fallback": Quirk(says("both", ""), fallback=True),
    "legacy_call": Quirk(mangle=message(function_call), wires=CHAT),
    "two_choices": Quirk(mangle=two_choices, wires=CHAT),
    "needs_input": Quirk(says(ASSISTANT, Calls([("Report", ASKS)])), true="net or gross"),
    # The shape of calls
    "args_object": Quirk(mangle=AS_OBJECT, wires=CHAT),
    "args_empty": Quirk(says(ASSISTANT, Calls([("ListFiles", "")]), times=1)),
    "args_null": Quirk(adds("ExecutePyFile", args=None)),
    "extra_key": Quirk(adds("File", reason="because")),
    "extra_key_report": Quirk(adds("Report", confidence=0.9)),
    "timeout_0": Quirk(adds("ExecutePyFile", timeout=0)),
    "block_0": Quirk(adds("File", block=0)),
    "block_null": Quirk(adds("File", block=None)),
    "raw_newlines": Quirk(writes("File", raw_newlines)),
    "trailing_comma": Quirk(writes("File", lambda a: json.dumps(a)[:-1] + ",\n}")),
    "python_dict": Quirk(writes("File", str)),
    "fenced_args": Quirk(writes("File", lambda a: f"```json\n{json.dumps(a)}\n```")),
    "double_encoded": Quirk(writes("File", lambda a: json.dumps(json.dumps(a)))),
    "surrogate": Quirk(writes("Report", lambda a: json.dumps(a)[:-3] + ', "cited": "\\ud83d"}]}')),
    "surrogate_answer": Quirk(writes("Report", lambda a: json.dumps(a).replace("60.", '60. \\ud83d'))),
    "unicode_escapes": Quirk(writes("File", lambda a: "".join(f"\\u{ord(c):04x}" if c == "p" else c for c in json.dumps(a)))),
    "fenced_body": Quirk(adds("File", body=f"```python\n{SCRIPT}```")),
    "cut_args": Quirk(writes("File", lambda a: json.dumps(a)[:-9], times=1)),
    "ids_empty": Quirk(mangle=calls(lambda c: c.update(id="")), wires=CHAT),
    "ids_null": Quirk(mangle=calls(lambda c: c.update(id=None)), wires=CHAT),
    "ids_missing": Quirk(mangle=calls(lambda c: c.pop("id")), wires=CHAT),
    "ids_double": Quirk(mangle=calls(lambda c: c.update(id="call_0")), wires=CHAT),
    "no_such_tool": Quirk(says(ASSISTANT, Calls([("python", {"code": SCRIPT})]), times=1)),
    "prefixed_name": Quirk(writes("File", dict, name="functions.File", times=1)),
    "snake_name": Quirk(writes("ExecutePyFile", dict, name="execute_py_file", times=1)),
    "parallel_wrapper": Quirk(says(ASSISTANT, Calls([("multi_tool_use.parallel", {"tool_uses": []})]), times=1)),
    "serial": Quirk(lambda asked, turn, n: Calls(turn.calls[:1]) if isinstance(turn, Calls) else turn),
    "report_beside": Quirk(says(ASSISTANT, Calls([("File", FILE), ("ExecutePyFile", RUN), BARE]), times=1)),
    "report_first": Quirk(says(ASSISTANT, Calls([BARE]), times=1)),
    "unknown_recipient": Quirk(chooses(lambda a: {"action": a | {"recipient": "coder"}}, times=1)),
    "six_conditions": Quirk(chooses(lambda a: {"action": a | {"done_when": ["it is there"] * 6}}, times=1)),
    "string_condition": Quirk(chooses(lambda a: {"action": a | {"done_when": "it is printed"}}, times=1)),
    "no_condition": Quirk(chooses(lambda a: {"action": {k: v for k, v in a.items() if k != "done_when"}}, times=1)),
    "two_decisions": Quirk(says(PROXY, Calls([("Choice", {"action": SEND}), ("Choice", {"action": SEND})]))),
    "wrong_status": Quirk(writes("Report", lambda a: a | {"status": "done"}, times=2)),
    "evidence_string": Quirk(writes("Report", lambda a: a | {"evidence": "it ran"}, times=2)),
    "mnt_data": Quirk(adds("Report", files=["/mnt/data/prog.py"])),
    "sandbox_file": Quirk(adds("Report", files=["sandbox:/mnt/data/prog.py"])),
    "sandbox_link": Quirk(adds("Report", answer=f"{RIGHT} [Download](sandbox:/mnt/data/prog.py)")),
    "run_as_command": Quirk(writes("Report", lambda a: a | {"evidence": [EVIDENCE | {"run": "python prog.py"}]}, times=2)),
    # What is final and what is not
    "cut_once": Quirk(says(ASSISTANT, Calls([("File", json.dumps(FILE)[:-20])], cut=True), times=1)),
    "cut_always": Quirk(says(ASSISTANT, Calls([("File", json.dumps(FILE)[:-20])], cut=True)), true="same call"),
    "cut_text": Quirk(says(ASSISTANT, Fault("incomplete"), times=1)),
    "cut_text_always": Quirk(says(ASSISTANT, Fault("incomplete")), true="too long and broke off"),
    "cut_text_fallback": Quirk(says(ASSISTANT, Fault("incomplete")), fallback=True),
    "cut_proxy": Quirk(says(PROXY, Fault("incomplete"), times=1)),
    "refusal_once": Quirk(says(ASSISTANT, Fault("refusal", message="I can't help with that."), times=1)),
    "refusal_proxy": Quirk(says(PROXY, Fault("refusal", message="I can't help with that.")), true="declined: I can't help"),
    "filtered": Quirk(says(PROXY, Fault("filtered")), true="content_filter"),
    "filtered_fallback": Quirk(says(PROXY, Fault("filtered")), fallback=True),
    "loop": Quirk(says(ASSISTANT, Calls([("ExecutePyFile", RUN)])), true="same call"),
    "loop_list": Quirk(says(ASSISTANT, Calls([("ListFiles", {})])), true="same call"),
    "loop_bad": Quirk(says(ASSISTANT, Calls([("Teleport", {})])), true="same call"),
    "loop_ab": Quirk(lambda asked, turn, n: turn if asked.agent == PROXY else Calls([LOOP[n % 2]]), true="same call"),
    "report_gone_file": Quirk(adds("Report", files=["chart.png"]), true="could not make sure"),
    # Refused parameters
    "forced_400": Quirk(house=refuses(forced, THINKING)),
    "forced_400_proxy": Quirk(house=refuses(lambda b: forced(b) and len(b["tools"]) == 1, THINKING)),
    "anthropic_thinking": Quirk(house=refuses(forced, "Thinking may not be enabled when tool_choice forces tool use.")),
    "object_choice": Quirk(house=refuses(lambda b: isinstance(b.get("tool_choice"), dict), "Invalid tool_choice type: 'object'.")),
    "tool_choice_404": Quirk(house=refuses(forced, "No endpoints found that support the provided 'tool_choice' value.", 404)),
    "parallel_400": Quirk(house=refuses(has("parallel_tool_calls"), "Unknown parameter: 'parallel_tool_calls'.")),
    "parallel_422": Quirk(house=refuses(has("parallel_tool_calls"), "", 422, raw={"detail": [
        {"type": "extra_forbidden", "loc": ["body", "parallel_tool_calls"], "msg": "Extra inputs are not permitted"}]})),
    "pck_400": Quirk(house=refuses(has("prompt_cache_key"), "Unknown parameter: 'prompt_cache_key'."), wires=RESPONSES),
    "strict_400": Quirk(house=refuses(word("strict"), "Unknown parameter: 'tools[0].strict'."), wires=RESPONSES),
    "include_400": Quirk(house=refuses(has("include"), "Encrypted content is not supported with this model."), wires=RESPONSES),
    "effort_400": Quirk(house=refuses(lambda b: {*b} & EFFORT, "Unrecognized request argument supplied: reasoning_effort")),
    "all_400": Quirk(house=refuses(forced, "Extra inputs are not permitted: parallel_tool_calls, tool_choice")),
    "defs_400": Quirk(house=refuses(word("$defs"), "Invalid JSON schema: unsupported keyword \"$defs\"")),
    "const_400": Quirk(house=refuses(word("const"), UNKNOWN.format("const"))),
    "any_of_400": Quirk(house=refuses(word("anyOf"), "Invalid schema: 'anyOf' is not supported.")),
    "additional_400": Quirk(house=refuses(word("additionalProperties"), UNKNOWN.format("additionalProperties"))),
    "exclusive_400": Quirk(house=refuses(word("exclusiveMinimum"), UNKNOWN.format("exclusiveMinimum"))),
    "minimum_400": Quirk(house=refuses(word("minLength"), "For 'string' type, property 'minLength' is not supported")),
    # The history
    "mistral": Quirk(house=AFTER_TOOL, wires=CHAT),
    "alternating": Quirk(house=ALTERNATE, wires=CHAT),
    "mistral_gate": Quirk(writes("Report", lambda a: a | {"files": ["gone.png"]}, times=2),
                          house=AFTER_TOOL, wires=CHAT),
    "mistral_ids": Quirk(house=NINE, wires=CHAT),
    "mistral_no_ids": Quirk(mangle=calls(lambda c: c.pop("id")), house=NINE, wires=CHAT),
    "empty_content_400": Quirk(house=SILENT, wires=CHAT),
    "deepseek": Quirk(mangle=REASONS, wires=CHAT,
                      house=refuses(lacks("reasoning_content"), "Missing `reasoning_content` in the assistant message")),
    "deepseek_reask": Quirk(chooses(lambda a: {"action": a | {"recipient": "coder"}}, times=1),
                            mangle=REASONS, wires=CHAT,
                            house=refuses(lacks("reasoning_content"), "Missing `reasoning_content` in the assistant message")),
    "gemini_signature": Quirk(mangle=calls(lambda c: c.update(extra_content={"google": {"thought_signature": "x"}})), wires=CHAT,
                              house=refuses(lacks("extra_content", in_call=True), "Function call is missing a thought_signature")),
    **{f"overflow_{n}": Quirk(house=refuses(long, words, status), true="too long") for n, (status, words) in enumerate(OVERFLOWS)},
    # How answers are written
    "usage_missing": Quirk(mangle=lambda p: {k: v for k, v in p.items() if k != "usage"}),
    "usage_null": Quirk(mangle=lambda p: p | {"usage": None}),
    "usage_strings": Quirk(mangle=lambda p: p | {"usage": {"prompt_tokens": "12", "input_tokens": "NaN"}}),
    "content_missing": Quirk(mangle=message(lambda m: m.pop("content")), wires=CHAT),
    "content_list": Quirk(mangle=message(lambda m: m.update(content=[])), wires=CHAT),
    "content_parts": Quirk(mangle=message(lambda m: m.update(content=[{"type": "text", "text": "I will."}])), wires=CHAT),
    "content_think": Quirk(mangle=message(lambda m: m.update(content="<think>hm</think>")), wires=CHAT),
    "finish_stop": Quirk(mangle=choice(finish_reason="stop"), wires=CHAT),
    "finish_null": Quirk(mangle=choice(finish_reason=None), wires=CHAT),
    "finish_odd": Quirk(mangle=choice(finish_reason="eos"), wires=CHAT),
    "sse_200": Quirk(mangle=streamed),
    "bom": Quirk(mangle=lambda p: text("\ufeff" + json.dumps(p))),
    "blank_lines": Quirk(mangle=lambda p: text("\n\n\n" + json.dumps(p))),
    "text_plain": Quirk(mangle=lambda p: text(json.dumps(p), "text/plain")),
    "html_200": Quirk(mangle=lambda p: text("<html>Welcome</html>", "text/html"), true="OPENAI_BASE_URL"),
    "null_200": Quirk(mangle=lambda p: text("null"), true="cannot read"),
    "empty_200": Quirk(mangle=lambda p: text(""), true="cannot read"),
    "empty_choices": Quirk(mangle=lambda p: p | {"choices": [], "output": None}, true="cannot read"),
    "half": Quirk(mangle=lambda p: text('{"id": "half an ans'), true="cannot read"),
    "error_200": Quirk(mangle=lambda p: answers(200, "Provider returned error", code=502), true="Provider returned error"),
    # Errors
    "no_tools_404": fails(404, "No endpoints found that support tool use.", "No endpoints found that support tool use"),
    "country_403": fails(403, "Country, region, or territory not supported", "Country, region, or territory not supported"),
    "gemini_list": fails(400, "", "API key not valid", raw=[{"error": {"code": 400, "message": "API key not valid."}}]),
    "rate_429": fails(429, "Slow down.", "rate limit"),
    "gemini_delay": fails(429, "", "in 37 seconds|rate limit", raw=[{"error": {
        "code": 429, "message": "Quota exceeded.", "details": [{"@type": "RetryInfo", "retryDelay": "37s"}]}}]),
    "quota": fails(429, "You exceeded your current quota.", "billing", code="insufficient_quota"),
    "unavailable": fails(503, "Overloaded", "answers 503"),
    "unavailable_fallback": Quirk(house=refuses(lambda b: True, "Overloaded", 529), fallback=True),
    "html_500": Quirk(house=lambda asked: text("<html>Bad gateway</html>", "text/html", 502), true="answers 502"),
    "bad_key": fails(401, "Incorrect API key provided.", "OPENAI_API_KEY"),
    "not_found": fails(404, "Not Found", "OPENAI_BASE_URL"),
    "no_model": fails(404, "model 'held' not found", "does not offer"),
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
