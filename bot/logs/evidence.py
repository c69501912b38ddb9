"""What a report claims about logs, checked against the files: lines re-read, numbers recounted."""

from __future__ import annotations

from typing import Any

from . import api
from .matches import BadQuery
from .secrets import without_secrets
from .sources import NotALog
from .times import BadWindow


def check(claims: dict[str, Any], folder: str | None = api.HERE) -> list[str]:
    """Return what does not hold about {"citations": [{file, line, text}], "counts": [{query, window, file, value}]}.

    `query` is plain text that stands in the lines as it is, or /a regular expression/; an empty window is the whole file.
    """
    wrong: list[str] = []
    opened: dict[str, list[api.OpenedLog]] = {}

    def logs(file: str) -> list[api.OpenedLog]:
        # The index finds lines and windows; what is compared and counted is always the file itself.
        if file not in opened:
            opened[file] = api.open_logs([file.partition("!")[0]], folder)
        return opened[file]

    cited = [(str(c["file"]), int(c["line"]), str(c.get("text", ""))) for c in claims.get("citations", ())]
    for file in dict.fromkeys(file for file, _, _ in cited):
        mine = [(number, text) for name, number, text in cited if name == file]
        try:
            real = api.read_lines(logs(file), [(file, number) for number, _ in mine])
        except NotALog as error:
            wrong.append(f"You cite {file}: {error}")
            continue
        for number, text in mine:
            line = real.get((file, number))
            if line is None:
                wrong.append(f"You cite {file}:{number}, but the file has fewer lines.")
            elif _key(text) not in _key(line) and _key(text) not in _key(without_secrets(line)):
                reads = without_secrets(line)[:300]
                wrong.append(f"{file}:{number} does not read as you cite it. It reads: {reads}")
    for claim in claims.get("counts", ()):
        file, query, window = str(claim["file"]), str(claim["query"]), str(claim.get("window", ""))
        regex = len(query) > 2 and query[0] == query[-1] == "/"
        try:
            found = api.search(logs(file), query[1:-1] if regex else query, window, limit=0, regex=regex).total
        except (NotALog, BadWindow, BadQuery) as error:
            wrong.append(f"The count of {query!r} cannot be checked: {error}")
            continue
        if found != int(claim["value"]):
            where = f" within {window}" if window else ""
            wrong.append(f"{query!r} is in {found} lines of {file}{where}, not in {claim['value']}.")
    return wrong


def _key(text: str) -> str:
    """Whitespace and a cut at the end do not make another line."""
    return " ".join(text.removesuffix("…").split())
