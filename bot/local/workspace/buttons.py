"""The interactive elements of a message, and the action that each sends."""

from __future__ import annotations

from typing import Any

from bot.local.workspace.journal import Json


def elements(blocks: Any) -> list[tuple[str, Json]]:
    """Return every interactive element of a message's blocks, with the id of its block."""
    found: list[tuple[str, Json]] = []
    for index, block in enumerate(blocks or ()):
        block_id = str(block.get("block_id") or f"b{index}")
        here = [*(block.get("elements") or ()), block.get("accessory")]
        found += [(block_id, element) for element in here if isinstance(element, dict) and element.get("action_id")]
        found += elements(block.get("child_blocks"))
    return found


def press(blocks: list[Json], action_id: str, value: str | None) -> Json | None:
    """Return the action that an element sends, or None if the message has no such element."""
    named = [(block_id, element) for block_id, element in elements(blocks) if element["action_id"] == action_id]
    if not named:
        return None
    block_id, element = next((pair for pair in named if value is not None and pair[1].get("value") == value), named[0])
    action = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id}
    match element["type"]:
        case "button":
            action |= {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        case "feedback_buttons":
            buttons = (element.get("positive_button") or {}, element.get("negative_button") or {})
            action |= next((b for b in buttons if b.get("value") == value), buttons[0])
        case "icon_button":
            action["value"] = element.get("value", "")
        case _:
            options = element.get("options") or []
            action["selected_option"] = next((o for o in options if o.get("value") == value), {"value": value})
    return action
