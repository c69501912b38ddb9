"""The only module that uses instructor: describes tools as functions, and asks for typed answers, again if one is invalid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any, cast

import instructor
from instructor.core.exceptions import InstructorError
from openai import AsyncOpenAI
from pydantic import BaseModel, ValidationError, create_model
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


# What a request for a typed answer has besides the conversation, by the wire's name and the answer's type.
DEMANDS: dict[tuple[str, type[BaseModel]], Json] = {}


@cache
def function(tool: type[BaseModel]) -> Json:
    """Return the function that offers `tool` to a model: its name, its description (the docstring) and its parameters."""
    return cast(Json, _described(tool).openai_schema)


async def ask_typed(
    client: AsyncOpenAI, wire: Wire, body: Json, answer: type[Typed], send: Callable[[Json], Awaitable[BaseModel]]
) -> Typed:
    """Return the validated `answer` to the request `body`; at most two calls are made, each by `send`.

    Instructor says once how such an answer is asked for, and is needed again only where the first one is invalid.
    Instructor takes only messages of role and content, and appends its correction to them. So it gets those after the last other
    item (a call, a result or reasoning), and what comes before is put in front again when a request is sent.
    Raises what `send` raises, and ServiceError when both answers are invalid.
    """
    history = body[wire.history]
    unreadable = [n for n, item in enumerate(history, 1) if item.keys() != {"role", "content"} or not item["content"]]
    start = max(unreadable, default=0)
    earlier, messages = history[:start], history[start:]
    first: BaseModel | None = None
    if demand := DEMANDS.get((wire.name, answer)):
        first = await send(body | demand)
        calls = wire.decode(first, body["model"]).calls
        if len(calls) == 1 and calls[0].name == answer.__name__:
            with suppress(ValidationError):
                return cast(Typed, _described(answer).model_validate_json(calls[0].arguments, strict=False))

    async def create(*, messages: list[Json], **request: Any) -> BaseModel:
        nonlocal first
        if first is not None:
            given, first = first, None
            return given
        if wire.name == "responses":
            del request["text"]  # it asks for the answer a second time, in a strict mode that our schema does not meet
            request["tools"] = [tool | {"strict": False} for tool in request["tools"]]
            request["parallel_tool_calls"] = False
        DEMANDS[wire.name, answer] = {key: value for key, value in request.items() if key not in body}
        return await send(request | {wire.history: [*earlier, *clean(messages)]})

    mode = _MODES[wire.name]
    asking = instructor.AsyncInstructor(client, instructor.patch(create=create, mode=mode), mode)
    request = {key: value for key, value in body.items() if key != wire.history}
    try:
        chosen, _ = await asking.create_with_completion(messages, _described(answer), max_retries=1, strict=False, **request)
    except InstructorError as error:
        if isinstance(cause := error.__cause__, (BotError, *FAILURES)):
            raise cause from cause.__cause__
        raise ServiceError(f"The language model ({body['model']}) twice gave an answer of the wrong form.") from error
    return cast(Typed, chosen)
