"""Files of a workspace: their names, what a name says, and their bytes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NewType

from bot.errors import UnsafeFileName

FileName = NewType("FileName", str)
OUTPUT = "output/"  # where a file holds all that a run printed, if that is long


# Characters that no name has: controls, line separators, those that turn the direction of text, and what is not text.
UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
DEEPEST = 32


def file_name(raw: str) -> FileName:
    """Return `raw` as a path that stays inside a workspace, or raise UnsafeFileName; uploads and runs keep the same names."""
    path = PurePosixPath(raw)
    if not path.name or path.is_absolute() or ".." in path.parts or UNUSABLE.search(raw):
        raise UnsafeFileName(f"{raw!r} is not a file name I can use.")
    if len(path.parts) > DEEPEST or len(raw.encode()) > 1_000 or any(len(part.encode()) > 255 for part in path.parts):
        raise UnsafeFileName(f"{raw!r} is too long or too deep a name.")
    return FileName(str(path))


def is_hidden(name: str) -> bool:
    """Whether a file or a folder that it is in begins with a dot: it is kept, and not uploaded."""
    return name.startswith(".") or "/." in name


def workspace_name(name: str) -> FileName:
    """Return a file's name as the workspace has it: models like to write ./plot.png or sandbox:/mnt/data/plot.png."""
    return FileName(re.sub(r"^(\./|(sandbox:)?/mnt/data/)+", "", name.strip()))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """A file of a workspace; `size` in bytes."""

    name: FileName
    size: int


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield a file's lines without their ends; of a line over 1 MB the middle is left out."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
        if len(rest) > 1_000_000:
            rest = rest[:1_000_000]
    if rest:
        yield rest.decode(errors="replace").rstrip("\r")


async def chunked(data: bytes) -> AsyncIterator[bytes]:
    """Yield bytes as a file of one chunk."""
    yield data
