"""Validation of blocks: like Slack, one invalid block rejects the whole message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.journal import Json

MOST_BLOCKS = 50
TEXT_OF_ALL = 13_200

# A problem and where it is, as a JSON pointer.
Problems = Iterator[tuple[str, str]]
Check = Callable[[Any, str], Problems]


def check_blocks(blocks: Any, most: int = MOST_BLOCKS) -> list[Json]:
    """Return `blocks` if Slack accepts them; else raise `ApiError` with Slack's answer."""
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    problems = list(_all_problems(blocks, most))
    if problems:
        lines = [f"{problem} [json-pointer:{where}]" for problem, where in problems]
        raise ApiError("invalid_blocks", *lines, errors=lines)
    if sum(len(text) for text in texts(blocks)) > TEXT_OF_ALL:
        raise ApiError("msg_blocks_too_long")
    return blocks


def texts(value: Any) -> Iterator[str]:
    """Yield every text that a reader of these blocks sees."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key in {"text", "title"}:
                yield item
            else:
                yield from texts(item)


def _all_problems(blocks: list[Any], most: int) -> Problems:
    if len(blocks) > most:
        yield f"no more than {most} items allowed", "/blocks"
    seen: set[str] = set()
    tables = 0
    for index, block in enumerate(blocks):
        where = f"/blocks/{index}"
        if not isinstance(block, dict):
            yield "must be an object", where
            continue
        block_id = block.get("block_id")
        if block_id is not None and (not isinstance(block_id, str) or len(block_id) > 255 or block_id in seen):
            yield "must be a string of up to 255 characters, unique in the message", f"{where}/block_id"
        seen.add(str(block_id))
        tables += block.get("type") == "table"
        if tables > 1 and block.get("type") == "table":
            yield "only one table per message", where
        yield from _block(block, where)


def _block(block: Json, where: str) -> Problems:
    check = _BLOCKS.get(str(block.get("type")))
    if check is None:
        yield f"unsupported type: {block.get('type')}", where
    else:
        yield from check(block, where)


def _string(most: int, value: Any, where: str) -> Problems:
    if not isinstance(value, str) or not value.strip():
        yield "must be more than 0 characters", where
    elif len(value) > most:
        yield f"must be less than {most + 1} characters", where


def _text(most: int, value: Any, where: str, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Problems:
    if not isinstance(value, dict):
        yield "must provide an object", where
    elif value.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)}", f"{where}/type"
    else:
        yield from _string(most, value.get("text"), f"{where}/text")


def _one_of(values: tuple[str, ...], value: Any, where: str) -> Problems:
    if value not in values:
        yield f"must be one of {', '.join(values)}", where


def _items(most: int, check: Check, value: Any, where: str) -> Problems:
    if not isinstance(value, list) or not value:
        yield "must provide a non-empty array", where
        return
    if len(value) > most:
        yield f"no more than {most} items allowed", where
    for index, item in enumerate(value):
        yield from check(item, f"{where}/{index}")


def _object(required: Mapping[str, Check], optional: Mapping[str, Check], value: Any, where: str) -> Problems:
    if not isinstance(value, dict):
        yield "must be an object", where
        return
    given = {name: check for name, check in optional.items() if name in value}
    for name, check in {**required, **given}.items():
        yield from check(value.get(name), f"{where}/{name}")


def _section(block: Json, where: str) -> Problems:
    if "text" not in block and "fields" not in block:
        yield "must provide text or fields", where
    yield from _object({}, _SECTION, block, where)


def _element(element: Any, where: str) -> Problems:
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        yield "must be an element with a type", where
        return
    if len(str(element.get("action_id", ""))) > 255:
        yield "must be less than 256 characters", f"{where}/action_id"
    if "option_groups" not in element or element["type"] not in _MENUS:
        yield from _ELEMENTS.get(element["type"], _ANY)(element, where)


def _context_element(element: Any, where: str) -> Problems:
    is_image = isinstance(element, dict) and element.get("type") == "image"
    return _image(element, where) if is_image else _text(3000, element, where)


def _image(block: Json, where: str) -> Problems:
    if not block.get("image_url") and not block.get("slack_file"):
        yield "must provide image_url or slack_file", where
    yield from _string(2000, block.get("alt_text"), f"{where}/alt_text")


def _rich_element(element: Any, where: str) -> Problems:
    kinds = ("rich_text_list", "rich_text_preformatted", "rich_text_quote", "rich_text_section")
    if not isinstance(element, dict) or element.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)}", where
    elif not isinstance(element.get("elements"), list) or any(
        piece.get("type") == "text" and not piece.get("text") for piece in element["elements"]
    ):
        yield "must provide elements, and no empty text", where


def _cell(cell: Any, where: str) -> Problems:
    if not isinstance(cell, dict) or cell.get("type") not in {"raw_text", "raw_number", "rich_text"}:
        yield "must be one of raw_text, raw_number, rich_text", where
    elif cell["type"] == "raw_text":
        yield from _string(3000, cell.get("text"), f"{where}/text")


def _plan(block: Json, where: str) -> Problems:
    yield from _string(256, block.get("title"), f"{where}/title")
    if block.get("tasks"):
        yield from _items(50, _TASK, block["tasks"], f"{where}/tasks")


def _holding(name: str, most: int, check: Check) -> Check:
    return partial(_object, {name: partial(_items, most, check)}, {})


_ANY: Check = partial(_object, {}, {})
_PLAIN = ("plain_text",)
_RICH_TEXT = _holding("elements", 1 << 30, _rich_element)
_STATES = ("pending", "in_progress", "complete", "error")
_TASK = partial(
    _object,
    {"task_id": partial(_string, 255), "title": partial(_string, 256)},
    {"status": partial(_one_of, _STATES), "details": _RICH_TEXT, "output": _RICH_TEXT},
)
_SECTION: Mapping[str, Check] = {
    "text": partial(_text, 3000),
    "fields": partial(_items, 10, partial(_text, 2000)),
    "accessory": _element,
}
_OPTION = partial(_object, {"text": partial(_text, 75), "value": partial(_string, 150)}, {})
_MENUS = ("static_select", "multi_static_select", "radio_buttons", "checkboxes", "overflow")
_BUTTON = {"value": partial(_string, 2000), "style": partial(_one_of, ("primary", "danger"))}
_ELEMENTS: Mapping[str, Check] = {
    "button": partial(_object, {"text": partial(_text, 75, kinds=_PLAIN)}, _BUTTON),
    "image": _image,
    **dict.fromkeys(_MENUS, _holding("options", 100, _OPTION)),
}
_BLOCKS: Mapping[str, Check] = {
    "section": _section,
    "header": partial(_object, {"text": partial(_text, 150, kinds=_PLAIN)}, {}),
    "image": _image,
    "context": _holding("elements", 10, _context_element),
    "actions": _holding("elements", 25, _element),
    "context_actions": _holding("elements", 5, _element),
    "markdown": partial(_object, {"text": partial(_string, 12_000)}, {}),
    "rich_text": _RICH_TEXT,
    "table": _holding("rows", 100, partial(_items, 20, _cell)),
    "task_card": _TASK,
    "plan": _plan,
    "alert": partial(_object, {"text": partial(_text, 3000)}, {}),
    "carousel": _holding("elements", 10, _block),
    "container": _holding("child_blocks", 10, _block),
    **dict.fromkeys(("divider", "data_table", "card", "input", "file", "video"), _ANY),
}
