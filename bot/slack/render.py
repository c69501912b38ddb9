"""Reply -> messages. Pure: text and blocks within Slack's limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.ports import Task
from bot.thread.entries import Reply

PART = 11_500  # characters of one markdown block; Slack counts about 13,200 over a message
INLINE_LINES = 12
INLINE_OUTPUT = 1_500
FALLBACK = 3_000
Block = dict[str, Any]
_CALLS = re.compile(
    r"<(!(?:channel|here|everyone|subteam)[^>]*|[@#][A-Z0-9|][^>]*)>|(?<![\w.])@(channel|here|everyone)\b"
)
_MARKS = {"pending": "○", "running": "◐", "done": "✓", "failed": "✗"}


@dataclass(frozen=True, slots=True)
class Part:
    """One message: its blocks, and the text that notifications and clients without blocks show."""

    text: str
    blocks: tuple[Block, ...]


def parts(reply: Reply) -> list[Part]:
    """Return the messages of a reply, in order; the last one carries the footer."""
    text = harmless(reply.text)
    if reply.output and not is_long(reply.output):
        text += f"\n\n{code(harmless(reply.output))}"
    pieces = split(text)
    made = [Part(fallback(piece), ({"type": "markdown", "text": piece},)) for piece in pieces]
    if reply.footer:
        footer = {"type": "context", "elements": [{"type": "plain_text", "text": reply.footer[:2_000]}]}
        made[-1] = Part(made[-1].text, (*made[-1].blocks, footer))
    return made


def is_long(output: str) -> bool:
    """Whether program output goes beside the answer, as a snippet."""
    return len(output) > INLINE_OUTPUT or output.count("\n") >= INLINE_LINES


def working(tasks: Sequence[Task]) -> Part:
    """The message while the turn goes on: what was done, what is being done, and a Stop button."""
    lines = [f"{_MARKS[task.state]} {task.title}" for task in tasks[-20:]]
    text = harmless("\n".join(lines))[:2_900]
    return Part(
        text,
        (
            {"type": "section", "text": {"type": "plain_text", "text": text}},
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "stop",
                        "style": "danger",
                        "text": {"type": "plain_text", "text": "Stop"},
                    }
                ],
            },
        ),
    )


def harmless(text: str) -> str:
    """Return text that calls nobody: mentions of people, groups and channels read as they are and do nothing."""
    return _CALLS.sub(lambda m: f"‹{m[1]}›" if m[1] else f"@\u200b{m[2]}", text)


def fallback(text: str) -> str:
    """The text of a message for notifications: escaped, so that it too calls nobody."""
    short = text if len(text) <= FALLBACK else text[: FALLBACK - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:3_900]


def code(text: str) -> str:
    """Return a fenced block that nothing in the text can close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"


def split(text: str, size: int = PART) -> list[str]:
    """Cut Markdown into pieces of at most `size` characters, at paragraphs, else lines, else anywhere.

    A fence that is cut is closed in one piece and opened again in the next; nothing else is added or lost.
    """
    pieces: list[str] = []
    fence = ""
    while len(text) > size - len(fence) - 1:
        room = size - 2 * (len(fence) + 1) - 8
        cut = _cut(text, max(room, 1))
        piece, text = text[:cut], text[cut:]
        opened = f"{fence}\n{piece}" if fence else piece
        fence = _open_fence(opened)
        pieces.append(f"{opened.rstrip(chr(10))}\n{_marks(fence)}" if fence else opened)
    return [*pieces, f"{fence}\n{text}" if fence else text]


def _cut(text: str, room: int) -> int:
    for separator in ("\n\n", "\n", " "):
        at = text.rfind(separator, room // 2, room)
        if at > 0:
            return at + len(separator)
    return room


def _open_fence(text: str) -> str:
    """The opening line of the fence that is still open at the end of the text, or ""."""
    opened = ""
    for line in text.split("\n"):
        marks = re.match(r"`{3,}", line)
        if marks and not opened:
            opened = line if len(line) < 60 else marks[0]
        elif marks and line.strip() == marks[0] and len(marks[0]) >= len(_marks(opened)):
            opened = ""
    return opened


def _marks(fence: str) -> str:
    found = re.match(r"`{3,}", fence)
    return found[0] if found else ""
