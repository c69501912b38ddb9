"""Text on its way into a prompt or a reply: bounded in tokens, fenced as data, taken apart into code blocks."""

from __future__ import annotations

import re

BYTES_PER_TOKEN = 3  # a low estimate for code and most languages, so that a bound holds


def bounded(text: str, tokens: int) -> str:
    """Return `text`, or its head and tail with a note of what is left out, in about `tokens` tokens."""
    room = tokens * BYTES_PER_TOKEN
    data = text.encode(errors="replace")
    if len(data) <= room:
        return text
    head, tail = data[: room * 2 // 3].decode(errors="ignore"), data[-room // 3 :].decode(errors="ignore")
    return f"{head}\n[… {len(data) - room:,} bytes left out …]\n{tail}"


def fenced(text: str) -> str:
    """Return `text` in a fence that nothing inside it can close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


# A fence that opens a line of its own closes only at the start of a line; Slack also lets ```code``` stand within one.
_BLOCK = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$|(?P<tight>`{3,})(?P<text>.*?)(?P=tight)",
    re.M | re.S,
)
_INFO = re.compile(r"(?P<language>[A-Za-z][\w+#-]*)?[ \t]*(?P<name>[\w./-]+\.[A-Za-z]\w*)?[ \t]*")
_LANGUAGES = (
    "|py|python|python3|pycon|json|csv|tsv|sql|bash|sh|shell|console|text|txt|plain|yaml|yml|toml|ini|xml|html|css|js|"
    "|javascript|ts|typescript|java|go|rust|c|cpp|r|md|markdown|log|diff|"
)
_NAME = re.compile(
    r"(?<![\w/.:@-])(\w[\w.-]{0,80}\.(?:py|txt|csv|tsv|json|jsonl|yaml|yml|toml|ini|cfg|env|sh|sql|md|html|css|js|ts|xml|log"
    r"|ipynb|r|go|rs|c|h|cpp|java|rb))\b(?![/@(.\w-])",
    re.I,
)


def code_blocks(text: str) -> list[str]:
    """Return the bodies of the fenced code blocks, in order, byte for byte."""
    return [_taken_apart(match)[1] for match in _BLOCK.finditer(text)]


def lone_python(text: str) -> str | None:
    """Return the body when `text` is one Python code block and nothing else."""
    match = _BLOCK.match(text.strip())
    if match is None or match.group() != text.strip():
        return None
    info, body = _taken_apart(match)
    return body if info.lower() in {"", "py", "python", "python3"} and body.strip() else None


def given_file(text: str) -> tuple[str, str] | None:
    """Return the name and body of the one file that the text gives by name and code block, if it gives just one."""
    blocks = [_taken_apart(match) for match in _BLOCK.finditer(text)]
    if len(blocks) != 1:
        return None
    info, body = blocks[0]
    names = _NAME.findall(info) or sorted(set(_NAME.findall(_BLOCK.sub(" ", text))))
    return (names[0], body) if len(names) == 1 else None


def _taken_apart(match: re.Match[str]) -> tuple[str, str]:
    """Return a block's info string and its body; what follows the opening fence is code unless it looks like an info."""
    if match["tight"]:
        first, newline, rest = match["text"].partition("\n")
    else:
        first, newline, rest = match["info"], "\n", match["body"]
    info = _INFO.fullmatch(first.strip())
    named = info is not None and (f"|{info['language'] or ''}|".lower() in _LANGUAGES or info["name"] is not None)
    if newline and (not first.strip() or (named and info is not None)):
        return first.strip(), rest
    return "", first + newline + rest
