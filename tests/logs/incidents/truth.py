"""What is known of a generated log: where its incident begins, what caused it, and what can be counted in it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, from its first instant up to but without its last."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """The one line that is the cause: its file's name, its 1-based number in it and its text."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines hold a plain substring and are stamped within a period."""

    query: str
    period: Period
    value: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """A log without an incident; a stamp without a zone reads as UTC, and one without a year as of 2026."""

    paths: tuple[Path, ...]
    templates: int
    lines: int
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Incident(Quiet):
    """A log with one incident; `onset` is the minute of the first symptom, and `window` holds all."""

    onset: datetime
    cause: Cause
    window: Period
    error_text: str
