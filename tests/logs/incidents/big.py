"""Writes a log of any size fast: lines rendered beforehand, each with a fresh number, under stamps made once a second."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.logs.incidents.formats import Clock, Line
from tests.logs.incidents.story import read_stories
from tests.logs.incidents.truth import Cause, Count, Incident
from tests.logs.incidents.weave import FRAMES, HARMLESS, MINUTE
from tests.logs.incidents.words import Template, background, cumulative
from tests.logs.incidents.write import moment, period, piece

HOURS = 16
TEMPLATES = 560
POOL = 24_000
FRESH = "\0"
START = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) * 1000
PLANTED = 58_400  # milliseconds into the minute before the onset
ONSET, LENGTH = 14 * 60 + 5, 11  # minutes since the start, and how many


@dataclass(frozen=True, slots=True)
class Layout:
    """A format in two parts: what stands before the milliseconds of each second, and the rest of a line."""

    zone: str | None
    pattern: str
    head: str
    rest: Callable[[Line], str]
    millis: bool = True


def _iso(line: Line) -> str:
    return f"Z {line.level} {line.service} [{line.host}] {line.text} req={FRESH}\n"


def _json(line: Line) -> str:
    said = f'"level":"{line.level.lower()}","service":"{line.service}","host":"{line.host}"'
    return f'Z",{said},"msg":"{line.text}","request_id":"{FRESH}"}}\n'


def _java(line: Line) -> str:
    frames = "".join(f"\tat com.acme.{line.service}.{name}.run({name}.java:{60 + len(name)})\n" for name in line.trace[1:])
    trace = f"com.acme.{line.trace[0]}: see above\n{frames}\t... 42 common frames omitted\n" if line.trace else ""
    return f" [{line.host}-exec-7] {line.level:5} com.acme.{line.service} - {line.text} [{FRESH}]\n{trace}"


def _syslog(line: Line) -> str:
    return f" {line.host} {line.service}[{700 + len(line.service)}]: {line.level}: {line.text} req={FRESH}\n"


LAYOUTS = {
    "iso": Layout("Z", "%Y-%m-%dT%H:%M:%S.", "", _iso), "json": Layout("Z", "%Y-%m-%dT%H:%M:%S.", '{"ts":"', _json),
    "java": Layout(None, "%Y-%m-%d %H:%M:%S.", "", _java), "syslog": Layout(None, "%b %e %H:%M:%S", "", _syslog, millis=False),
}  # fmt: skip


def big(path: Path, size: int, format: str, seed: int) -> Incident:
    """Write a log of about `size` bytes over sixteen hours, where one INFO line exhausts a connection pool at 14:05."""
    rng, layout = Random(seed), LAYOUTS[format]
    story = next(story for story in read_stories("changes") if story.kind == "pool")
    templates = background(rng, TEMPLATES)
    calm = _pool(rng, layout, templates, POOL)
    bad = _pool(rng, layout, list(story.symptoms), 2_000)
    bait = _pool(rng, layout, [templates[40]], 400)
    stamp = 15 if layout.pattern.startswith("%b") else 23
    mean = sum(len(head) + len(tail) for head, tail in calm) / len(calm) + stamp + 12 + len(layout.head)
    minute = size / mean / (HOURS * 60)
    asked = ((story.mark, "window"), (story.mark, "all"), (piece(templates[0]), "baseline"), (piece(templates[0]), "all"))
    ranges = {"window": (ONSET, ONSET + LENGTH), "all": (0, HOURS * 60), "baseline": (ONSET - 65, ONSET - 5)}
    values, lines, cause = [0] * len(asked), 0, Cause(path.name, 0, "")
    clock = Clock(layout.pattern, layout.zone)
    with path.open("wb") as file:
        for number in range(HOURS * 60):
            failing = ONSET <= number < ONSET + LENGTH
            drawn = rng.choices(calm, k=round(minute * rng.gauss(1, 0.05)))
            if failing:
                drawn += rng.choices(bad, k=round(minute * 0.3) + 4)
            if number in (ONSET - 300, ONSET - 299):
                drawn += rng.choices(bait, k=round(minute * 0.15))
            rng.shuffle(drawn)
            begin = START + number * MINUTE
            first = 3_000 if number == ONSET else 0
            last = PLANTED if number == ONSET - 1 else MINUTE
            offsets = sorted(rng.choices(range(first, last), k=len(drawn)))
            if number == ONSET - 1:
                drawn[-1], offsets[-1] = _rest(rng, layout, story.cause), PLANTED
            if number == ONSET - 18:
                drawn[0] = _rest(rng, layout, HARMLESS[1])
            block = _block(rng, layout, clock, begin, offsets, drawn)
            if number == ONSET - 1:
                text = block[-1].rstrip("\n")
                cause = Cause(path.name, lines + "".join(block).count("\n"), text)
            chunk = "".join(block)
            lines += chunk.count("\n")
            file.write(chunk.encode())
            for index, (query, where) in enumerate(asked):
                if ranges[where][0] <= number < ranges[where][1]:
                    values[index] += chunk.count(query)
    minutes = {name: period(START + a * MINUTE, START + b * MINUTE) for name, (a, b) in ranges.items()}
    counts = tuple(Count(query, minutes[where], value) for (query, where), value in zip(asked, values, strict=True))
    return Incident(
        name=f"big-{format}", kind=story.kind, format=format, zone=layout.zone, seed=seed, paths=(path,), span=minutes["all"],
        templates=len(templates), lines=lines, counts=counts, onset=moment(START + ONSET * MINUTE), cause=cause,
        window=minutes["window"], baseline=minutes["baseline"], error_text=story.mark,
    )  # fmt: skip


def _pool(rng: Random, layout: Layout, templates: list[Template], size: int) -> list[tuple[str, str]]:
    """Return rendered lines without their stamps, split where the fresh number goes, each template at least once."""
    totals = cumulative(templates)
    drawn = [*templates, *rng.choices(templates, cum_weights=totals, k=size - len(templates))]
    return [_rest(rng, layout, template) for template in drawn]


def _rest(rng: Random, layout: Layout, template: Template) -> tuple[str, str]:
    trace = (template.trace, *rng.sample(FRAMES, rng.randint(3, 7))) if template.trace else ()
    line = Line(0, template.level, f"web-{rng.randint(1, 6)}", template.service, template.fill(rng), trace)
    head, tail = layout.rest(line).split(FRESH)
    return head, tail


def _block(rng: Random, layout: Layout, clock: Clock, begin: int, offsets: list[int], drawn: list[tuple[str, str]]) -> list[str]:
    """Return a minute's records."""
    seconds = [layout.head + clock(begin + second * 1000) for second in range(60)]
    fresh, step = rng.getrandbits(40), 2_654_435_761
    if not layout.millis:
        return [
            f"{seconds[at // 1000]}{head}{(fresh + n * step) % (1 << 44):011x}{tail}"
            for n, (at, (head, tail)) in enumerate(zip(offsets, drawn, strict=True))
        ]
    return [
        f"{seconds[at // 1000]}{MILLIS[at % 1000]}{head}{(fresh + n * step) % (1 << 44):011x}{tail}"
        for n, (at, (head, tail)) in enumerate(zip(offsets, drawn, strict=True))
    ]


MILLIS = [f"{n:03d}" for n in range(1000)]
