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


def file_name(raw: str) -> FileName:
    """Return `raw` as a path that stays inside a workspace, or raise UnsafeFileName."""
    path = PurePosixPath(raw)
    usable = raw.isprintable() and not raw.startswith("-") and len(raw.encode(errors="replace")) <= 255
    if not (usable and path.name) or path.is_absolute() or ".." in path.parts:
        raise UnsafeFileName(f"{raw!r} is not a file name I can use.")
    if path.parts[0].startswith(".") or len(path.parts) > 8:
        raise UnsafeFileName(f"{raw!r} is hidden or too deep; give a plain file name.")
    return FileName(str(path))


def workspace_name(name: str) -> FileName:
    """Return a file's name as the workspace has it: models like to write ./plot.png or /mnt/data/plot.png."""
    return FileName(re.sub(r"^(\./|/mnt/data/)+", "", name.strip()))


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
