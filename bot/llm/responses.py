"""The Responses API, where OpenAI's models take tools together with reasoning. Nothing is stored with the service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import instructor
from openai import AsyncOpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from bot.llm.models import ModelChoice
from bot.llm.typed import portable
from bot.llm.wire import Answer, Garbled, Json, calls_from, clean, from_here, number, origin, plain_name
from bot.ports import Exchange, Input, Prompt
from bot.thread.entries import Usage


@dataclass(frozen=True, slots=True)
class ResponsesWire:
    """POST /v1/responses, stateless: what the model thought travels with the conversation, encrypted."""

    name: str = "responses"
    mode: instructor.Mode = instructor.Mode.RESPONSES_TOOLS
    history: str = "input"

    def body(self, prompt: Prompt, choice: ModelChoice, *, keep_opaque: bool = True) -> Json:
        """Return the request without its tools."""
        model = choice.model if keep_opaque else ""
        body: Json = {
            "model": choice.model,
            "instructions": clean(prompt.system),
            "input": [item for said in prompt.items for item in _items(said, model)],
            "store": False,
            "max_output_tokens": choice.most_output,
            "prompt_cache_key": cache_key(prompt.thread),
        }
        if choice.reasons is not False:  # others answer 400 to it
            body["include"] = ["reasoning.encrypted_content"]
        if effort := choice.sent_effort:
            body["reasoning"] = {"effort": effort}
        return body

    def tools(self, schemas: Sequence[Json]) -> Json:
        """Return the offer of functions."""
        # Functions are strict by default on this wire: every optional argument would become mandatory.
        offered = [{"type": "function", **schema, "strict": False} for schema in schemas]
        return {"tools": offered, "tool_choice": "required", "parallel_tool_calls": True}

    def forced(self, asked: Json) -> Json:
        """Return the demand for one typed answer, without the second demand (text.format) that instructor adds."""
        tools = [portable(tool) | {"strict": False} for tool in asked["tools"]]
        return {"tools": tools, "tool_choice": asked["tool_choice"], "parallel_tool_calls": False}

    async def post(self, client: AsyncOpenAI, body: Json) -> BaseModel:
        """Send a request."""
        try:
            answer: object = await client.responses.create(**body)
        except ValueError as error:  # half of a JSON text reaches us as it is
            raise Garbled("it is not JSON") from error
        if not isinstance(answer, Response):
            raise Garbled("it is not JSON")
        return answer

    def decode(self, answer: BaseModel, model: str) -> Answer:
        """Return what the model said."""
        raw = answer.model_dump(mode="json", exclude_unset=True, warnings=False)
        output = raw.get("output")
        if not isinstance(output, list) or raw.get("status") == "failed":
            error = raw.get("error")
            raise Garbled(f"it failed with {error.get('code')}" if isinstance(error, dict) else "it has no output")
        items = [clean({k: v for k, v in item.items() if v is not None}) for item in output]
        made = [
            (i.get("call_id"), i.get("name"), i.get("arguments")) for i in items if i.get("type") == "function_call"
        ]
        cut = (raw.get("incomplete_details") or {}).get("reason", "") if raw.get("status") == "incomplete" else ""
        whole = not cut and all(i.get("call_id") for i in items if i.get("type") == "function_call")
        usage = raw.get("usage")
        return Answer(
            calls=calls_from(made, raw.get("id", "")),
            text="".join(_parts(items, "output_text", "text")),
            refusal="".join(_parts(items, "refusal", "refusal")),
            cut="length" if cut == "max_output_tokens" else cut,
            # A half answer must not go back: the service wants reasoning followed by what it led to.
            opaque=(origin(self.name, model), *items) if whole else (),
            usage=Usage(
                model=model,
                calls=1,
                input=number(usage, "input_tokens"),
                cached=number(usage, "input_tokens_details", "cached_tokens"),
                output=number(usage, "output_tokens"),
            ),
        )


def cache_key(thread: str) -> str:
    """Return the key under which the service finds its cache of a thread again; at most 64 characters are taken."""
    return thread if len(thread) <= 64 and thread.isascii() else hashlib.sha256(clean(thread).encode()).hexdigest()


def _items(said: Input | Exchange, model: str) -> Iterator[Json]:
    match said:
        case Input(text):
            yield {"role": "user", "content": clean(text)}
        case Exchange(decision, results):
            kept = [dict(clean(item)) for item in from_here(decision.opaque, "responses", model)]
            if any(item.get("type") in ("function_call", "message") for item in kept):
                yield from ({**i, "name": plain_name(i["name"])} if "name" in i else i for i in kept)
            else:
                if decision.text:
                    yield {"role": "assistant", "content": clean(decision.text)}
                for call in decision.calls:
                    arguments = clean(call.arguments)
                    name = plain_name(call.name)
                    yield {"type": "function_call", "call_id": call.id, "name": name, "arguments": arguments}
            for call, result in zip(decision.calls, results, strict=True):
                yield {"type": "function_call_output", "call_id": call.id, "output": clean(result)}


def _parts(items: Sequence[Mapping[str, Any]], kind: str, key: str) -> Iterator[str]:
    for item in items:
        content = item.get("content") if item.get("type") == "message" else None
        for part in content if isinstance(content, list) else ():
            if part.get("type") == kind:
                yield part.get(key) or ""
