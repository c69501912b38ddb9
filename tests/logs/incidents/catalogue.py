"""All logs that can be generated: each kind of incident in several formats, zones and sizes, and quiet ones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.logs.incidents.formats import ZONES
from tests.logs.incidents.story import Story, read_stories

ROUNDS = 7
FORMATS = tuple(name for name in ZONES if name != "access")
SIZES = (20_000, 45_000, 15_000, 30_000, 60_000, 25_000, 36_000, 18_000)
QUIET = ("calm", "rhythm", "batch", "restart", "warning", "rotation", "deploy")


@dataclass(frozen=True, slots=True)
class Spec:
    """What to generate; without a story the log is quiet."""

    name: str
    kind: str
    story: Story | None
    format: str
    zone: str | None
    seed: int
    start: datetime
    minutes: int
    lines: int
    templates: int
    packed: bool
    pieces: int


def catalogue() -> tuple[Spec, ...]:
    """Return every log that can be generated, the incidents first."""
    kinds: dict[str, list[Story]] = {}
    for story in (*read_stories("changes"), *read_stories("failures")):
        kinds.setdefault(story.kind, []).append(story)
    told = [
        (stories[turn % len(stories)], FORMATS[(turn * 5 + place) % len(FORMATS)])
        for turn in range(ROUNDS)
        for place, stories in enumerate(kinds.values())
    ]
    told += [(story, "access") for story in read_stories("visits")]
    incidents = [_spec(index, story.kind, story, format) for index, (story, format) in enumerate(told)]
    every = (*FORMATS, "access")
    quiet = [_spec(len(told) + index, QUIET[index % 7], None, every[index % len(every)]) for index in range(26)]
    return (*incidents, *quiet)


def _spec(index: int, kind: str, story: Story | None, format: str) -> Spec:
    zones = ZONES[format]
    lines = SIZES[index % len(SIZES)]
    if index % 14 == 9:
        lines = 3_000
    if index % 37 == 20:
        lines = 200_000
    what = "incident" if story else "quiet"
    return Spec(
        name=f"{what}-{index:03d}-{kind}-{format}", kind=kind, story=story, format=format, zone=zones[index // 5 % len(zones)],
        seed=1_000 + index,
        start=datetime(2026, 11, 3 + index % 22, index * 7 % 24, index * 13 % 60, tzinfo=UTC) + timedelta(seconds=index % 3),
        minutes=(120, 200, 150, 360, 110, 270)[index % 6], lines=lines, templates=40 + index * 17 % 81, packed=index % 9 == 4,
        pieces=3 if index % 22 == 6 else 2 if index % 11 == 6 else 1,
    )  # fmt: skip
