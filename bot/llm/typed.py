"""The only module that uses instructor: describes tools as functions, and asks for typed answers, again if one is invalid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, cast

import instructor
from pydantic import BaseModel, ValidationError, create_model

from bot.llm.wire import Answer, Json
from bot.ports import Exchange, Input, Typed
from bot.thread.entries import Decision

# Words that say nothing to a model, or that some services refuse; what breaks such a bound is told when it is read.
_LEFT_OUT = {"title", "additionalProperties", "discriminator", "$defs", "minimum", "maximum"}
_LEFT_OUT |= {f"{bound}{of}" for bound in ("min", "max") for of in ("Length", "Items")}


@cache
def _described(model: type[BaseModel]) -> Any:
    return create_model(model.__name__, __base__=(model, instructor.OpenAISchema), __doc__=model.__doc__)


@cache
def function(tool: type[BaseModel]) -> Json:
    """Return the function that offers `tool` to a model: its name, its description (the docstring) and its parameters.

    The schema has only words that every service knows: no reference, no constant, no union and no bound.
    """
    schema: Json = _described(tool).openai_schema
    return schema | {"parameters": _plain(schema["parameters"], schema["parameters"].get("$defs", {}))}


def _plain(schema: Any, known: Json) -> Any:
    if isinstance(schema, list):
        return [_plain(item, known) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(known[schema["$ref"].rpartition("/")[2]] | {k: v for k, v in schema.items() if k != "$ref"}, known)
    plain: Json = {}
    for key, value in schema.items():
        if key == "properties":
            plain[key] = {name: _plain(field, known) for name, field in value.items()}
        elif key in ("anyOf", "oneOf"):
            choices = [_plain(choice, known) for choice in value if choice != {"type": "null"}]
            plain |= choices[0] if len(choices) == 1 else _one_of_all(choices)
        elif key == "const":
            plain["enum"] = [value]
        elif not (key in _LEFT_OUT or (key == "default" and not value)):
            plain[key] = _plain(value, known)
    return plain


def _one_of_all(schemas: list[Json]) -> Json:
    """Return one object in place of several; it has the fields of all."""
    properties: Json = {}
    for name, field in (item for schema in schemas for item in schema["properties"].items()):
        enum = properties.get(name, {}).get("enum", []) + field.get("enum", [])
        properties[name] = field | ({"enum": enum} if enum else {})
    required = [name for name in properties if all(name in schema["required"] for schema in schemas)]
    return {"type": "object", "properties": properties, "required": required}


async def ask_typed(answer: type[Typed], ask: Callable[[tuple[Exchange | Input, ...]], Awaitable[Answer]]) -> Typed | str:
    """Return the validated `answer`, or the text that the model twice gave instead; "" if it gave neither.

    `ask` asks the model, behind the conversation, with what is to be mended: its own invalid answer, whole, and what is wrong.
    """
    more: tuple[Exchange | Input, ...] = ()
    texts = [""]
    for _ in range(2):
        said = await ask(more)
        texts += [said.text] if said.text else []
        try:
            return cast(Typed, _described(answer).model_validate_json(_arguments(said, answer), strict=False))
        except ValidationError as error:
            decision = Decision(agent="", calls=said.calls, text=said.text, opaque=said.opaque)
            fault = f"Answer with one valid call of {answer.__name__}. {error}"
            more = (Exchange(decision, (fault,) * len(said.calls)), *(() if said.calls else (Input(fault),)))
    return texts[-1]


def _arguments(said: Answer, answer: type[BaseModel]) -> str:
    """Return the arguments of the first call, or the text; those of a call by another name stand under that name."""
    if not said.calls:
        return said.text
    call = said.calls[0]
    return call.arguments if call.name == answer.__name__ else f'{{"{call.name}": {call.arguments or "{}"}}}'
