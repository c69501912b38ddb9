"""The generated logs are what they say they are; tests/logs/test_score.py counts in them again."""

import gzip
import json
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.logs.incidents import Incident, Spec, background, catalogue, write
from tests.logs.incidents.formats import Pen
from tests.logs.incidents.weave import weave

SPECS = catalogue()
SMALL = [spec for spec in SPECS if spec.lines < 100_000]
SAMPLE = SMALL[::7]


def lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().removesuffix("\n").split("\n")


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
def test_a_seed_always_gives_the_same_bytes(spec: Spec, tmp_path: Path) -> None:
    first, again = [
        (truth.counts, [path.read_bytes() for path in truth.paths]) for truth in map(partial(write, spec), (tmp_path, tmp_path))
    ]

    assert first == again


@pytest.mark.parametrize("spec", SAMPLE, ids=lambda spec: spec.name)
def test_what_is_said_of_a_log_holds(spec: Spec, tmp_path: Path) -> None:
    truth = write(spec, tmp_path)

    written = {path.name: lines(path) for path in truth.paths}
    assert truth.templates >= 40
    assert sum(map(len, written.values())) == truth.lines
    assert not isinstance(truth, Incident) or written[truth.cause.file][truth.cause.line - 1] == truth.cause.text
    if spec.format in ("json", "docker", "journald"):
        assert all(isinstance(json.loads(line), dict) for said in written.values() for line in said)


@pytest.mark.parametrize("spec", [spec for spec in SMALL if spec.story][::5], ids=lambda spec: spec.name)
def test_the_main_symptom_is_seen_within_the_window_and_from_its_first_minute(spec: Spec) -> None:
    woven = weave(spec)
    assert spec.story is not None
    assert woven.cause is not None
    pen = Pen(spec.format, spec.zone, Random(spec.seed))
    seen = [line.at for line in woven.lines if spec.story.mark in pen(line)[0]]

    assert woven.plan.onset <= min(seen) < woven.plan.onset + 60_000
    assert max(seen) < woven.plan.until
    assert woven.cause.at <= min(seen) <= woven.cause.at + 240_000
    assert sum(line.text == woven.cause.text for line in woven.lines) == 1


@pytest.mark.parametrize("n", [40, 120, 600])
def test_background_templates_are_distinct(n: int) -> None:
    templates = background(Random(n), n)

    assert len({template.text for template in templates}) == n
    assert {template.level for template in templates} >= {"INFO", "WARN", "ERROR"}
