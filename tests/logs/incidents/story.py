"""The form of a story: one line that is the cause, and what is seen of it afterwards."""

from dataclasses import dataclass
from enum import Enum

from tests.logs.incidents.words import Template


class Course(Enum):
    """How the symptoms run: all at once, or few at first and more each minute."""

    STEP = "step"
    GROWTH = "growth"


@dataclass(frozen=True, slots=True)
class Story:
    """An incident in words; `mark` is in each main symptom and nowhere else, `{bad}` stands for the one bad host."""

    kind: str
    cause: Template
    symptoms: tuple[Template, ...]
    mark: str
    course: Course = Course.STEP
    delay: tuple[int, int] = (0, 150)  # seconds from the cause to the first symptom
    one_host: bool = False
    skew: int = 0  # seconds by which the bad host's stamps jump after the cause


def info(service: str, text: str) -> Template:
    """Return an INFO template."""
    return Template("INFO", service, text)


def warn(service: str, text: str, share: float = 1.0) -> Template:
    """Return a WARN template."""
    return Template("WARN", service, text, share)


def error(service: str, text: str, share: float = 1.0, trace: str = "") -> Template:
    """Return an ERROR template."""
    return Template("ERROR", service, text, share, trace)
