"""What a request can do without, once a model's service refused it: parameters, words of a schema, the shape of the history."""

from __future__ import annotations

import re
from typing import Final

import openai

from bot.llm.failures import words_of
from bot.llm.wire import Json, alphanumeric

# By the key of the body, how refusals speak of it.
_PARAMETERS: Final = {
    "tool_choice": r"tool.?choice",
    "parallel_tool_calls": r"parallel.?tool.?calls?",
    "prompt_cache_key": r"prompt.?cache.?key",
    "include": r"^include\b|['`]include|encrypted content is not supported",
    "reasoning": r"effort|\breasoning\b(?!_)",
    "reasoning_effort": r"effort",
    "max_output_tokens": r"max.?output.?tokens",
    "strict": r"\bstrict\b",  # of each tool
    # The shape of messages, which never go as a whole.
    "messages": r"length of 9|a-z, A-Z, 0-9|roles must alternate|alternate between|unexpected role|after a user turn",
}
NOTED: Final = "Noted."  # what an agent is made to say where a service wants it to speak between a result and a message


def refused_in(error: openai.APIStatusError, body: Json) -> frozenset[str]:
    """Return what of the request the error refuses and the request can do without."""
    if error.status_code not in (400, 404, 422, 500):  # of a template that fails, some servers say 500
        return frozenset()
    said = f"{error.param or ''} {words_of(error)}"
    sent = {*body, *(key for tool in body["tools"] for key in tool)}
    return frozenset(key for key, pattern in _PARAMETERS.items() if key in sent and re.search(pattern, said, re.I))


def without(body: Json, spared: frozenset[str]) -> Json:
    """Return the request without what is spared."""
    body = {key: value for key, value in body.items() if key not in spared or key == "messages"}
    body["tools"] = [{key: value for key, value in tool.items() if key not in spared} for tool in body["tools"]]
    if "messages" in spared:
        body["messages"] = _strict(body["messages"])
    return body


def _strict(messages: list[Json]) -> list[Json]:
    """Return messages as the strictest templates want them.

    No two of the user follow each other, none follows a tool's, and ids have nine letters and digits.
    """
    told: list[Json] = []
    for message in messages:
        before = told[-1] if told else {}
        if before.get("role") == message["role"] and before.keys() == message.keys() == {"role", "content"}:
            told[-1] = {**before, "content": f"{before['content']}\n\n{message['content']}"}
            continue
        if before.get("role") == "tool" and message["role"] == "user":
            told.append({"role": "assistant", "content": NOTED})
        told.append(dict(message))
        if "tool_call_id" in message:
            told[-1]["tool_call_id"] = alphanumeric(message["tool_call_id"])
        if "tool_calls" in message:
            told[-1]["tool_calls"] = [call | {"id": alphanumeric(call["id"])} for call in message["tool_calls"]]
    return told
