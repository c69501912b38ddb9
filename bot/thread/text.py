"""Text for a prompt or a reply: cut to a number of tokens, fenced as data, searched for code blocks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files

BYTES_PER_TOKEN = 3  # a low estimate for code and most languages, so that a bound holds


def bounded(text: str, tokens: int) -> str:
    """Return `text` if it has at most about `tokens` tokens, else its head and tail with a note of what is left out."""
    room = tokens * BYTES_PER_TOKEN
    data = text.encode(errors="replace")
    if len(data) <= room:
        return text
    head, tail = data[: room * 2 // 3].decode(errors="ignore"), data[-room // 3 :].decode(errors="ignore")
    return f"{head}\n[… {len(data) - room:,} bytes left out …]\n{tail}"


def quoted(names: Sequence[str], most: int = 20) -> str:
    """Return names as code, and how many are left out beyond the `most` that are listed."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(f"`{' '.join(name.replace('`', '´').split())}`" for name in names[:most]) + more


def counted(number: int, what: str) -> str:
    """Return a number with the word for what is counted, in the plural if it is one."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def fenced(text: str) -> str:
    """Return `text` in a fence that nothing inside it can close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


# A code block. A fence at the start of a line is closed by the same fence at the start of a line; the rest of its first line
# is the info string. Slack also takes ```code``` within a line as a block: `tight`.
_BLOCK = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$|(?P<tight>`{3,})(?P<text>.*?)(?P=tight)", re.M | re.S
)
# An info string: a language, a file's name, or both ("python tool.py").
_INFO = re.compile(r"(?P<language>[A-Za-z][\w+#-]*)?[ \t]*(?P<name>[\w./-]+\.[A-Za-z]\w*)?[ \t]*")
_LANGUAGES = (
    "|py|python|python3|pycon|json|csv|tsv|sql|bash|sh|shell|console|text|txt|plain|yaml|yml|toml|ini|xml|html|css|js|"
    "|javascript|ts|typescript|java|go|rust|c|cpp|r|md|markdown|log|diff|"
)
_LISTS = {
    language: frozenset(phrase.strip() for phrase in phrases.split(","))
    for line in files(__package__).joinpath("stop.txt").read_text(encoding="utf-8").splitlines()
    for language, colon, phrases in [line.partition(":")]
    if colon and not line.startswith("#")
}
_POLITE = _LISTS.pop("polite")
_STOP = frozenset[str]().union(*_LISTS.values())
_RUN = re.compile(
    r"((can|could|would|will) you )?(please )?"
    r"((run|execute|exec|try)( (this|it|that|the|my|following|python|code|script|snippet))*)?( (for me|please|thanks))*"
)
PERSON = re.compile("\ue000([UW][A-Z0-9]+)\ue001")  # somebody mentioned, whose name is not known yet
# The name of a text file in prose; not a part of a path, an address or a call (os.path, x.org/a.py, a.py()).
_NAME = re.compile(
    r"(?<![\w/.:@-])(\w[\w.-]{0,80}\.(?:py|txt|csv|tsv|json|jsonl|yaml|yml|toml|ini|cfg|env|sh|sql|md|html|css|js|ts|xml|log"
    r"|ipynb|r|go|rs|c|h|cpp|java|rb))\b(?![/@(.\w-])",
    re.I,
)


def code_blocks(text: str) -> list[str]:
    """Return the bodies of the fenced code blocks, in order, byte for byte."""
    return [_info_and_body(match)[1] for match in _BLOCK.finditer(text)]


def code_to_run(text: str) -> str | None:
    """Return the body when `text` is one Python code block, alone or with words that only say to run it."""
    matches = list(_BLOCK.finditer(text))
    if len(matches) != 1 or not _RUN.fullmatch(_said(_BLOCK.sub(" ", text))):
        return None
    info, body = _info_and_body(matches[0])
    return body if info.lower() in {"", "py", "python", "python3"} and body.strip() else None


def named(text: str, names: Mapping[str, str]) -> str:
    """Return the text with the people it mentions by name, or by id where the name is not known."""
    return PERSON.sub(lambda m: f"@{names.get(m[1]) or m[1]}", text)


def means_stop(text: str) -> bool:
    """Whether the whole text says to stop, however politely; “stop words” does not."""
    return " ".join(word for word in _said(text).split() if word not in _POLITE) in _STOP


def typed_words(text: str) -> list[str]:
    """Return the words of a command as a shell splits them; the quotes and dashes that phones make are what was meant.

    Raises ValueError when a quote is not closed.
    """
    text = re.sub(r"(?<!\S)[“”„«]([^“”„«»]*)[“”»](?!\S)", lambda m: shlex.quote(m[1]), text)
    text = re.sub(r"(?<!\S)[‘’‚]([^‘’‚]*)[‘’](?!\S)", lambda m: shlex.quote(m[1]), text)
    text = re.sub(r"(?<!\S)[—–](?=\w{2}|(?<=—)\w)", "--", text)
    return shlex.split(re.sub(r"(?<!\S)[–−](?=\w)", "-", text))


def _said(text: str) -> str:
    """Return the words of a text in lower case, without punctuation, emoji and mentions."""
    spoken = re.sub(r":[a-z0-9_+-]+:|[^\w\s']|_", " ", PERSON.sub(" ", text).lower().replace("’", "'"))
    return " ".join(spoken.split())


def given_file(text: str) -> tuple[str, str] | None:
    """Return the name and body of the one file that the text gives by name and code block, if it gives just one."""
    blocks = [_info_and_body(match) for match in _BLOCK.finditer(text)]
    if len(blocks) != 1:
        return None
    info, body = blocks[0]
    names = _NAME.findall(info) or sorted(set(_NAME.findall(_BLOCK.sub(" ", text))))
    return (names[0], body) if len(names) == 1 else None


def _info_and_body(match: re.Match[str]) -> tuple[str, str]:
    """Return a block's info string and its body; the rest of the first line is code unless it reads as an info string."""
    if match["tight"]:
        first, newline, rest = match["text"].partition("\n")
    else:
        first, newline, rest = match["info"], "\n", match["body"]
    info = _INFO.fullmatch(first.strip())
    known = info is not None and (f"|{info['language'] or ''}|".lower() in _LANGUAGES or info["name"] is not None)
    if newline and (not first.strip() or known):
        return first.strip(), rest
    return "", first + newline + rest
