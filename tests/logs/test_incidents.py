"""The generated logs are what they say they are."""

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from pathlib import Path
from random import Random

import pytest

from tests.logs.incidents import Incident, Quiet, Spec, background, catalogue, write
from tests.logs.incidents.big import LAYOUTS, big
from tests.logs.incidents.formats import renderer
from tests.logs.incidents.weave import weave

SPECS = catalogue()
SMALL = [spec for spec in SPECS if spec.lines < 100_000]
SAMPLE = SMALL[::7]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Spec], Quiet]:
    """Writes each log once for all the tests here."""
    return cache(lambda spec: write(spec, tmp_path_factory.mktemp(spec.name)))


@lru_cache(maxsize=4)
def lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().removesuffix("\n").split("\n")


def iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def syslog(text: str) -> datetime:
    return datetime.strptime(f"2026 {text} +0000", "%Y %b %d %H:%M:%S %z")


def klog(text: str) -> datetime:
    return datetime.strptime(f"2026{text} +0000", "%Y%m%d %H:%M:%S.%f %z")


def epoch(text: str) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text[:13]))


def access(text: str) -> datetime:
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")


def error_log(text: str) -> datetime:
    return datetime.strptime(f"{text} +0000", "%Y/%m/%d %H:%M:%S %z")


ISO = r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d{3})(?:\d{6})?(Z|[+-]\d\d:\d\d)?"
STAMPS: tuple[tuple[str, Callable[[str], datetime]], ...] = (
    (rf"^(?:<\d+>1 |time=)?{ISO}", iso),
    (rf'^\{{.*"(?:ts|time|@timestamp)": ?"{ISO}', iso),
    (r'^\{.*"(?:time|__REALTIME_TIMESTAMP)": ?"?(\d+)', epoch),
    (r"^(\d{13}) ", epoch),
    (r"^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ", syslog),
    (r"^[DIWEF](\d{4} \d\d:\d\d:\d\d\.\d{6})", klog),
    (r"^\S+ - \S+ \[([^]]+)\]", access),
    (r"^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) ", error_log),
)


@lru_cache(maxsize=4)
def stamped(path: Path) -> list[tuple[datetime, str]]:
    """Return each line with its stamp, or with that of the line before."""
    moment: datetime | None = None
    stamps = []
    for line in lines(path):
        for pattern, read in STAMPS:
            if match := re.match(pattern, line):
                moment = read("".join(part or "" for part in match.groups()))
                break
        assert moment is not None, line
        stamps.append((moment, line))
    return stamps


def recount(truth: Quiet) -> list[int]:
    values = [0] * len(truth.counts)
    for path in truth.paths:
        for moment, line in stamped(path):
            for index, count in enumerate(truth.counts):
                if count.query in line and count.period.start <= moment < count.period.end:
                    values[index] += 1
    return values


def test_the_catalogue_is_wide() -> None:
    incidents = [spec for spec in SPECS if spec.story]

    assert len(incidents) >= 108
    assert len(SPECS) - len(incidents) >= 20
    assert len({spec.name for spec in SPECS}) == len(SPECS)
    assert len({spec.kind for spec in incidents}) >= 12
    assert len({spec.format for spec in incidents}) >= 10
    assert {spec.zone for spec in incidents} >= {"Z", "+02:00", "-05:00", None}
    assert all(len({s.story for s in incidents if s.kind == kind}) >= 3 for kind in {spec.kind for spec in incidents})


@pytest.mark.parametrize("spec", SAMPLE[::3], ids=lambda spec: spec.name)
def test_a_seed_always_gives_the_same_bytes(spec: Spec, generated: Callable[[Spec], Quiet], tmp_path: Path) -> None:
    one, two = generated(spec), write(spec, tmp_path)

    assert [path.read_bytes() for path in one.paths] == [path.read_bytes() for path in two.paths]
    assert one.counts == two.counts


@pytest.mark.parametrize("spec", SAMPLE, ids=lambda spec: spec.name)
def test_what_is_said_of_a_log_holds(spec: Spec, generated: Callable[[Spec], Quiet]) -> None:
    truth = generated(spec)

    assert [count.value for count in truth.counts] == recount(truth)
    assert truth.templates >= 40
    assert sum(len(lines(path)) for path in truth.paths) == truth.lines
    if isinstance(truth, Incident):
        named = {path.name: path for path in truth.paths}
        moment, text = stamped(named[truth.cause.file])[truth.cause.line - 1]
        assert text == truth.cause.text
        assert timedelta(0) <= truth.onset + timedelta(minutes=1) - moment <= timedelta(minutes=4)
        assert truth.window.start == truth.onset
        assert truth.baseline.end < truth.onset - timedelta(minutes=30)


@pytest.mark.parametrize("spec", [spec for spec in SMALL if spec.story][::5], ids=lambda spec: spec.name)
def test_the_main_symptom_is_seen_within_the_window_and_from_its_first_minute(spec: Spec) -> None:
    woven = weave(spec)
    assert spec.story is not None
    assert woven.cause is not None
    render = renderer(spec.format, spec.zone, Random(spec.seed))
    seen = [line.at for line in woven.lines if spec.story.mark in render(line)[0]]

    assert woven.plan.onset <= min(seen) < woven.plan.onset + 60_000
    assert max(seen) < woven.plan.until
    assert min(seen) >= woven.cause.at
    assert sum(line.text == woven.cause.text for line in woven.lines) == 1


@pytest.mark.parametrize("n", [40, 120, 600])
def test_background_templates_are_distinct(n: int) -> None:
    templates = background(Random(n), n)

    assert len({template.text for template in templates}) == n
    assert {template.level for template in templates} >= {"INFO", "WARN", "ERROR"}


@pytest.mark.parametrize("format", LAYOUTS)
def test_a_big_log_holds_what_is_said_of_it(format: str, tmp_path: Path) -> None:
    truth = big(tmp_path / "big.log", 3_000_000, format, seed=3)

    assert abs(truth.paths[0].stat().st_size - 3_000_000) < 100_000
    assert truth.templates >= 500
    assert [count.value for count in truth.counts] == recount(truth)
    assert lines(truth.paths[0])[truth.cause.line - 1] == truth.cause.text
    assert truth.counts[0].value == truth.counts[1].value > 0


def test_json_lines_are_json(generated: Callable[[Spec], Quiet]) -> None:
    for spec in [spec for spec in SMALL if spec.format in ("json", "docker", "journald")][::4]:
        for path in generated(spec).paths:
            assert all(isinstance(json.loads(line), dict) for line in lines(path))


def test_offsets_are_read_as_such() -> None:
    assert iso("2026-11-20T14:05:01.123+02:00") == datetime(2026, 11, 20, 14, 5, 1, 123_000, tzinfo=timezone(timedelta(hours=2)))
