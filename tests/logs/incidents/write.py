"""Writes woven lines to files and counts while writing."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.logs.incidents.catalogue import Spec
from tests.logs.incidents.formats import Line, Pen
from tests.logs.incidents.truth import Cause, Count, Incident, Period, Quiet
from tests.logs.incidents.weave import MINUTE, Woven, weave
from tests.logs.incidents.words import Template


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _period(start: int, end: int) -> Period:
    return Period(_moment(start), _moment(end))


def write(spec: Spec, folder: Path) -> Quiet | Incident:
    """Write a spec's log to a folder and return what is true of it."""
    woven = weave(spec)
    pen = Pen(spec.format, spec.zone, Random(spec.seed + 1))
    names = _names(spec)
    files: dict[str, list[str]] = {name: [] for name in names}
    asked = _questions(spec, woven)
    values = [0] * len(asked)
    cause: Cause | None = None
    for index, line in enumerate(woven.lines):
        name = _file(spec, names, line, index / len(woven.lines))
        text = pen(line)
        if line is woven.cause:
            cause = Cause(name, len(files[name]) + 1, text[0])
        files[name].extend(text)
        for number, (query, start, end) in enumerate(asked):
            if start <= line.at < end:
                values[number] += sum(query in each for each in text)
    paths = tuple(_save(folder / name, files[name]) for name in names)
    plan, lines = woven.plan, sum(map(len, files.values()))
    counts = tuple(Count(query, _period(start, end), value) for (query, start, end), value in zip(asked, values, strict=True))
    known = (paths, len(woven.background), lines, counts)
    if spec.story is None or cause is None:
        return Quiet(*known)
    return Incident(*known, _moment(plan.onset), cause, _period(plan.onset, plan.until), spec.story.mark)


def _names(spec: Spec) -> list[str]:
    """Return the file names, the oldest first, as a rotation leaves them."""
    end = ".gz" if spec.packed else ""
    if spec.format == "nginx":
        return [f"{spec.name}.access.log{end}", f"{spec.name}.error.log{end}"]
    older = [f"{spec.name}.log.{n}{'.gz' if n > 1 else ''}" for n in range(spec.pieces - 1, 0, -1)]
    return [*older, f"{spec.name}.log{end}"]


def _file(spec: Spec, names: Sequence[str], line: Line, part: float) -> str:
    if spec.format == "nginx":
        return names[not line.access]
    return names[min(len(names) - 1, int(part * len(names)))]


def _save(path: Path, lines: list[str]) -> Path:
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else data)
    return path


def _questions(spec: Spec, woven: Woven) -> list[tuple[str, int, int]]:
    """Return substrings and periods worth counting, each period whole minutes or all time."""
    plan = woven.plan
    first, last = plan.start // MINUTE * MINUTE, plan.end + 10 * MINUTE
    common, noisy = woven.background[2], next(template for template in woven.background if template.level == "WARN")
    asked = [(_piece(common), *plan.calm), (_piece(common), first, last), (_piece(noisy), first, plan.onset)]
    if spec.story:
        mark = spec.story.mark
        asked += [(mark, plan.onset, plan.until), (mark, first, last), (mark, plan.onset, plan.onset + MINUTE)]
    return asked


def _piece(template: Template) -> str:
    """Return a part of a template's text that stands in its lines as it is."""
    return max(template.longest.split("|"), key=len)
