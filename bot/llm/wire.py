"""What both wires share: the protocol of a wire, the decoded answer, and text that every service accepts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from openai import AsyncOpenAI
from pydantic import BaseModel

from bot.llm.models import ModelChoice
from bot.ports import Prompt
from bot.thread.entries import Call, Usage

Json = dict[str, Any]
T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer, the same for both wires; `cut` says why it is incomplete: length, content_filter, or ""."""

    calls: tuple[Call, ...] = ()
    text: str = ""
    refusal: str = ""
    cut: str = ""
    opaque: tuple[Mapping[str, Any], ...] = ()
    usage: Usage = field(default_factory=Usage)


class Garbled(Exception):
    """The service sent no usable answer: not JSON, without content, or marked as failed, with its `words`. It may be transient."""

    def __init__(self, why: str, words: str = "") -> None:
        super().__init__(why)
        self.words = words


class Wire(Protocol):
    """One of the two HTTP APIs of language models. Everything but `post` is a pure function."""

    @property
    def name(self) -> str:
        """The wire's name, a value of OPENAI_API."""

    def body(self, prompt: Prompt, choice: ModelChoice, *, keep_opaque: bool = True) -> Json:
        """Return a request's body without tools; `keep_opaque` says whether the model's own items are sent back to it."""

    def tools(self, schemas: Sequence[Json]) -> Json:
        """Return the part of a body that offers these functions and demands a call of at least one."""

    async def post(self, client: AsyncOpenAI, body: Json) -> BaseModel:
        """Send a request; raises openai's errors, and Garbled when the response is not an answer."""

    def decode(self, answer: BaseModel, model: str) -> Answer:
        """Return the decoded answer; raises Garbled."""


async def checked(response: Awaitable[object], kind: type[Model], joined: Callable[[list[Json]], Model]) -> Model:
    """Return a response of the type `kind`; raises openai's errors, and Garbled for any other response.

    Some services stream although nobody asked for it: `joined` makes one answer of such events.
    """
    try:
        answer = await response
        if isinstance(answer, str) and (events := re.findall(r"^data: *(\{.*)$", answer, re.M)):
            answer = joined([json.loads(event) for event in events])
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # openai does not wrap the error of half a JSON text
        raise Garbled("it is not JSON") from error
    if not isinstance(answer, kind):
        raise Garbled("it is not JSON")
    return answer


def words(error: object) -> str:
    """Return a service's own words from whatever it sends as an error, without the wrapping; at most 300 characters."""
    match error:
        case Mapping():
            inner = next((error[key] for key in ("error", "message", "detail", "msg") if error.get(key)), "")
            place = ".".join(str(part) for part in error.get("loc") or ())  # pydantic's
            return f"{place}: {words(inner)}" if place else words(inner)
        case list():
            return "; ".join(map(words, error[:3]))
    return " ".join(str(error or "").split())[:300]


def origin(wire: str, model: str) -> Json:
    """Return the tag in front of a model's opaque items: only the model that made them can read them."""
    return {"type": "origin", "wire": wire, "model": model}


def own_items(opaque: Sequence[Mapping[str, Any]], wire: str, model: str) -> Sequence[Mapping[str, Any]]:
    """Return the opaque items behind their tag, or none if another wire or model made them."""
    return opaque[1:] if opaque and dict(opaque[0]) == origin(wire, model) else ()


def clean(value: T) -> T:
    """Return a JSON value whose strings every service accepts: lone surrogates and NUL become U+FFFD."""
    match value:
        case str():
            return _REFUSED.sub("\N{REPLACEMENT CHARACTER}", value)  # type: ignore[return-value]
        case Mapping():
            return {k: clean(v) for k, v in value.items()}  # type: ignore[return-value]
        case list() | tuple():
            return [clean(v) for v in value]  # type: ignore[return-value]
    return value


_REFUSED = re.compile(r"[\x00\ud800-\udfff]")


def function_name(name: str) -> str:
    """Return a function's name in the characters that services insist on, even for a name that the model invented."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unknown"


def alphanumeric(name: str) -> str:
    """Return an id of nine letters and digits, the only form that every service takes; such a one stays as it is."""
    return name if re.fullmatch(r"[a-zA-Z0-9]{9}", name) else hashlib.sha256(clean(name).encode()).hexdigest()[:9]


def calls_from(raw: Sequence[tuple[str | None, str | None, object]], answer_id: str) -> tuple[Call, ...]:
    """Return calls from tuples of id, name and arguments; a missing or repeated id is replaced."""
    calls: list[Call] = []
    for index, (given, name, arguments) in enumerate(raw):
        repeated = any(given == call.id for call in calls)
        text = arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)
        calls.append(
            Call(
                id=clean(given) if given and not repeated else alphanumeric(f"{answer_id}_{index}"),
                name=clean(name or ""),
                arguments=clean(text),
            )
        )
    return tuple(calls)


def usage_from(source: Any, model: str, read: str, written: str) -> Usage:
    """Return the usage of one call, one of no calls if it was not counted; `read` and `written` are the wire's words for tokens."""

    def count(counts: Any, key: str) -> int | None:
        value = counts.get(key) if isinstance(counts, Mapping) else None
        return value if isinstance(value, int) else None

    if (tokens := count(source, f"{read}_tokens")) is None:
        return Usage()
    cached = count(source.get(f"{read}_tokens_details"), "cached_tokens") or 0
    return Usage(model=model, calls=1, input=tokens, cached=cached, output=count(source, f"{written}_tokens") or 0)


def estimated(body: Json, answer: Answer) -> Usage:
    """Return about what a call cost whose service does not say: a token is four characters of JSON."""
    written = len(answer.text) + sum(len(call.arguments) for call in answer.calls)
    tokens = len(json.dumps(body, ensure_ascii=False)) // 4
    return Usage(model=str(body["model"]), calls=1, input=tokens, output=written // 4, estimated=True)
