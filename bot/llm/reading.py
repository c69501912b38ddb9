"""Reads what a model meant where that is certain: calls written as text, and arguments that are nearly JSON.

Nothing is invented: no string or bracket that is open gets closed, and what remains unclear stays as the model wrote it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from bot.llm.wire import Answer, clean
from bot.thread.entries import Call

_FENCE = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.S)
_TAG = re.compile(r"</?tool_call>")
_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.S)  # a string, or a comma with nothing after it


def read(answer: Answer, tools: Sequence[type[BaseModel]]) -> Answer:
    """Return the answer with mended arguments, and with the calls that its text consists of if it has no others."""
    if answer.cut:
        return answer
    if answer.calls:
        return replace(answer, calls=tuple(replace(call, arguments=mended(call.arguments)) for call in answer.calls))
    if calls := _calls_in(answer.text, tools):
        return replace(answer, calls=calls, text="", opaque=())
    return answer


def mended(arguments: str) -> str:
    """Return arguments as a JSON object where they say one with certainty, else as they are."""
    with suppress(ValueError, RecursionError):
        if clean(given := json.loads(arguments)) == given and isinstance(given, dict):
            return arguments
    value = _value(arguments)
    if isinstance(value, str):  # encoded once more
        value = _value(value)
    try:
        return json.dumps(clean(value), ensure_ascii=False) if isinstance(value, dict) else arguments
    except TypeError:  # a Python literal that JSON does not know
        return arguments


def _value(text: str) -> Any:
    """Return the value that a text says in JSON, with raw control characters or commas too many, or in Python."""
    match = _FENCE.fullmatch(text)
    plain = match[1] if match else text.strip()
    for written in (plain, _COMMA.sub(lambda m: m[1] or "", plain)):
        try:
            return json.loads(written, strict=False)
        except (ValueError, RecursionError):
            continue
    try:
        return ast.literal_eval(plain)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _calls_in(text: str, tools: Sequence[type[BaseModel]]) -> tuple[Call, ...]:
    """Return the calls that a text consists of and nothing else, each valid for one tool; () where it is anything else."""
    match, values = _FENCE.fullmatch(text), []
    rest = _TAG.sub("\n", match[1] if match else text).strip()
    while rest:
        try:
            value, end = json.JSONDecoder(strict=False).raw_decode(rest)
        except (ValueError, RecursionError):
            value, end = _value(rest), len(rest)
        values += value if isinstance(value, list) else [value]
        rest = rest[end:].lstrip(" \n\r\t,;")
    calls = [_call(value, tools) for value in values]
    return tuple(call for call in calls if call) if all(calls) else ()


def _call(value: Any, tools: Sequence[type[BaseModel]]) -> Call | None:
    """Return the call that a value says: a name with arguments, or the arguments of the only tool that takes them."""
    if not isinstance(value, dict) or not value:
        return None
    said: dict[str, Any] = value["function"] if isinstance(value.get("function"), dict) else value
    given = next((said[key] for key in ("arguments", "parameters", "input") if key in said), None)
    named = "name" in said and given is not None
    text = mended(given if isinstance(given, str) else json.dumps(given if named else value))
    taking = []
    for tool in tools:
        fits = tool.__name__ == said["name"] if named else len(tools) == 1 or value.keys() <= tool.model_fields.keys()
        if fits:
            with suppress(ValidationError):
                tool.model_validate_json(text)
                taking.append(tool)
    return Call(id=uuid4().hex[:9], name=taking[0].__name__, arguments=text) if len(taking) == 1 else None
