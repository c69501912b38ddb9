"""Weaves a log's lines: the background with its load, the incident, and the bait beside it."""

from dataclasses import dataclass, replace
from math import pi, sin, sqrt
from random import Random

from tests.logs.incidents.catalogue import Spec
from tests.logs.incidents.formats import Line
from tests.logs.incidents.story import Story, info, warn
from tests.logs.incidents.words import BAD, NOUNS, VOCABULARY, Template, background, cumulative, requests, words

MINUTE = 60_000
FRAMES = words("Handler Router Session Pool Mapper Codec Filter Worker Queue Proxy Store Client")
HARMLESS, VISITED = ([info(*said) for said in VOCABULARY[name]] for name in ("harmless", "visited"))


@dataclass(frozen=True, slots=True)
class Plan:
    """When things happen, in minutes and milliseconds since 1970."""

    start: int
    end: int
    cause: int
    onset: int
    until: int
    calm: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Woven:
    """The lines in the order they are written, which of them is the cause, and what they are made of."""

    lines: list[Line]
    cause: Line | None
    plan: Plan
    background: list[Template]


def weave(spec: Spec) -> Woven:
    """Return a spec's lines."""
    rng = Random(spec.seed)
    return _Weaver(spec, rng, plan(spec, rng)).weave()


def plan(spec: Spec, rng: Random) -> Plan:
    """Choose when the incident begins and ends; each period is whole minutes, the cause is an instant."""
    first = int(spec.start.timestamp()) * 1000
    floor = first // MINUTE * MINUTE
    length = rng.randint(6, 12 if spec.minutes < 180 else 25)
    onset = floor + rng.randint(spec.minutes * 11 // 20, spec.minutes * 13 // 20) * MINUTE
    low, high = spec.story.delay if spec.story else (0, 1)
    cause = onset + rng.randint(2_000, 25_000) - rng.randint(low * 1000, high * 1000)
    calm_end = onset - 35 * MINUTE
    calm_start = max(floor + MINUTE, calm_end - rng.randint(25, 60) * MINUTE)
    return Plan(first, floor + spec.minutes * MINUTE, cause, onset, onset + length * MINUTE, (calm_start, calm_end))


class _Weaver:
    def __init__(self, spec: Spec, rng: Random, plan: Plan) -> None:
        self._spec, self._rng, self._plan = spec, rng, plan
        self._web = spec.format == "access"
        zone = rng.choice(("eu", "us", "ap"))
        self._hosts = [f"{rng.choice(('node', 'web', 'app'))}-{zone}-{n}" for n in range(1, rng.randint(4, 7))]
        self._bad = self._hosts[rng.randrange(len(self._hosts))]
        self._load = spec.lines / spec.minutes
        self._phase, self._swing = rng.uniform(0, 2 * pi), 0.35 if spec.kind == "rhythm" else rng.uniform(0.05, 0.25)
        self._lines: list[Line] = []

    def weave(self) -> Woven:
        spec, rng, plan = self._spec, self._rng, self._plan
        templates = requests(rng, spec.templates) if self._web else background(rng, spec.templates)
        self._stream(templates, 0.75 if spec.format == "nginx" else 1.0, False)
        if spec.format == "nginx":
            visits = requests(rng, 40)
            self._stream(visits, 0.25, True)
            templates = templates + visits
        self._one_offs()
        cause = None
        if story := spec.story:
            cause = self._said(story.cause, plan.cause)
            strength = self._happen(story)
            self._bait(templates, strength)
            self._lines.append(cause)
        else:
            self._routine(templates)
        self._lines.sort(key=lambda line: line.at)
        if spec.story and spec.story.skew:
            self._skew(spec.story, cause)
        return Woven(self._lines, cause, plan, templates)

    def _amount(self, mean: float) -> int:
        return max(0, round(self._rng.gauss(mean, sqrt(mean)))) if mean > 0 else 0

    def _level(self, minute: int) -> float:
        """Return how busy a minute is: a daily rhythm, a little weather, and less work while things fail."""
        plan, at = self._plan, self._plan.start // MINUTE * MINUTE + minute * MINUTE
        failing = 0.85 if self._spec.story and plan.onset <= at < plan.until else 1.0
        return failing * self._load * (1 + self._swing * sin(self._phase + minute / 720 * pi)) * self._rng.gauss(1, 0.06)

    def _said(self, template: Template, at: int, host: str = "", access: bool = False) -> Line:
        rng = self._rng
        host = host or self._hosts[int(rng.random() * len(self._hosts))]
        trace = (template.trace, *rng.sample(FRAMES, rng.randint(3, 7))) if template.trace else ()
        text = template.fill(rng).replace(BAD, self._bad)
        return Line(at, template.level, host, template.service, text, trace, access)

    def _stream(self, templates: list[Template], part: float, access: bool) -> None:
        rng, totals = self._rng, cumulative(templates)
        for minute in range(self._spec.minutes):
            begin = self._plan.start // MINUTE * MINUTE + minute * MINUTE
            drawn = rng.choices(templates, cum_weights=totals, k=self._amount(part * self._level(minute)))
            for template in drawn:
                at = begin + int(rng.random() * MINUTE)
                if at >= self._plan.start:
                    self._lines.append(self._said(template, at, access=access))

    def _one_offs(self) -> None:
        """Say a few harmless things once: some anywhere in the calm, one 10 to 30 minutes before the incident."""
        rng, plan = self._rng, self._plan
        said = rng.sample(VISITED if self._web else HARMLESS, 4 if self._web else rng.randint(6, 11))
        self._lines.append(self._said(said[0], plan.onset - rng.randint(10 * MINUTE, 30 * MINUTE)))
        for template in said[1:]:
            early = rng.randrange(plan.start, plan.onset - 8 * MINUTE)
            at = early if rng.random() < 0.6 else rng.randrange(plan.onset + (plan.until - plan.onset) // 2, plan.end)
            self._lines.append(self._said(template, at))

    def _happen(self, story: Story) -> float:
        """Add the symptoms and return how strong they are, as a part of the load."""
        rng, plan, totals = self._rng, self._plan, cumulative(list(story.symptoms))
        strength = max(rng.uniform(0.08, 0.45), 9 / self._load)
        hosts = [self._bad] if story.one_host else [host for host in self._hosts if host != self._bad or not story.skew]
        first = max(plan.cause, plan.onset) + rng.randint(500, 4_000)
        minutes = (plan.until - plan.onset) // MINUTE
        self._lines.append(self._said(story.symptoms[0], first, rng.choice(hosts)))
        for minute in range(minutes):
            begin, end = plan.onset + minute * MINUTE, plan.onset + (minute + 1) * MINUTE
            begin = max(begin, first)
            shape = 0.25 + 0.75 * minute / minutes if story.growth else 1.0
            fading = 0.4 if minute == minutes - 1 else 1.0
            amount = max(4, self._amount(shape * fading * strength * self._load * (end - begin) / MINUTE))
            for symptom in rng.choices(story.symptoms, cum_weights=totals, k=amount):
                self._lines.append(self._said(symptom, rng.randrange(begin, end), rng.choice(hosts)))
        if self._spec.format == "nginx":
            failed = replace(requests(rng, 1)[0], text="POST /api/v1/{n}/confirm|503", level="ERROR")
            for _ in range(self._amount(strength * self._load * 0.5 * minutes)):
                self._lines.append(self._said(failed, rng.randrange(first, plan.until), access=True))
        return strength

    def _bait(self, templates: list[Template], strength: float) -> None:
        """Add a burst of something unrelated and weaker, outside the window and the baseline."""
        rng, plan = self._rng, self._plan
        late = (plan.until + 12 * MINUTE, plan.end - 6 * MINUTE)
        begin = rng.randrange(*late) if late[1] > late[0] else plan.start + MINUTE
        calm = [template for template in templates if template.level == "INFO"]
        bait, part = rng.choice(calm[5:25]), min(0.25, strength * 0.6)
        if not self._web and rng.random() < 0.4:
            noun = rng.choice(NOUNS)
            bait, part = warn("monitor", f"{noun} feed is late by {{ms}} s, source {{zone}}"), strength * 0.12
        for _ in range(self._amount(part * self._load * 3)):
            at = begin + int(rng.random() * 3 * MINUTE)
            self._lines.append(self._said(bait, at, access=self._spec.format == "nginx" and "|" in bait.text))

    def _routine(self, templates: list[Template]) -> None:
        """Add what a quiet log of this kind has besides its background."""
        rng, plan = self._rng, self._plan
        if self._web:
            return
        match self._spec.kind:
            case "batch":
                for n in range(self._amount(self._load * 4)):
                    batch = info("nightly", "exported {n} rows of table {small} to {path}")
                    self._lines.append(self._said(batch, plan.onset + n % 20 * MINUTE + int(rng.random() * MINUTE)))
            case "restart":
                steps = (
                    "received SIGTERM, draining", "closed {small} connections", "stopped cleanly", "starting {version}",
                    "listening on port {port}",
                )  # fmt: skip
                for n, step in enumerate(steps):
                    self._lines.append(self._said(info("gateway", step), plan.onset + n * 1_700, self._bad))
            case "warning":
                for _ in range(max(6, self._spec.minutes // 12)):
                    rare = warn("ntpd", "drift of {small} ppm against {ip}")
                    self._lines.append(self._said(rare, rng.randrange(plan.start, plan.end)))
            case "rotation":
                for at in range(plan.start, plan.end, 60 * MINUTE):
                    self._lines.append(self._said(info("logrotate", "rotated {path}, {mb} MB"), at))
            case "deploy":
                text = "rollout of gateway {version} finished: http.read_timeout_ms 3000 -> 3500"
                self._lines.append(self._said(info("deployer", text), plan.cause))

    def _skew(self, story: Story, cause: Line | None) -> None:
        """Shift the bad host's later stamps; the lines keep the order in which they were written."""
        shift, after = story.skew * 1000, False
        for index, line in enumerate(self._lines):
            if line is cause:
                after = True
            elif after and line.host == self._bad and line.text.find(story.mark) < 0 and line.level in ("INFO", "DEBUG"):
                self._lines[index] = line._replace(at=line.at + shift)
