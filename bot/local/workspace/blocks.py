"""Validation of blocks: like Slack, one invalid block rejects the whole message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.journal import Json

MOST_BLOCKS = 50
TEXT_OF_ALL = 13_200

# A problem and where it is, as a JSON pointer.
Problems = Iterator[tuple[str, str]]


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
    check = _CHECKS.get(str(block.get("type")))
    if check is None:
        yield f"unsupported type: {block.get('type')}", where
        return
    yield from check(block, where)


def _string(value: Any, where: str, most: int) -> Problems:
    if not isinstance(value, str) or not value:
        yield "must be more than 0 characters", where
    elif len(value) > most:
        yield f"must be less than {most + 1} characters", where


def _text(value: Any, where: str, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Problems:
    if not isinstance(value, dict):
        yield "must provide an object", where
    elif value.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)}", f"{where}/type"
    else:
        yield from _string(value.get("text"), f"{where}/text", most)


def _items(value: Any, where: str, most: int, check: Callable[[Any, str], Problems]) -> Problems:
    if not isinstance(value, list) or not value:
        yield "must provide a non-empty array", where
        return
    if len(value) > most:
        yield f"no more than {most} items allowed", where
    for index, item in enumerate(value):
        yield from check(item, f"{where}/{index}")


def _section(block: Json, where: str) -> Problems:
    if "text" not in block and "fields" not in block:
        yield "must provide text or fields", where
    if "text" in block:
        yield from _text(block["text"], f"{where}/text", 3000)
    if "fields" in block:
        yield from _items(block["fields"], f"{where}/fields", 10, lambda item, at: _text(item, at, 2000))
    if "accessory" in block:
        yield from _element(block["accessory"], f"{where}/accessory")


def _element(element: Any, where: str) -> Problems:
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        yield "must be an element with a type", where
        return
    if len(str(element.get("action_id", ""))) > 255:
        yield "must be less than 256 characters", f"{where}/action_id"
    match element["type"]:
        case "button":
            yield from _text(element.get("text"), f"{where}/text", 75, ("plain_text",))
            if "value" in element:
                yield from _string(element["value"], f"{where}/value", 2000)
            if element.get("style", "primary") not in {"primary", "danger"}:
                yield "must be one of primary, danger", f"{where}/style"
        case "image":
            yield from _image(element, where)
        case "static_select" | "multi_static_select" | "radio_buttons" | "checkboxes" | "overflow":
            if "option_groups" not in element:
                yield from _items(element.get("options"), f"{where}/options", 100, _option)
        case _:
            return


def _option(option: Any, where: str) -> Problems:
    if not isinstance(option, dict):
        yield "must be an object", where
        return
    yield from _text(option.get("text"), f"{where}/text", 75)
    yield from _string(option.get("value"), f"{where}/value", 150)


def _context_element(element: Any, where: str) -> Problems:
    if isinstance(element, dict) and element.get("type") == "image":
        yield from _image(element, where)
    else:
        yield from _text(element, where, 3000)


def _image(block: Json, where: str) -> Problems:
    if not block.get("image_url") and not block.get("slack_file"):
        yield "must provide image_url or slack_file", where
    yield from _string(block.get("alt_text"), f"{where}/alt_text", 2000)


def _rich_text(block: Json, where: str) -> Problems:
    kinds = {"rich_text_section", "rich_text_preformatted", "rich_text_list", "rich_text_quote"}
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield "must provide a non-empty array", f"{where}/elements"
        return
    for index, element in enumerate(elements):
        at = f"{where}/elements/{index}"
        if not isinstance(element, dict) or element.get("type") not in kinds:
            yield f"must be one of {', '.join(sorted(kinds))}", at
        elif not isinstance(element.get("elements"), list) or any(
            piece.get("type") == "text" and not piece.get("text") for piece in element["elements"]
        ):
            yield "must provide elements, and no empty text", at


def _table(block: Json, where: str) -> Problems:
    def row(cells: Any, at: str) -> Problems:
        yield from _items(cells, at, 20, cell)

    def cell(value: Any, at: str) -> Problems:
        if not isinstance(value, dict) or value.get("type") not in {"raw_text", "raw_number", "rich_text"}:
            yield "must be one of raw_text, raw_number, rich_text", at
        elif value["type"] == "raw_text":
            yield from _string(value.get("text"), f"{at}/text", 3000)

    yield from _items(block.get("rows"), f"{where}/rows", 100, row)


def _task(block: Any, where: str) -> Problems:
    if not isinstance(block, dict):
        yield "must be an object", where
        return
    yield from _string(block.get("task_id"), f"{where}/task_id", 255)
    yield from _string(block.get("title"), f"{where}/title", 256)
    if block.get("status", "pending") not in {"pending", "in_progress", "complete", "error"}:
        yield "must be one of pending, in_progress, complete, error", f"{where}/status"
    for name in ("details", "output"):
        if name in block:
            yield from _rich_text(block[name], f"{where}/{name}")


def _plan(block: Json, where: str) -> Problems:
    yield from _string(block.get("title"), f"{where}/title", 256)
    if block.get("tasks"):
        yield from _items(block["tasks"], f"{where}/tasks", 50, _task)


def _anything(block: Json, where: str) -> Problems:
    yield from ()


def _holding(name: str, most: int, check: Callable[[Any, str], Problems]) -> Callable[[Json, str], Problems]:
    return lambda block, where: _items(block.get(name), f"{where}/{name}", most, check)


_CHECKS: dict[str, Callable[[Json, str], Problems]] = {
    "section": _section,
    "header": lambda block, where: _text(block.get("text"), f"{where}/text", 150, ("plain_text",)),
    "divider": _anything,
    "image": _image,
    "context": _holding("elements", 10, _context_element),
    "actions": _holding("elements", 25, _element),
    "context_actions": _holding("elements", 5, _element),
    "markdown": lambda block, where: _string(block.get("text"), f"{where}/text", 12_000),
    "rich_text": _rich_text,
    "table": _table,
    "data_table": _anything,
    "task_card": _task,
    "plan": _plan,
    "alert": lambda block, where: _text(block.get("text"), f"{where}/text", 3000),
    "card": _anything,
    "carousel": _holding("elements", 10, lambda block, where: _block(block, where)),
    "container": _holding("child_blocks", 10, lambda block, where: _block(block, where)),
    "input": _anything,
    "file": _anything,
    "video": _anything,
}
