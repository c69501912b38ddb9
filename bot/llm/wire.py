"""What both wires share: what a wire does, what an answer is, and text that any service can read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import instructor
from openai import AsyncOpenAI
from pydantic import BaseModel

from bot.llm.models import ModelChoice
from bot.ports import Prompt
from bot.thread.entries import Call, Usage

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever the wire; `cut` says why it is incomplete: length, content_filter, or ""."""

    calls: tuple[Call, ...] = ()
    text: str = ""
    refusal: str = ""
    cut: str = ""
    opaque: tuple[Mapping[str, Any], ...] = ()
    usage: Usage = field(default_factory=Usage)


class Garbled(Exception):
    """An answer that is none: not JSON, without content, or marked as failed. Asking again may help."""


class Wire(Protocol):
    """One of the two ways to speak with a model. Everything but `post` is pure."""

    @property
    def name(self) -> str:
        """The wire's name, as OPENAI_API has it."""

    @property
    def mode(self) -> instructor.Mode:
        """How instructor asks for a typed answer on this wire."""

    @property
    def history(self) -> str:
        """The body's key of the conversation, to which instructor's second question is appended."""

    def body(self, prompt: Prompt, choice: ModelChoice, *, keep_opaque: bool = True) -> Json:
        """Return the request without its tools; with `keep_opaque` False nothing opaque is sent back."""

    def tools(self, schemas: Sequence[Json]) -> Json:
        """Return the part of a request that offers these functions, of which at least one is to be called."""

    def forced(self, asked: Json) -> Json:
        """Return the part of a request that asks for one typed answer, from what instructor wants to send."""

    async def post(self, client: AsyncOpenAI, body: Json) -> BaseModel:
        """Send a request; raises openai's errors, and Garbled when what came back is no answer at all."""

    def decode(self, answer: BaseModel, model: str) -> Answer:
        """Return what the model said; raises Garbled."""


def origin(wire: str, model: str) -> Json:
    """The tag in front of opaque items: only the model that made them can read them."""
    return {"type": "origin", "wire": wire, "model": model}


def from_here(opaque: Sequence[Mapping[str, Any]], wire: str, model: str) -> Sequence[Mapping[str, Any]]:
    """Return the opaque items behind the tag, or nothing when another wire or model made them."""
    return opaque[1:] if opaque and dict(opaque[0]) == origin(wire, model) else ()


def clean(value: T) -> T:
    """Return a JSON value whose strings every service takes: lone surrogates and NUL become U+FFFD."""
    match value:
        case str():
            return _ODD.sub("\N{REPLACEMENT CHARACTER}", value)  # type: ignore[return-value]
        case Mapping():
            return {k: clean(v) for k, v in value.items()}  # type: ignore[return-value]
        case list() | tuple():
            return [clean(v) for v in value]  # type: ignore[return-value]
    return value


_ODD = re.compile(r"[\x00\ud800-\udfff]")


def plain_name(name: str) -> str:
    """Return a function's name as services insist on it, also when the model invented another."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unknown"


def calls_from(made: Sequence[tuple[str | None, str | None, object]], answer_id: str) -> tuple[Call, ...]:
    """Return calls from (id, name, arguments); an id that is missing or double gets replaced."""
    calls: list[Call] = []
    for number, (given, name, arguments) in enumerate(made):
        double = any(given == call.id for call in calls)
        text = arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)
        calls.append(
            Call(
                id=clean(given) if given and not double else f"{answer_id or 'call'}_{number}",
                name=clean(name or ""),
                arguments=clean(text),
            )
        )
    return tuple(calls)


def number(source: object, *path: str) -> int:
    """Return the whole number at a path of keys, 0 where there is none."""
    for key in path:
        source = source.get(key) if isinstance(source, Mapping) else None
    return source if isinstance(source, int) else 0
