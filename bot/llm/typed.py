"""Pydantic models as the schemas that services take."""

from __future__ import annotations

from functools import cache
from typing import Any

import instructor
from pydantic import BaseModel

from bot.llm.wire import Json


@cache
def function(tool: type[BaseModel]) -> Json:
    """Return the function that a tool is: its name, its description (the docstring) and its parameters."""
    made: Any = instructor.openai_schema(tool)
    schema: Json = portable(made.openai_schema)
    return schema


@cache
def asked_of_instructor(answer: type[BaseModel]) -> type[BaseModel]:
    """Return the subclass of `answer` that instructor would make anew at every call."""
    return instructor.openai_schema(answer)


def portable(schema: Any) -> Any:
    """Return a schema in words that all services know: OpenAI refuses the `oneOf` of a discriminated union."""
    match schema:
        case {"oneOf": options, **rest}:
            return portable({k: v for k, v in rest.items() if k != "discriminator"} | {"anyOf": options})
        case dict():
            return {k: portable(v) for k, v in schema.items()}
        case list():
            return [portable(v) for v in schema]
    return schema
