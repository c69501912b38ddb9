"""Checks the claims of a report against the log files: reads the cited lines and recounts the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from . import api
from .matches import BadQuery
from .secrets import without_secrets
from .sources import NotALog
from .times import BadWindow

Open = Callable[[str], Sequence[api.OpenedLog]]


def check(claims: dict[str, Any], folder: str | None = api.HERE) -> list[str]:
    """Return what does not hold about {"citations": [{file, line, text}], "counts": [{query, window, file, value}]}.

    A query is text that stands in the lines as it is, or /a regular expression/; an empty window is the whole file. The index
    finds lines and windows; what is compared and counted is the file itself.
    """

    @cache
    def opened(file: str) -> Sequence[api.OpenedLog]:
        return api.open_logs([file.partition("!")[0]], folder)

    return [*_miscited(claims.get("citations", ()), opened), *_miscounted(claims.get("counts", ()), opened)]


def miscitation(file: str, number: int, cited: str, line: str | None) -> str | None:
    """Return how a citation differs from the line of the file (None: the file is shorter), or None when it holds.

    Case, whitespace and a cut at the end do not matter, and secrets may be masked; an empty citation names the line alone.
    """
    if line is None:
        return f"You cite {file}:{number}, but the file has fewer lines."
    safe = without_secrets(line)
    if any(_key(cited) in _key(text) for text in (line, safe)):
        return None
    return f"{file}:{number} does not read as you cite it. It reads: {safe[:300]}"


def _miscited(citations: Sequence[dict[str, Any]], opened: Open) -> list[str]:
    wrong: list[str] = []
    for file in dict.fromkeys(str(c["file"]) for c in citations):
        texts = [(int(c["line"]), str(c.get("text", ""))) for c in citations if str(c["file"]) == file]
        try:
            lines = api.read_lines(opened(file), [(file, number) for number, _ in texts])
        except NotALog as error:
            wrong.append(f"You cite {file}: {error}")
            continue
        faults = [miscitation(file, number, text, lines.get((file, number))) for number, text in texts]
        wrong += [fault for fault in faults if fault]
    return wrong


def _miscounted(counts: Sequence[dict[str, Any]], opened: Open) -> list[str]:
    wrong: list[str] = []
    for claim in counts:
        file, query, window = str(claim["file"]), str(claim["query"]), str(claim.get("window", ""))
        regex = len(query) > 2 and query[0] == query[-1] == "/"
        try:
            total = api.search(opened(file), query[1:-1] if regex else query, window, limit=0, regex=regex).total
        except (NotALog, BadWindow, BadQuery) as error:
            wrong.append(f"The count of {query!r} cannot be checked: {error}")
            continue
        if total != int(claim["value"]):
            where = f" within {window}" if window else ""
            wrong.append(f"{query!r} is in {total} lines of {file}{where}, not in {claim['value']}.")
    return wrong


def _key(text: str) -> str:
    return " ".join(text.removesuffix("…").split()).casefold()
