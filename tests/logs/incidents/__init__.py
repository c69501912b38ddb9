"""Generated logs with one planted incident each, and quiet ones with none. Knows nothing of what will look for them."""

from __future__ import annotations

import gzip
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from tests.logs.incidents.formats import FORMATS, UTC_ONLY, WITHOUT_ZONE
from tests.logs.incidents.stories import ACCESS, HARMLESS, STORIES, Said, Story
from tests.logs.incidents.words import NOUNS, background, filled, worries

DAY = datetime(2026, 11, 20, tzinfo=UTC)
ZONES = (0, 120, -300, 330)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to generate: `story` None for a quiet log; `zone` in minutes east of UTC; `packed` as gz."""

    name: str
    seed: int
    format: str
    story: Story | None = None
    tale: int = 0
    zone: int = 0
    lines: int = 20_000
    minutes: int = 180
    packed: bool = False
    templates: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What was planted: files in order, the first bad minute and the cause (times on the log's own clock, without a zone).

    `cause` is line number and whole text. `counts` are (plain text, from, to, lines in that half-open window).
    """

    name: str
    path: Path
    onset: datetime | None = None
    end: datetime | None = None
    cause: tuple[int, str] | None = None
    counts: tuple[tuple[str, datetime, datetime, int], ...] = ()
    lines: int = 0


@dataclass(slots=True)
class _Line:
    at: float  # seconds since the log begins
    level: str
    host: str
    part: str
    message: str
    shift: int = 0
    mark: str = ""


@dataclass(slots=True)
class _Plan:
    onset: float
    end: float
    query: str
    lines: list[_Line] = field(default_factory=list)


