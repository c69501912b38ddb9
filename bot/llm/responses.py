"""The Responses API, in which OpenAI's models use tools and reason as well; the service stores nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from bot.llm.models import ModelChoice
from bot.llm.wire import Answer, Garbled, Json, calls_from, checked, clean, function_name, origin, own_items, usage_from, words
from bot.ports import Exchange, Input, Prompt


@dataclass(frozen=True, slots=True)
class ResponsesWire:
    """POST /v1/responses, stateless: the model's encrypted reasoning is sent back with the conversation."""

    name: str = "responses"

    def body(self, prompt: Prompt, choice: ModelChoice, *, keep_opaque: bool = True) -> Json:
        model = choice.model if keep_opaque else ""
        body: Json = {
            "model": choice.model, "instructions": clean(prompt.system),
            "input": [item for entry in prompt.items for item in _items(entry, model)], "store": False,
            "max_output_tokens": choice.most_output, "prompt_cache_key": cache_key(prompt.thread),
        }  # fmt: skip
        if choice.reasons is not False:  # models that do not reason refuse it with 400
            body["include"] = ["reasoning.encrypted_content"]
        if effort := choice.sent_effort:
            body["reasoning"] = {"effort": effort}
        return body

    def tools(self, schemas: Sequence[Json]) -> Json:
        # Functions are strict by default on this wire, which makes every optional argument mandatory.
        functions = [{"type": "function", **schema, "strict": False} for schema in schemas]
        return {"tools": functions, "tool_choice": "required", "parallel_tool_calls": True}

    async def post(self, client: AsyncOpenAI, body: Json) -> BaseModel:
        # As `extra_body` it is sent as it is; as arguments, the client would walk through the whole conversation first.
        return await checked(client.responses.create(extra_body=body), Response, _joined)

    def decode(self, answer: BaseModel, model: str) -> Answer:
        raw = answer.model_dump(mode="json", exclude_unset=True, warnings=False)
        output = raw.get("output")
        if not isinstance(output, list) or raw.get("status") == "failed":
            error = raw.get("error")
            raise Garbled(f"it failed with {error.get('code')}" if isinstance(error, dict) else "it has no output", words(error))
        items = [clean({k: v for k, v in item.items() if v is not None}) for item in output]
        function_calls = [item for item in items if item.get("type") == "function_call"]
        calls = [(item.get("call_id"), item.get("name"), item.get("arguments")) for item in function_calls]
        cut = (raw.get("incomplete_details") or {}).get("reason", "") if raw.get("status") == "incomplete" else ""
        complete = not cut and all(item.get("call_id") for item in function_calls)
        return Answer(
            calls=calls_from(calls, raw.get("id", "")),
            text="".join(_parts(items, "output_text", "text")),
            refusal="".join(_parts(items, "refusal", "refusal")),
            cut="length" if cut == "max_output_tokens" else cut,
            # The service refuses a thread whose reasoning is not followed by the item that it led to.
            opaque=(origin(self.name, model), *items) if complete else (),
            usage=usage_from(raw.get("usage"), model, "input", "output"),
        )


def cache_key(thread: str) -> str:
    """Return the key of a thread's prompt cache; the service accepts at most 64 characters."""
    return thread if len(thread) <= 64 and thread.isascii() else hashlib.sha256(clean(thread).encode()).hexdigest()


def _joined(events: Sequence[Json]) -> Response:
    """Return the answer that the last event of a stream brings."""
    return Response.model_construct(**events[-1]["response"])


def _items(entry: Input | Exchange, model: str) -> Iterator[Json]:
    match entry:
        case Input(text):
            yield {"role": "user", "content": clean(text)}
        case Exchange(decision, results):
            own = [dict(clean(item)) for item in own_items(decision.opaque, "responses", model)]
            if any(item.get("type") in ("function_call", "message") for item in own):
                yield from ({**i, "name": function_name(i["name"])} if "name" in i else i for i in own)
            else:
                if decision.text:
                    yield {"role": "assistant", "content": clean(decision.text)}
                for call in decision.calls:
                    arguments = clean(call.arguments)
                    name = function_name(call.name)
                    yield {"type": "function_call", "call_id": call.id, "name": name, "arguments": arguments}
            for call, result in zip(decision.calls, results, strict=True):
                yield {"type": "function_call_output", "call_id": call.id, "output": clean(result)}


def _parts(items: Sequence[Mapping[str, Any]], kind: str, key: str) -> Iterator[str]:
    for item in items:
        content = item.get("content") if item.get("type") == "message" else None
        for part in content if isinstance(content, list) else ():
            if part.get("type") == kind:
                yield part.get(key) or ""
