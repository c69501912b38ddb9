"""Fixes a few common mistakes of a script, recognized by its traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence


def mended(source: str, error: str, headers: Sequence[str]) -> str | None:
    """Return the script without the mistake that the error names, or None; `headers` are first lines of tables."""
    last = error.strip().splitlines()[-1] if error.strip() else ""
    if name := re.search(r"(?:NameError|AttributeError): .*'(\w+)'.*Did you mean:? '\.?(\w+)'", last):
        return re.sub(rf"\b{name[1]}\b", name[2], source)
    if key := re.search(r"KeyError: ['\"](.+?)['\"]", last):
        columns = [column.strip(" \"'\r\n") for header in headers for column in re.split(r"[,;\t]", header)]
        if close := difflib.get_close_matches(key[1], columns, 1, 0.5):
            return re.sub(rf"(['\"]){re.escape(key[1])}\1", lambda quoted: f"{quoted[1]}{close[0]}{quoted[1]}", source)
    number = re.findall(r"line (\d+)", error)
    missing = {"expected ':'": ":", "'(' was never closed": ")"}
    if number and (added := next((sign for message, sign in missing.items() if message in last), "")):
        lines = source.split("\n")
        lines[int(number[-1]) - 1] += added
        return "\n".join(lines)
    return None
