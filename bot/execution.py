"""Files of a workspace and what a run in it came to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NewType

from bot.errors import UnsafeFileName

FileName = NewType("FileName", str)


def file_name(raw: str) -> FileName:
    """Return `raw` as a path that stays inside a workspace, or raise UnsafeFileName."""
    path = PurePosixPath(raw)
    plain = raw.isprintable() and not raw.startswith("-") and len(raw.encode(errors="replace")) <= 255
    if not (plain and path.name) or path.is_absolute() or ".." in path.parts:
        raise UnsafeFileName(f"{raw!r} is not a file name I can use.")
    if path.parts[0].startswith(".") or len(path.parts) > 8:
        raise UnsafeFileName(f"{raw!r} is hidden or too deep; give a plain file name.")
    return FileName(str(path))


_LOG = re.compile(
    r"(?:\.log|\.jsonl|\.ndjson|\.syslog|^syslog|^messages)(?:[.-][\d.T-]+)?(?:\.(?:gz|bz2|xz|zst|zip))?$"
    r"|\blogs?\b.*\.(?:txt|zip)$",
    re.I,
)


def is_log(name: str) -> bool:
    """Whether a file's name says that it is a log."""
    return _LOG.search(name.rsplit("/", 1)[-1]) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """A file of a workspace; `size` in bytes."""

    name: FileName
    size: int


class Outcome(StrEnum):
    """How a run ended: known, never guessed from an exit code."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    OUTPUT_LIMIT = "output limit"
    DISK_FULL = "disk full"
    KILLED = "killed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One finished run. A failing program is a result, never an exception.

    `duration` in seconds, `peak_memory` in bytes; `stdout` and `stderr` are decoded with errors replaced and bounded by
    the sandbox's limit. `files` are those that the run made or changed, `deleted` those it removed. `run` names the staged
    changes until they are committed. `message` says in what a limit did, "" when nothing did.
    """

    outcome: Outcome
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    duration: float = 0.0
    peak_memory: int = 0
    files: tuple[FileInfo, ...] = ()
    deleted: tuple[FileName, ...] = ()
    tier: str = ""
    run: str = ""
    message: str = ""


async def chunked(data: bytes) -> AsyncIterator[bytes]:
    """Yield bytes that are at hand as the one chunk of a file."""
    yield data