def catalogue() -> list[Spec]:
    """Return 126 incidents and 24 quiet logs, always the same."""
    found: list[Spec] = []
    names = list(FORMATS)
    for number in range(126):
        style = names[(number * 4 + number // len(STORIES)) % len(names)]
        story = STORIES[number % len(STORIES)]
        rng = random.Random(9000 + number)
        found.append(
            Spec(
                name=f"{number:03d}-{story.kind if style != 'access' else 'access'}-{style}", seed=number, format=style,
                story=story, tale=rng.randrange(3), zone=0 if style in UTC_ONLY else rng.choice(ZONES),
                lines=rng.choice((3_000, 8_000, 20_000, 20_000, 30_000)) if number % 40 else 150_000,
                minutes=rng.choice((90, 180, 360)), packed=number % 9 == 4, templates=rng.choice((40, 60, 120)),
            )
        )  # fmt: skip
    for number in range(24):
        style = names[(number * 5) % len(names)]
        rng = random.Random(7000 + number)
        found.append(
            Spec(
                name=f"quiet-{number:02d}-{style}", seed=5000 + number, format=style, lines=rng.choice((3_000, 20_000, 40_000)),
                zone=0 if style in UTC_ONLY else rng.choice(ZONES), minutes=rng.choice((90, 180, 360, 900)),
            )
        )  # fmt: skip
    return found


def generate(spec: Spec, folder: Path) -> Truth:
    """Write the log and return what is in it."""
    rng = random.Random(spec.seed)
    lines = list(_everyday(rng, spec))
    plan = _planted(rng, spec) if spec.story else None
    if plan:
        lines += plan.lines
    lines.sort(key=lambda line: line.at)
    return _write(rng, spec, lines, plan, folder)


def _everyday(rng: random.Random, spec: Spec) -> Iterator[_Line]:
    """A service's own rhythm: a day's curve, a nightly batch, a restart that does no harm, a warning now and then."""
    known, bad = background(rng, spec.templates), worries(rng)
    weights = [1 / (n + 1) for n in range(len(known))]
    hosts = [f"web-{n}" for n in range(1, 5)]
    parts = [rng.choice(NOUNS) for _ in range(5)]
    length = spec.minutes * 60
    phase = rng.random() * 6
    for _ in range(spec.lines):
        at = rng.random() * length
        if rng.random() > 0.75 + 0.25 * math.sin(at / 7200 + phase):
            continue
        level, text = rng.choices(known, weights)[0] if rng.random() > 0.012 else rng.choice(bad)
        yield _line(rng, spec, at, level, text, rng.choice(hosts), rng.choice(parts))
    start = (0.08 + 0.1 * rng.random()) * length
    burst = rng.choice(known[3:])[1]
    for _ in range(max(60, spec.lines // 60)):
        yield _line(rng, spec, start + rng.random() * 240, "INFO", burst, "web-1", "batch")
    at = (0.25 + 0.1 * rng.random()) * length
    for step, text in enumerate(("shutting down on signal 15", "started in {ms} ms, listening on port 8080")):
        yield _line(rng, spec, at + 9 * step, "INFO", text, "web-2", parts[0])
    at = (0.4 + 0.05 * rng.random()) * length
    yield _line(rng, spec, at, "INFO", rng.choice(HARMLESS), "web-3", parts[1])


def _line(
    rng: random.Random, spec: Spec, at: float, level: str, text: str, host: str, part: str, mark: str = ""
) -> _Line:
    message = filled(rng, text)
    if spec.format == "access" and not mark:
        words = message.split()
        status = {"ERROR": "500", "WARN": "404"}.get(level, "200")
        message = (
            f"{'POST' if len(message) % 5 == 0 else 'GET'} /api/{words[0]}/{words[1]}/{_hash(message) % 9000} {status}"
        )
    return _Line(at, level, host, part, message, mark=mark)


def _hash(text: str) -> int:
    """A number from a text, the same in every process."""
    return sum(ord(c) * (n + 7) for n, c in enumerate(text))


def _planted(rng: random.Random, spec: Spec) -> _Plan:
    story = spec.story
    assert story is not None
    tales = ACCESS if spec.format == "access" else story.tales
    cause, symptoms = tales[spec.tale % len(tales)]
    # A whole minute, in which the first symptom shows at once: what "the onset minute" means.
    onset = 60 * int((0.55 + 0.25 * rng.random()) * spec.minutes)
    plan = _Plan(onset, onset + 60 * rng.choice((6, 10, 14)), _plain(symptoms[0][1]))
    host = "web-4" if story.host else ""
    lead = rng.uniform(4, story.lead)
    plan.lines.append(_line(rng, spec, onset - lead, *cause, host or "web-1", "platform", mark="cause"))
    rate = max(14.0, 0.25 * spec.lines / spec.minutes)
    minute = 0
    while onset + 60 * minute < plan.end:
        share = min(1.0, 0.6 + 0.1 * minute) if story.ramp else 1.0
        for n in range(int(rate * share * rng.uniform(0.8, 1.2))):
            at = onset + 60 * minute + (0.5 + 4 * n if minute == 0 and n < 3 else rng.random() * 59.9)
            said: Said = symptoms[0] if rng.random() < 0.7 or n == 0 else rng.choice(symptoms)
            who = host or f"web-{rng.randint(1, 4)}"
            line = _line(rng, spec, at, *said, who, "platform", mark="symptom")
            line.shift = story.skew if story.skew and rng.random() < 0.15 and minute > 1 else 0
            plan.lines.append(line)
        minute += 1
    return plan


def _write(rng: random.Random, spec: Spec, lines: list[_Line], plan: _Plan | None, folder: Path) -> Truth:
    zone = timezone(timedelta(minutes=spec.zone))
    start = DAY + timedelta(minutes=rng.randint(0, 23 * 60 - min(spec.minutes, 22 * 60)))
    render = FORMATS[spec.format]
    written: list[str] = []
    cause: tuple[int, str] | None = None
    clocks: list[datetime] = []
    for number, line in enumerate(lines):
        at = (start + timedelta(seconds=line.at - line.shift)).astimezone(UTC if spec.format in UTC_ONLY else zone)
        text = render(at, line.level, line.host, line.part, line.message, number)
        if line.mark == "cause":
            cause = (len(written) + 1, text.split("\n")[0])
        whole = text.split("\n")
        written += whole
        clocks += [at.replace(tzinfo=None)] * len(whole)
    path = folder / f"{spec.name}.log{'.gz' if spec.packed else ''}"
    data = ("\n".join(written) + "\n").encode()
    path.write_bytes(gzip.compress(data, 1, mtime=0) if spec.packed else data)
    if plan is None or cause is None:
        return Truth(name=spec.name, path=path, lines=len(written))
    clock = (
        (start + timedelta(seconds=plan.onset))
        .astimezone(UTC if spec.format in UTC_ONLY else zone)
        .replace(tzinfo=None)
    )
    onset = clock.replace(second=0, microsecond=0)
    until = onset + timedelta(minutes=5)
    value = sum(1 for at, text in zip(clocks, written, strict=True) if onset <= at < until and plan.query in text)
    end = onset + timedelta(seconds=plan.end - plan.onset)
    return Truth(
        name=spec.name, path=path, onset=onset, end=end, cause=cause, lines=len(written),
        counts=((plan.query, onset, until, value),),
    )  # fmt: skip


def _plain(text: str) -> str:
    """The longest stretch of a template without slots."""
    return max(re.split(r"\{\w+\}| [45]\d\d$", text), key=len).strip()


__all__ = ["WITHOUT_ZONE", "Spec", "Truth", "catalogue", "generate"]
