"""The only module that uses instructor: describes tools as functions, and asks for typed answers, again if one is invalid."""

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
    return cast(Json, _described(tool).openai_schema)


async def ask_typed(
    client: AsyncOpenAI, wire: Wire, body: Json, answer: type[Typed], send: Callable[[Json], Awaitable[BaseModel]]
) -> Typed:
    """Return the validated `answer` to the request `body`; instructor makes at most two calls, each by `send`.

    Instructor takes only messages of role and content, and appends its correction to them. So it gets those after the last other
    item (a call, a result or reasoning), and what comes before is put in front again when a request is sent.
    Raises what `send` raises, and ServiceError when both answers are invalid.
    """
    history = body[wire.history]
    unreadable = [n for n, item in enumerate(history, 1) if item.keys() != {"role", "content"} or not item["content"]]
    start = max(unreadable, default=0)
    earlier, messages = history[:start], history[start:]

    async def create(*, messages: list[Json], **request: Any) -> BaseModel:
        if wire.name == "responses":
            del request["text"]  # it asks for the answer a second time, in a strict mode that our schema does not meet
            request["tools"] = [tool | {"strict": False} for tool in request["tools"]]
            request["parallel_tool_calls"] = False
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
