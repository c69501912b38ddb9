"""The Chat Completions API, which every compatible server implements; only OpenAI gets the parameters that only it knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from bot.llm.models import ModelChoice
from bot.llm.responses import cache_key
from bot.llm.wire import Answer, Garbled, Json, calls_from, checked, clean, function_name, origin, own_items, usage_from, words
from bot.ports import Exchange, Input, Prompt
from bot.thread.entries import Call, Decision

# Fields that some providers (DeepSeek, Kimi, OpenRouter; Gemini in each call) require back with their messages.
_KEPT = ("reasoning_content", "reasoning_details")
_KEPT_IN_CALL = "extra_content"


@dataclass(frozen=True, slots=True)
class ChatWire:
    """POST /v1/chat/completions; `official` says that the service is OpenAI's own."""

    official: bool = False
    name: str = "chat"

    def body(self, prompt: Prompt, choice: ModelChoice, *, keep_opaque: bool = True) -> Json:
        model = choice.model if keep_opaque else ""
        system = {"role": "system", "content": clean(prompt.system)}
        body: Json = {
            "model": choice.model,
            "messages": [system, *(message for entry in prompt.items for message in _messages(entry, model))],
        }
        if self.official:
            body["max_completion_tokens"] = choice.most_output
            body["prompt_cache_key"] = cache_key(prompt.thread)
        if effort := choice.sent_effort:
            body["reasoning_effort"] = effort
        return body

    def tools(self, schemas: Sequence[Json]) -> Json:
        functions = [{"type": "function", "function": schema} for schema in schemas]
        return {"tools": functions, "tool_choice": "required", "parallel_tool_calls": True}

    async def post(self, client: AsyncOpenAI, body: Json) -> BaseModel:
        # As `extra_body` it is sent as it is; as arguments, the client would walk through the whole conversation first.
        asked = client.chat.completions.create(messages=(), model=body["model"], extra_body=body)
        return await checked(asked, ChatCompletion, _joined)

    def decode(self, answer: BaseModel, model: str) -> Answer:
        raw = answer.model_dump(mode="json", exclude_unset=True, warnings=False)
        try:
            choices = raw["choices"]  # some services put the text into one choice and the calls into the next
            choice = next((c for c in choices if c["message"].get("tool_calls")), choices[0])
            message = choice["message"]
            tool_calls = message.get("tool_calls") or [{"function": f} for f in [message.get("function_call")] if f]
            calls = [(c.get("id"), c["function"].get("name"), c["function"].get("arguments")) for c in tool_calls]
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise Garbled("it has no message", words(raw.get("error"))) from error
        finish = choice.get("finish_reason")
        return Answer(
            calls=calls_from(calls, raw.get("id", "")),
            text=clean(_text(message.get("content"))),
            refusal=clean(message.get("refusal") or ""),
            cut=finish if finish in ("length", "content_filter") else "",
            opaque=self._opaque(message, tool_calls, model),
            usage=usage_from(raw.get("usage"), model, "prompt", "completion"),
        )

    def _opaque(self, message: Json, tool_calls: Sequence[Json], model: str) -> tuple[Json, ...]:
        kept = clean({key: message[key] for key in _KEPT if message.get(key)})
        extras = [clean(call.get(_KEPT_IN_CALL)) for call in tool_calls]
        if not kept and not any(extras):
            return ()
        return origin(self.name, model), {"type": "message", "message": kept, "calls": extras}


def _joined(events: Sequence[Json]) -> ChatCompletion:
    """Return one answer of the events of a stream."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for event in events:
        state.handle_chunk(ChatCompletionChunk.construct(**event))
    return state.current_completion_snapshot


def _messages(entry: Input | Exchange, model: str) -> Iterator[Json]:
    match entry:
        case Input(text):
            yield {"role": "user", "content": clean(text)}
        case Exchange(decision, results):
            if decision.calls or decision.text:
                yield _assistant(decision, model)
            for call, result in zip(decision.calls, results, strict=True):
                yield {"role": "tool", "tool_call_id": call.id, "content": clean(result)}


def _assistant(decision: Decision, model: str) -> Json:
    kept: Mapping[str, Any] = next(iter(own_items(decision.opaque, "chat", model)), {})
    extras = kept.get("calls") or [None] * len(decision.calls)
    # Beside calls some services refuse an empty text, and none refuses that there is none.
    message: Json = {"role": "assistant", "content": clean(decision.text) or None, **clean(dict(kept.get("message", {})))}
    if decision.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": function_name(call.name), "arguments": _readable(call)}}
            | ({_KEPT_IN_CALL: clean(extra)} if extra else {})
            for call, extra in zip(decision.calls, extras, strict=True)
        ]
    return message


def _readable(call: Call) -> str:
    """Return arguments as a JSON object: many servers parse them again, and refuse the whole thread if they cannot."""
    arguments = clean(call.arguments)
    try:
        parsed = json.loads(arguments or "{}")
    except ValueError:
        parsed = None
    return arguments or "{}" if isinstance(parsed, dict) else json.dumps({"unreadable": arguments}, ensure_ascii=False)


def _text(content: object) -> str:
    if isinstance(content, list):
        content = "".join(p.get("text") or "" for p in content if isinstance(p, dict) and p.get("type") == "text")
    return re.sub(r"^\s*<think>.*?</think>\s*", "", content, flags=re.S) if isinstance(content, str) else ""
