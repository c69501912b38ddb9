"""Masks what varies in a message: the first half of finding templates, before the tree of `templates`."""

from __future__ import annotations

import re

WILD = "<*>"
METHODS = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"
_HEX = r"[0-9A-Fa-f]"
# One pass in which the first alternative that matches wins; a match of `keep` stays as it is.
VARIABLE = re.compile(
    rf"""
    (?P<keep> (?:\b(?:{METHODS})\ \S+(?:\ HTTP/[\d.]+)?"?\ [1-5]\d\d\b)        # a request with its status
      | \b(?:status|status_code|code|http_status)["']?\s?[=:]\s?"?[1-5]\d\d\b ) # a status by name
    | (?P<date> \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ +\d{{1,2}}\ \d\d:\d\d(?::\d\d)?(?:\ [A-Z]{{3,4}})?(?:\ \d{{4}})?\b
      | \b\d{{4}}[-/]\d\d[-/]\d\d(?:[T\ _]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b )
    | (?P<url> \b[a-z][a-z0-9+.-]{{1,15}}://[^\s"'<>,;)\]]+ )
    | (?P<mail> [\w.+-]+@[\w-]+(?:\.[\w-]+)+ )
    | (?P<uuid> \b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b )
    | (?P<ip> (?<![\w.])/?\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d+)?(?:/\d+)?(?![\w.]*\d) )
    | (?P<host> (?<![\w.-])(?!(?:com|org|net|java|javax)\.)(?:(?:[\w-]+\.)+(?:com|net|org|edu|gov|mil|info|biz|local|lan|internal)|(?:[\w-]+\.){{2,}}[a-z]{{2}})(?::\d+)?(?![\w.:$(]) )
    | (?P<mac> \b{_HEX}{{2}}(?::{_HEX}{{2}}){{5,}}\b )
    | (?P<path> (?<![\w.:=]) (?:/[\w.@%+~$:-]+){{2,}}/? | (?<==)(?:/[\w.@%+~$:-]+){{1,}}/? )
    | (?P<hex> \b0[xX]{_HEX}+\b | \b(?=[A-Fa-f]*\d)(?=\d*[A-Fa-f]){_HEX}{{6,}}\b )
    | (?P<number> (?<![A-Za-z_.$]) [+-]? \d [\d,]* (?:[.:]\d+)* (?:[eE][+-]?\d+)? (?: (?<=\d)(?:(?:ms|us|µs|ns|s|sec|secs|min|m|h|[kKMGT]i?[bB]?|B)\b|%|\ (?:[kKMGT]i?B|B|bytes)\b) )? )
    | (?P<joined> (?<=[A-Za-z_.$]) \d+ | (?<=_)-\d+ )
    """,
    re.X,
)


def masked(message: str) -> str:
    """Return the message with each number, address, identifier and path as <*>."""
    return VARIABLE.sub(_mask, message)


def _mask(match: re.Match[str]) -> str:
    if match.lastgroup != "keep":
        return WILD
    method, _, rest = match["keep"].partition(" ")
    path, _, status = rest.partition(" ")
    # A request's path is without its query, and with each segment that holds a digit masked, but for v1, v2 and so on.
    segments = path.split("?", 1)[0].split("/")
    path = "/".join(WILD if any(map(str.isdigit, s)) and not re.fullmatch(r"v\d+", s) else s for s in segments)
    return f"{method} {path} {status}" if rest else match["keep"]
