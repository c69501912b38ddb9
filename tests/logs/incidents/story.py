"""The form of a story: one line that is the cause, and what is seen of it afterwards."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.logs.incidents.words import Template


@dataclass(frozen=True, slots=True)
class Story:
    """An incident in words; `mark` is in each main symptom and nowhere else, `{bad}` stands for the one bad host."""

    kind: str
    cause: Template
    symptoms: tuple[Template, ...]
    mark: str
    growth: bool = False  # few symptoms at first and more each minute, or all at once
    delay: tuple[int, int] = (0, 150)  # seconds from the cause to the first symptom
    one_host: bool = False
    skew: int = 0  # seconds by which the bad host's stamps jump after the cause


def info(service: str, text: str) -> Template:
    """Return an INFO template."""
    return Template("INFO", service, text)


def warn(service: str, text: str, share: float = 1.0) -> Template:
    """Return a WARN template."""
    return Template("WARN", service, text, share)


def read_stories(section: str) -> tuple[Story, ...]:
    """Return the stories of a section of `stories.txt`, in order."""
    text = Path(__file__).with_name("stories.txt").read_text(encoding="utf-8")
    [blocks] = [part for part in text.split("\n= ") if part.startswith(f"{section}: ")]
    return tuple(_story(*block.splitlines()) for block in blocks.strip().split("\n\n")[1:])


def _story(head: str, cause: str, *symptoms: str) -> Story:
    kind, mark, more = _match(r'(\w+): "(.*)"(.*)', head)
    unusual: dict[str, Any] = {"growth": "growth" in more}
    if delay := re.search(r"delay (\d+)\.\.(\d+)", more):
        unusual["delay"] = (int(delay[1]), int(delay[2]))
    if skew := re.search(r"skew (-?\d+)", more):
        unusual["skew"] = int(skew[1])
    return Story(kind, _line(cause), tuple(map(_line, symptoms)), mark, one_host="one host" in more, **unusual)


def _line(text: str) -> Template:
    level, share, service, trace, said = _match(r"(INFO|WARN|ERROR)(?:\*(\d))? ([\w-]+)(?: \((\w+)\))?: (.*)", text)
    return Template(level, service, said, float(share or 1), trace or "")


def _match(pattern: str, text: str) -> tuple[Any, ...]:
    match = re.fullmatch(pattern, text)
    assert match, text
    return match.groups()
