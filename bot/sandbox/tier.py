"""What a tier is, and what all tiers share: the script, its interpreter, libraries and environment, and the user it runs as."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.sandbox.diff import Diff
from bot.sandbox.inside.plan import ForkedRun, LandlockRun
from bot.sandbox.limits import Limits
from bot.sandbox.watchdog import Disk
from bot.sandbox.workspace import Workspace

INSIDE = Path(__file__).parent / "inside"
PACKAGE = Path(__file__).parent.parent
MOUNTS = "/mnt"  # where switch_user.py mounts what a root bot's scripts could not reach
UID = 61_184  # whom a root bot runs scripts as: no user has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The folder with the libraries of scripts, None until they are built, and matplotlib's font lists."""

    site: Path | None = None
    fonts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script of a workspace, or the log toolkit when `name` is None, with its arguments."""

    name: str | None
    args: tuple[str, ...]

    def path(self, inside: str, files: str) -> str:
        """Return what is executed, given where the process finds the folder `inside` and the thread's files."""
        return f"{inside}/use_logs.py" if self.name is None else f"{files}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRun:
    """A run that a tier has prepared on a thread's files.

    `plan` is for a fork of the tier's server; `command` returns the argument list that starts an interpreter for this run alone,
    given its status descriptor; `disk` measures its new files where it has no overlay; `stage`, when it has ended, stages what
    it changed, given the open upper layer of its overlay, if it has one.
    """

    plan: ForkedRun | LandlockRun
    command: Callable[[int], list[str]]
    stage: Callable[[int | None], Awaitable[Diff]]
    disk: Disk | None = None


class Tier(Protocol):
    """One way to close scripts off from everything else.

    `name` is its name as a setting and in the Execution of a forked run, `cold_name` in that of a run for which an interpreter
    was started. `advice` says what to do where it does not work. Its runs are forked from a server if it `forks`; in a
    `pid_namespace` scripts can name no process outside their sandbox.
    """

    name: str
    cold_name: str
    advice: str
    forks: bool
    pid_namespace: bool

    def start(self, threads: Path) -> AbstractContextManager[None]:
        """Provide what all runs share, given the folder of all workspaces; raises ServiceError where something is missing."""

    def prepare(
        self, workspace: Workspace, run: str, script: Script, runtime: Runtime
    ) -> AbstractAsyncContextManager[PreparedRun]:
        """Prepare a run, named `run`, for as long as the context is open; raises OSError."""

    def server_command(self, runtime: Runtime, modules: Sequence[str], control: int) -> list[str]:
        """Return the argument list of a fork server that imports `modules`, given the number of its control socket."""


class BindMounts:
    """The paths that a root bot bind-mounts for the scripts' user, who could not reach them where they are."""

    def __init__(self, hidden: Callable[[Path], bool]) -> None:
        self._hidden = hidden
        self._sources: list[str] = []

    def __call__(self, path: Path | str) -> str:
        """Return where the scripts' user finds a path, and mount it there when it is hidden from that user."""
        if not self._hidden(Path(path)):
            return str(path)
        if str(path) not in self._sources:
            self._sources.append(str(path))
        return f"{MOUNTS}/{self._sources.index(str(path))}"

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the argument list that makes the mounts, becomes the scripts' user and executes `words`."""
        return [sys.executable, "-I", "-S", str(INSIDE / "switch_user.py"), str(UID), *self._sources, "--", *words]


def interpreter() -> tuple[str, str]:
    """Return the Python that scripts run on, and its prefix: the one below our own virtual environment."""
    return os.path.realpath(sys.executable), os.path.realpath(sys.base_prefix)


def environment(limits: Limits) -> dict[str, str]:
    """Return the environment of a script."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/mpl",
        "POLARS_MAX_THREADS": "2",
        "POLARS_OVERRIDE_TOTAL_MEMORY_MB": str(limits.memory // 1_000_000),
        "POLARS_TEMP_DIR": "/tmp",
        "POLARS_OOC_SPILL_DIR": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # what was printed before a limit ended the run is not lost
        "PYTHONSAFEPATH": "1",
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
