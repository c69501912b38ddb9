"""How well templates group and incidents are found, against what is known: no model has a part in it."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import logs
from bot.logs.times import shown
from tests.logs.incidents import Spec, Truth, catalogue, generate

LOGHUB = Path(__file__).parents[3] / "shared/data/loghub"


def grouping_accuracy(found: list[object], true: list[str]) -> float:
    """The share of lines in groups that hold exactly the lines of one true group (Zhu et al., ICSE-SEIP 2019)."""
    groups: defaultdict[object, list[int]] = defaultdict(list)
    sizes: defaultdict[str, int] = defaultdict(int)
    for line, (group, name) in enumerate(zip(found, true, strict=True)):
        groups[group].append(line)
        sizes[name] += 1
    right = 0
    for lines in groups.values():
        names = {true[n] for n in lines}
        if len(names) == 1 and sizes[names.pop()] == len(lines):
            right += len(lines)
    return right / len(true)


@pytest.mark.skipif(not LOGHUB.is_dir(), reason="LogHub's samples are not beside the clone")
def test_templates_group_as_people_did_on_eight_systems() -> None:
    scores = {}
    for system in sorted(p.name for p in LOGHUB.iterdir() if p.is_dir()):
        with (LOGHUB / system / f"{system}_2k.log_structured.csv").open(encoding="utf-8") as rows:
            true = [row["EventId"] for row in csv.DictReader(rows)]
        scores[system] = grouping_accuracy(templates_of(LOGHUB / system / f"{system}_2k.log", len(true)), true)

    assert len(scores) == 8
    assert sum(scores.values()) / 8 >= 0.85, scores


def templates_of(path: Path, lines: int) -> list[object]:
    """The template of each line, from the raw file and with no setting."""
    from bot.logs.formats import infer
    from bot.logs.masking import masked
    from bot.logs.templates import Tree

    raw = path.read_bytes().decode("utf-8", "replace").split("\n")[:lines]
    form, tree = infer(raw), Tree()
    placed = [tree.place(masked(form.split(line)[1])) for line in raw]
    return [tree.final(number) for number in placed]


def scored(spec: Spec, truth: Truth) -> list[str]:
    """Return what was not found about one log; nothing when all was."""
    [opened] = logs.open_logs([str(truth.path)], None)
    found = logs.incidents(opened.index)
    if truth.onset is None or truth.end is None or truth.cause is None:
        return [f"an incident in a quiet log: {found[0]}"] if found else []
    wrong = []
    if not found or shown(found[0].onset, opened.index.zone) != truth.onset.strftime("%Y-%m-%d %H:%M"):
        wrong.append("onset")
    rows, _ = logs.compared([opened], f"{truth.onset:%Y-%m-%dT%H:%M}..{truth.end:%Y-%m-%dT%H:%M}")
    if truth.cause[0] not in [row.line for row in rows[:5]]:
        wrong.append("cause")
    for query, begin, end, value in truth.counts:
        if logs.searched([opened], query, f"{begin:%Y-%m-%dT%H:%M}..{end:%Y-%m-%dT%H:%M}").total != value:
            wrong.append("count")
    return wrong


def test_nine_of_ten_planted_incidents_are_found_and_quiet_logs_have_none(tmp_path: Path) -> None:
    specs = catalogue()
    wrong = {}
    for spec in specs:
        truth = generate(spec, tmp_path)
        if missed := scored(spec, truth):
            wrong[spec.name] = missed
        truth.path.unlink()
    incidents = [s.name for s in specs if s.story]

    score = 1 - len([n for n in wrong if not n.startswith("quiet")]) / len(incidents)
    print(f"\n{len(incidents)} incidents: {score:.1%} with onset, cause and counts right; wrong: {wrong}")
    assert score >= 0.9, wrong
    assert not [n for n in wrong if n.startswith("quiet")], wrong


def test_the_hour_on_a_log_is_its_own() -> None:
    assert shown(int(datetime(2026, 11, 20, 12, 5, tzinfo=UTC).timestamp()) // 60, 120) == "2026-11-20 14:05"
