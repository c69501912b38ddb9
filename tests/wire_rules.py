"""What the real services refuse, in their own words: status, code, param and message of the first broken rule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Body = dict[str, Any]
Refusal = tuple[int, str | None, str | None, str]

CHAT = {
    "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_completion_tokens", "max_tokens",
    "reasoning_effort", "prompt_cache_key", "temperature", "top_p", "store", "stream",
}  # fmt: skip
RESPONSES = {
    "model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "store",
    "include", "reasoning", "prompt_cache_key", "text", "temperature", "top_p", "stream",
}  # fmt: skip
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def reasons(model: str) -> bool:
    """Return whether a model reasons, and therefore refuses a temperature."""
    return re.match(r"gpt-(3|4)|chatgpt", model) is None


def broken_chat(body: Body) -> Refusal | None:
    """Return how Chat Completions refuses this request, or None if it accepts it."""
    for refusal in (*_common(body, CHAT), *_chat(body), *_chat_messages(body.get("messages") or [])):
        return refusal
    return None


def broken_responses(body: Body, issued: Mapping[str, tuple[str, Body, str]]) -> Refusal | None:
    """Return how the Responses API refuses this request; `issued` maps a reasoning id to its model, itself and its follower."""
    for refusal in (*_common(body, RESPONSES), *_responses(body), *_input(body, issued)):
        return refusal
    return None


def _common(body: Body, known: set[str]) -> Iterator[Refusal]:
    for key in body:
        if key not in known:
            yield 400, "unknown_parameter", key, f"Unknown parameter: '{key}'."
    if body.get("stream"):
        yield 400, "unsupported_value", "stream", "This double does not stream."
    for key in ("temperature", "top_p"):
        if key in body and reasons(body["model"]):
            message = f"Unsupported parameter: '{key}' is not supported with this model."
            yield 400, "unsupported_parameter", key, message
    for text in _texts(body):
        if re.search(r"[\x00\ud800-\udfff]", text):
            yield 400, None, None, "Invalid body: failed to parse JSON value."


def _effort(body: Body, effort: str | None, param: str) -> Iterator[Refusal]:
    model = body["model"]
    if effort is None:
        return
    if not reasons(model):
        message = f"Unsupported parameter: '{param}' is not supported with this model."
        yield 400, "unsupported_parameter", param, message
    if effort == "none" and model.startswith("gpt-6.1"):
        values = "'low', 'medium', 'high', and 'max'"
        message = f"Unsupported value: 'none' is not supported with the '{model}' model. Supported values are: {values}."
        yield 400, "unsupported_value", param, message


def _chat(body: Body) -> Iterator[Refusal]:
    if "max_tokens" in body:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        yield 400, "unsupported_parameter", "max_tokens", message
    model, effort = body["model"], body.get("reasoning_effort")
    if body.get("tools") and re.match(r"gpt-(5\.6|6)", model) and effort != "none":
        message = (
            f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
            "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
        )
        yield 400, None, "reasoning_effort", message
    yield from _effort(body, effort, "reasoning_effort")
    for tool in body.get("tools") or []:
        if not NAME.match(tool["function"]["name"]):
            yield 400, "invalid_value", "tools", "Invalid 'tools[0].function.name': string does not match pattern."


def _chat_messages(messages: list[Body]) -> Iterator[Refusal]:
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                yield 400, None, "messages", f"Invalid parameter: {text}"
            else:
                waiting.remove(message["tool_call_id"])
            continue
        yield from _unanswered(waiting)
        waiting = [call["id"] for call in message.get("tool_calls") or []]
        for call in message.get("tool_calls") or []:
            if not NAME.match(call["function"]["name"]):
                yield 400, "invalid_value", "messages", "Invalid 'tool_calls[0].function.name': does not match pattern."
            if not _is_object(call["function"]["arguments"]):
                yield 400, None, "messages", "invalid tool call arguments"
    yield from _unanswered(waiting)


def _unanswered(waiting: list[str]) -> Iterator[Refusal]:
    if waiting:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        )
        yield 400, None, "messages", text


def _responses(body: Body) -> Iterator[Refusal]:
    yield from _effort(body, (body.get("reasoning") or {}).get("effort"), "reasoning.effort")
    includes = body.get("include") or []
    if body.get("store") is not False:
        yield 400, None, "store", "(rule of this project) the conversation must not be stored: send store=false."
    if reasons(body["model"]) and "reasoning.encrypted_content" not in includes:
        message = "(rule of this project) reasoning must come back: include reasoning.encrypted_content."
        yield 400, None, "include", message
    if includes and not reasons(body["model"]):
        yield 400, None, "include", "Encrypted content is not supported with this model."
    for tool in body.get("tools") or []:
        if "function" in tool or "name" not in tool:
            yield 400, "missing_required_parameter", "tools[0].name", "Missing required parameter: 'tools[0].name'."
        elif problem := _schema(tool["parameters"], tool.get("strict", True)):
            message = f"Invalid schema for function '{tool['name']}': {problem}"
            yield 400, "invalid_function_parameters", "tools", message
    if (form := (body.get("text") or {}).get("format")) and (problem := _schema(form.get("schema"), True)):
        yield 400, "invalid_json_schema", "text.format.schema", f"Invalid schema for response_format: {problem}"


def _schema(schema: Any, strict: bool, path: tuple[str, ...] = ()) -> str:
    """Return what is wrong with a schema; a strict one requires every property and allows no others."""
    if isinstance(schema, list):
        return next(filter(None, (_schema(s, strict, (*path, str(n))) for n, s in enumerate(schema))), "")
    if not isinstance(schema, dict):
        return ""
    if "oneOf" in schema:
        return f"In context={path}, 'oneOf' is not permitted."
    if strict and schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            return f"In context={path}, 'required' must include every key in properties."
    return next(filter(None, (_schema(s, strict, (*path, k)) for k, s in schema.items())), "")


def _input(body: Body, issued: Mapping[str, tuple[str, Body, str]]) -> Iterator[Refusal]:
    items: list[Body] = body.get("input") or []
    calls: list[str] = []
    answered: list[str] = []
    for place, item in enumerate(items):
        match item.get("type", "message"):
            case "reasoning":
                model, original, follower = issued.get(item.get("id", ""), ("", {}, ""))
                if item.get("encrypted_content") != original.get("encrypted_content") or model != body["model"]:
                    text = f"The encrypted content for item {item.get('id')} could not be verified."
                    yield 400, "invalid_encrypted_content", None, text
                then = items[place + 1] if place + 1 < len(items) else {}
                if follower not in (then.get("call_id"), then.get("id")):
                    text = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
                    yield 400, None, "input", text
            case "function_call":
                calls.append(item["call_id"])
                if not NAME.match(item["name"]):
                    yield 400, "invalid_value", f"input[{place}].name", f"Invalid 'input[{place}].name'."
                required = next((r for r, (_, _, f) in issued.items() if f == item["call_id"]), None)
                before = items[place - 1] if place else {}
                if "id" in item and required and before.get("id") != required:
                    text = f"Item '{item['id']}' of type 'function_call' was provided without its required 'reasoning' item: '{required}'."  # noqa: E501
                    yield 400, None, "input", text
            case "function_call_output":
                if item["call_id"] not in calls or item["call_id"] in answered:
                    text = f"No tool call found for function call output with call_id {item['call_id']}."
                    yield 400, None, "input", text
                answered.append(item["call_id"])
            case "message":
                if waiting := set(calls) - set(answered):
                    yield 400, None, "input", f"No tool output found for function call {waiting.pop()}."
            case other:
                yield 400, "invalid_value", f"input[{place}]", f"Invalid value: '{other}'."
    for call in calls:
        if call not in answered:
            yield 400, None, "input", f"No tool output found for function call {call}."


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except ValueError:
        return False
