"""Turn a reply into messages within Slack's limits; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.ports import Task
from bot.slack.split import split
from bot.thread.entries import Reply
from bot.thread.text import fenced

MESSAGE = 11_500  # characters of one markdown block; Slack counts about 13,200 over a message
INLINE_LINES = 12
INLINE_OUTPUT = 1_500
FALLBACK = 3_000
SILENT = "(This answer has no text.)"  # Slack refuses blank ones
Block = dict[str, Any]
_CALLS = re.compile(r"<(!(?:channel|here|everyone|subteam)[^>]*|[@#][A-Z0-9|][^>]*)>|(?<![\w.])@(channel|here|everyone)\b")
_CODE = re.compile(r"(?<!`)(?P<fence>`{3,})(?!`).*?(?:(?<!`)(?P=fence)(?!`)|\Z)|(?<!`)`[^`\n]+`(?!`)", re.S)
_MARKS = {"pending": "○", "running": "◐", "done": "✓", "failed": "✗"}


@dataclass(frozen=True, slots=True)
class Part:
    """One message: its blocks, and the text shown by notifications and by clients without blocks."""

    text: str
    blocks: tuple[Block, ...]


def parts(reply: Reply) -> list[Part]:
    """Return the messages of a reply in order; the last one carries the footer."""
    text = reply.text
    if reply.output and not is_long(reply.output):
        text += f"\n\n{fenced(reply.output.rstrip(chr(10)))}"
    text = harmless(text)
    pieces = [str(piece) for piece in split(text, MESSAGE) if piece.body.strip()] or [SILENT]
    messages = [Part(fallback(piece), ({"type": "markdown", "text": piece},)) for piece in pieces]
    if reply.footer:
        footer = {"type": "context", "elements": [{"type": "plain_text", "text": reply.footer[:2_000]}]}
        messages[-1] = Part(messages[-1].text, (*messages[-1].blocks, footer))
    return messages


def is_long(output: str) -> bool:
    """Whether program output is too long for the answer and becomes a snippet."""
    return len(output) > INLINE_OUTPUT or output.count("\n") >= INLINE_LINES


def working(tasks: Sequence[Task]) -> Part:
    """Return the message of a turn at work: its last 20 tasks and a Stop button."""
    lines = [f"{_MARKS[task.state]} {task.title}" for task in tasks[-20:]]
    text = harmless("\n".join(lines))[:2_900]
    section = {"type": "section", "text": {"type": "plain_text", "text": text}}
    stop = {"type": "button", "action_id": "stop", "style": "danger", "text": {"type": "plain_text", "text": "Stop"}}
    return Part(text, (section, {"type": "actions", "elements": [stop]}))


def harmless(text: str) -> str:
    """Return the text with its mentions of people, groups and channels readable but without effect; code calls nobody anyway."""
    said, at = "", 0
    for code in _CODE.finditer(text):
        said += _CALLS.sub(_readable, text[at : code.start()]) + code.group()
        at = code.end()
    return said + _CALLS.sub(_readable, text[at:])


def _readable(call: re.Match[str]) -> str:
    return f"‹{call[1]}›" if call[1] else f"@\u200b{call[2]}"


def fallback(text: str) -> str:
    """Return the text for notifications, cut short, and escaped so that it notifies nobody else."""
    short = text if len(text) <= FALLBACK else text[: FALLBACK - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:3_900]
