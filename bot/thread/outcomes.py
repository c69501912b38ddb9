"""How a run in a workspace ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.thread.files import FileInfo, FileName


class Outcome(StrEnum):
    """How a run ended, as the sandbox observed it; never guessed from an exit code."""

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
    the sandbox's limit. `files` are those that the run made or changed, `deleted` those it removed, `left_out` what it made that
    cannot be kept, each with the reason. `run` names the staged changes until they are committed. `message` explains in words how
    a limit ended the run, and is "" when none did.
    """

    outcome: Outcome
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    duration: float = 0.0
    peak_memory: int = 0
    files: tuple[FileInfo, ...] = ()
    deleted: tuple[FileName, ...] = ()
    left_out: tuple[str, ...] = ()
    tier: str = ""
    run: str = ""
    message: str = ""
