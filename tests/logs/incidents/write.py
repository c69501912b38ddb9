"""Writes woven lines to files and counts while writing."""

import gzip
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.logs.incidents.catalogue import Spec, catalogue
from tests.logs.incidents.formats import Line, renderer
from tests.logs.incidents.truth import Cause, Count, Incident, Period, Quiet
from tests.logs.incidents.weave import MINUTE, Woven, weave
from tests.logs.incidents.words import Template


def moment(at: int) -> datetime:
    """Return milliseconds since 1970 as an instant."""
    return datetime.fromtimestamp(at / 1000, UTC)


def period(start: int, end: int) -> Period:
    """Return two instants in milliseconds as a period."""
    return Period(moment(start), moment(end))


def generate(which: str | int, folder: Path) -> Quiet | Incident:
    """Write the log of a name, or of a place in the catalogue, to a folder and return what is true of it."""
    specs = catalogue()
    spec = specs[which] if isinstance(which, int) else next(spec for spec in specs if spec.name == which)
    return write(spec, folder)


def write(spec: Spec, folder: Path) -> Quiet | Incident:
    """Write a spec's log to a folder and return what is true of it."""
    woven = weave(spec)
    render = renderer(spec.format, spec.zone, Random(spec.seed + 1))
    names = _names(spec)
    files: dict[str, list[str]] = {name: [] for name in names}
    tally = _Tally(_questions(spec, woven))
    cause: Cause | None = None
    for index, line in enumerate(woven.lines):
        name = _file(spec, names, line, index / len(woven.lines))
        text = render(line)
        if line is woven.cause:
            cause = Cause(name, len(files[name]) + 1, text[0])
        files[name].extend(text)
        tally.add(line.at, text)
    paths = tuple(_save(folder / name, files[name]) for name in names)
    stamps = [line.at for line in woven.lines]
    plan, lines = woven.plan, sum(map(len, files.values()))
    span = period(min(stamps), max(stamps) + 1)
    known = (
        spec.name, spec.kind, spec.format, spec.zone, spec.seed, paths, span, len(woven.background), lines, tally.counts(),
    )  # fmt: skip
    if spec.story is None or cause is None:
        return Quiet(*known)
    window, baseline = period(plan.onset, plan.until), period(*plan.calm)
    return Incident(*known, moment(plan.onset), cause, window, baseline, spec.story.mark)


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
    common, noisy = woven.background[2], _rarest(woven.background)
    asked = [(piece(common), *plan.calm), (piece(common), first, last), (piece(noisy), first, plan.onset)]
    if spec.story:
        mark = spec.story.mark
        asked += [(mark, plan.onset, plan.until), (mark, first, last), (mark, plan.onset, plan.onset + MINUTE)]
    return asked


def _rarest(templates: list[Template]) -> Template:
    return next(template for template in templates if template.level == "WARN")


def piece(template: Template) -> str:
    """Return a part of a template's text that stands in its lines as it is."""
    return max(template.longest.split("|"), key=len)


class _Tally:
    def __init__(self, questions: list[tuple[str, int, int]]) -> None:
        self._questions = questions
        self._edges = sorted({edge for _, *edges in questions for edge in edges})
        self._seen: Counter[tuple[str, int]] = Counter()
        self._queries = sorted({query for query, *_ in questions})

    def add(self, at: int, text: tuple[str, ...]) -> None:
        """Count the lines of one record."""
        for query in self._queries:
            for line in text:
                if query in line:
                    self._seen[query, bisect_right(self._edges, at)] += 1

    def counts(self) -> tuple[Count, ...]:
        """Return what was counted for each question."""
        return tuple(Count(query, period(start, end), self._between(query, start, end)) for query, start, end in self._questions)

    def _between(self, query: str, start: int, end: int) -> int:
        places = range(bisect_right(self._edges, start), bisect_right(self._edges, end - 1) + 1)
        return sum(self._seen[query, place] for place in places)
