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
FIGURES = "workings_figures.py"  # the backend by which matplotlib shows figures
TOOLKITS = ("logs", "tables")  # packages of ours that scripts import
MOUNTS = "/mnt"  # where a root bot mounts, by switch_user.py, the paths that its scripts' user cannot reach
UID = 61_184  # the uid that a root bot runs scripts as, which no user has


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What scripts may import: the folder of their libraries, None until they are built, and matplotlib's font lists."""

    site: Path | None = None
    fonts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script of a workspace, or a toolkit when `name` is None: its name and arguments are then `args`."""

    name: str | None
    args: tuple[str, ...]

    def path(self, inside: str, files: str) -> str:
        """Return the path to execute, given where the process finds the folder `inside` and the thread's files."""
        return f"{inside}/use_toolkit.py" if self.name is None else f"{files}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRun:
    """A run that a tier has prepared on a thread's files.

    `command`, given the run's status descriptor, returns the argument list that starts an interpreter for this run alone.
    `stage` is called after the run with the open upper layer of its overlay, or None without an overlay.
    """

    plan: ForkedRun | LandlockRun  # for a fork of the tier's server
    command: Callable[[int], list[str]]
    stage: Callable[[int | None], Awaitable[Diff]]
    disk: Disk | None = None  # measures the new files of a run without an overlay


class Tier(Protocol):
    """One way to seal scripts off from everything else."""

    name: str  # as a setting, and in the Execution of a forked run
    cold_name: str  # in the Execution of a run for which an interpreter was started
    advice: str  # what to do where it does not work
    forks: bool  # whether its runs are forked from a server
    pid_namespace: bool  # whether scripts can name no process outside their sandbox

    def start(self, threads: Path) -> AbstractContextManager[None]:
        """Provide what all runs share, given the folder of all workspaces; raises ServiceError where something is missing."""

    def prepare(
        self, workspace: Workspace, run: str, script: Script, runtime: Runtime, disk: int
    ) -> AbstractAsyncContextManager[PreparedRun]:
        """Prepare a run, named `run`, of up to `disk` bytes of new files, for as long as the context is open; raises OSError."""

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
    """Return the Python that scripts run on, and its prefix: the one that our virtual environment was made from."""
    return os.path.realpath(sys.executable), os.path.realpath(sys.base_prefix)


def environment(limits: Limits) -> dict[str, str]:
    """Return the environment of a script."""
    return {
        "PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "USER": "sandbox", "MPLCONFIGDIR": "/tmp/mpl",
        "MPLBACKEND": f"module://{FIGURES.removesuffix('.py')}", "POLARS_MAX_THREADS": "2", "POLARS_TEMP_DIR": "/tmp",
        "POLARS_OOC_SPILL_DIR": "/tmp", "POLARS_OVERRIDE_TOTAL_MEMORY_MB": str(limits.memory // 1_000_000),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",  # what was printed before a limit ended the run is not lost
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }  # fmt: skip
