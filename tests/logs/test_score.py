"""How well templates group and incidents are found, against what is known: no model has a part in it."""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from bot import logs
from bot.logs.times import format_minute
from tests.logs.incidents import Incident, Quiet, Spec, catalogue, write
from tests.logs.incidents.truth import Count, Period

LOGHUB = Path(__file__).parents[3] / "shared/data/loghub"


def grouping_accuracy(found: list[object], true: list[str]) -> float:
    """The share of lines in groups that hold exactly the lines of one true group (Zhu et al., ICSE-SEIP 2019)."""
    ours, theirs = Counter(found), Counter(true)
    both = Counter(zip(found, true, strict=True))
    right = sum(lines for (group, name), lines in both.items() if lines == ours[group] == theirs[name])
    return right / len(true)


def samples(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Return LogHub's logs, each with the true group of every line."""
    for labels in sorted(folder.glob("*/*_2k.log_structured.csv")):
        with labels.open(encoding="utf-8") as rows:
            yield labels.with_name(f"{labels.parent.name}_2k.log"), [row["EventId"] for row in csv.DictReader(rows)]


@pytest.mark.skipif(not LOGHUB.is_dir(), reason="LogHub's samples are not beside the clone")
def test_templates_group_as_people_did_on_eight_systems() -> None:
    scores = {log.name: grouping_accuracy(templates_of(log, len(true)), true) for log, true in samples(LOGHUB)}

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


def scored(truth: Quiet) -> list[str]:
    """Return what was not found about one log; nothing when all was."""
    opened = logs.open_logs([str(path) for path in truth.paths], None)
    found = sorted((i for o in opened for i in logs.find_incidents(o.index)), key=lambda i: -i.evidence)
    wrong = [] if all(_count(opened, count) == count.value for count in truth.counts) else ["count"]
    if not isinstance(truth, Incident):
        return [*wrong, *(["an incident in a quiet log"] if found else [])]
    if not found or found[0].onset != _minute(truth.onset):
        wrong.append("onset")
    first_five = [row for o in opened for row in logs.compare([o], _window(o, truth.window))[0][:5]]
    cause = (truth.cause.file, truth.cause.line)
    if cause not in {(Path(row.file).name, row.line) for row in first_five}:
        wrong.append("cause")
    return wrong


def _count(opened: list[logs.OpenedLog], count: Count) -> int:
    return sum(logs.search([o], count.query, _window(o, count.period)).total for o in opened)


def _window(opened: logs.OpenedLog, period: Period) -> str:
    """A period on the log's own clock."""
    ends = (format_minute(_minute(at), opened.index.zone).replace(" ", "T") for at in (period.start, period.end))
    return "..".join(ends)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


SHORT_ONES = [spec for spec in catalogue() if spec.lines <= 15_000]
TOLD = [spec for spec in SHORT_ONES if spec.story][::6]
CALM = [spec for spec in SHORT_ONES if not spec.story][::3]


@pytest.mark.parametrize("spec", [*TOLD, *CALM], ids=lambda spec: spec.name)
def test_a_short_log_has_its_onset_its_cause_and_its_counts_found(spec: Spec, tmp_path: Path) -> None:
    assert scored(write(spec, tmp_path)) == []


def test_nine_of_ten_planted_incidents_are_found_and_quiet_logs_have_none(tmp_path: Path) -> None:
    wrong: dict[str, list[str]] = {}
    incidents = quiet = 0
    for spec in catalogue():
        folder = tmp_path / spec.name
        folder.mkdir()
        truth = write(spec, folder)
        incidents += isinstance(truth, Incident)
        quiet += not isinstance(truth, Incident)
        if missed := scored(truth):
            wrong[spec.name] = missed
        shutil.rmtree(folder)
    false_alarms = [name for name in wrong if name.startswith("quiet")]

    score = 1 - (len(wrong) - len(false_alarms)) / incidents
    print(f"\n{incidents} incidents: {score:.1%} with onset, cause and counts right; {quiet} quiet logs; wrong: {wrong}")
    assert score >= 0.9, wrong
    assert not false_alarms, wrong
