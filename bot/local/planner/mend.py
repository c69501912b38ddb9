"""Fixes a few common mistakes of a script, recognized by its traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence


def mended(source: str, error: str, headers: Sequence[str]) -> str | None:
    """Return the script without the mistake that the error names, or None; `headers` are first lines of tables."""
    last = error.strip().splitlines()[-1] if error.strip() else ""
    if match := re.search(r"(?:NameError|AttributeError): .*?'(\w+)'.*?Did you mean:? '(\w+)'", last):
        wrong = re.findall(r"'(\w+)'", last)[-2]
        return re.sub(rf"\b{re.escape(wrong)}\b", match[2], source)
    if match := re.search(r"KeyError: ['\"](.+?)['\"]", last):
        columns = [c.strip(" \"'\r\n") for header in headers for c in re.split(r"[,;\t]", header)]
        close = difflib.get_close_matches(match[1], columns, 1, 0.5) or [
            c for c in columns if c.lower().strip() == match[1].lower().strip()
        ]
        if close:
            return re.sub(rf"(['\"]){re.escape(match[1])}\1", lambda m: f"{m[1]}{close[0]}{m[1]}", source)
    if line := re.findall(r"line (\d+)", error):
        return _syntax(source, last, int(line[-1]))
    return None


def _syntax(source: str, last: str, number: int) -> str | None:
    lines = source.split("\n")
    if not 1 <= number <= len(lines):
        return None
    if "expected ':'" in last:
        lines[number - 1] = lines[number - 1].rstrip() + ":"
    elif "'(' was never closed" in last:
        lines[number - 1] = lines[number - 1].rstrip() + ")"
    elif "Missing parentheses in call to 'print'" in last:
        lines[number - 1] = re.sub(r"\bprint\s+(.+)$", r"print(\1)", lines[number - 1])
    else:
        return None
    return "\n".join(lines)
