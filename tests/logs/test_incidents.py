"""The generated logs hold what their truth says, and say the same every time."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from tests.logs.incidents import Spec, catalogue, generate

SOME = catalogue()[1:126:6] + catalogue()[-2:]


@pytest.mark.parametrize("spec", SOME, ids=lambda s: s.name)
def test_a_log_holds_the_planted_cause_and_is_the_same_every_time(spec: Spec, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()

    truth, again = generate(spec, tmp_path), generate(spec, tmp_path / "again")

    data = truth.path.read_bytes()
    assert data == again.path.read_bytes()
    lines = (gzip.decompress(data) if spec.packed else data).decode().splitlines()
    assert len(lines) == truth.lines
    if spec.story is None:
        assert truth.cause is None
        return
    assert truth.cause is not None
    assert lines[truth.cause[0] - 1] == truth.cause[1]
    assert Counter(lines)[truth.cause[1]] == 1
    query, _, _, value = truth.counts[0]
    assert 0 < value <= sum(query in line for line in lines)


def test_the_catalogue_is_wide() -> None:
    specs = catalogue()

    incidents = [s for s in specs if s.story]
    assert len(incidents) >= 100
    assert len(specs) - len(incidents) >= 20
    assert len({s.name for s in specs}) == len(specs)
    assert len({s.format for s in incidents}) >= 12
    assert len({s.story.kind for s in incidents if s.story}) >= 12
