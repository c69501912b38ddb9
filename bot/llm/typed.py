"""All that instructor does here: it describes tools as functions, and asks for typed answers, once more if one is invalid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, cast

import instructor
from instructor.core.exceptions import InstructorError
from openai import AsyncOpenAI
from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from bot.errors import BotError, ServiceError
from bot.llm.failures import FAILURES
from bot.llm.wire import Json, Wire, clean
from bot.ports import Typed

_MODES = {"chat": instructor.Mode.TOOLS, "responses": instructor.Mode.RESPONSES_TOOLS}


class _AnyOf(GenerateJsonSchema):
    def tagged_union_schema(self, schema: Any) -> JsonSchemaValue:
        union = super().tagged_union_schema(schema)
        union.pop("discriminator", None)
        return union | {"anyOf": union.pop("oneOf")}


class _Described(instructor.OpenAISchema):
    """Instructor's base class, with unions as `anyOf`: OpenAI refuses the `oneOf` of pydantic's discriminated unions."""

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> Json:
        return super().model_json_schema(*args, **{"schema_generator": _AnyOf} | options)


@cache
def _described(model: type[BaseModel]) -> Any:
    return create_model(model.__name__, __base__=(model, _Described), __doc__=model.__doc__)


def function(tool: type[BaseModel]) -> Json:
    """Return the function that offers `tool` to a model: its name, its description (the docstring) and its parameters."""
    schema: Json = _described(tool).openai_schema
    return schema


async def ask_typed(
    client: AsyncOpenAI, wire: Wire, body: Json, answer: type[Typed], send: Callable[[Json], Awaitable[BaseModel]]
) -> Typed:
    """Return the validated `answer` to the request `body`; `send` makes each of the calls, two at most.

    Instructor gets the messages as they are and appends its correction to them. On the Responses wire it refuses every item
    that has a type (a call, a result, reasoning): those are sent before its messages, and it does not see them. Raises what
    `send` raises, and ServiceError when both answers are invalid.
    """
    history = body[wire.history]
    end = max(
        (n for n, item in enumerate(history, 1) if set(item) != {"role", "content"} or not item["content"]), default=0
    )
    earlier, messages = history[:end], history[end:]

    async def create(*, messages: list[Json], **request: Any) -> BaseModel:
        if wire.name == "responses":
            del request["text"]  # the same demand once more, in a strict schema that ours are not
            request["tools"] = [tool | {"strict": False} for tool in request["tools"]]
            request["parallel_tool_calls"] = False
        return await send(request | {wire.history: [*earlier, *clean(messages)]})

    mode = _MODES[wire.name]
    asking = instructor.AsyncInstructor(client, instructor.patch(create=create, mode=mode), mode)
    request = {key: value for key, value in body.items() if key != wire.history}
    try:
        chosen, _ = await asking.create_with_completion(messages, _described(answer), 1, strict=False, **request)
    except InstructorError as error:
        if isinstance(cause := error.__cause__, (BotError, *FAILURES)):
            raise cause from cause.__cause__
        raise ServiceError(f"The language model ({body['model']}) twice gave an answer of the wrong form.") from error
    return cast(Typed, chosen)
