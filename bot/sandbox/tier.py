"""What all tiers share: a run to start, the interpreter and the libraries it has, its environment, and whom it runs as."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.limits import Limits

INSIDE = Path(__file__).parent / "inside"
PACKAGE = Path(__file__).parent.parent
STAGE = "/mnt"  # where a root bot shows folders to the scripts' user
UID = 61_184  # whom a root bot runs scripts as: no user has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where the libraries of scripts are, None until they are built, and matplotlib's font list with them."""

    site: Path | None = None
    fonts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One script to run, None for the log toolkit, on its thread's files."""

    files: Path
    script: str | None
    args: tuple[str, ...]

    def path(self, inside: str, files: str) -> str:
        """What is executed, with the folders as the process sees them."""
        return f"{inside}/use_logs.py" if self.script is None else f"{files}/{self.script}"


class Shown:
    """Folders as the process sees them that uses them: the user whom a root bot runs scripts as is shown each on a stage."""

    def __init__(self, wanted: Callable[[Path], bool]) -> None:
        self._wanted = wanted
        self._shown: list[str] = []

    def __call__(self, path: Path | str) -> str:
        """Where it sees this path."""
        if not self._wanted(Path(path)):
            return str(path)
        if str(path) not in self._shown:
            self._shown.append(str(path))
        return f"{STAGE}/{self._shown.index(str(path))}"

    def command(self, words: Sequence[str]) -> list[str]:
        """The argument list that sets the stage, becomes that user and executes `words`."""
        plan = json.dumps({"shown": self._shown, "uid": UID, "command": list(words)})
        return [sys.executable, "-I", "-S", str(INSIDE / "switch_user.py"), plan]


def interpreter() -> tuple[str, str]:
    """The Python that scripts run on, and its prefix: the one under our own environment."""
    return os.path.realpath(sys.executable), os.path.realpath(sys.base_prefix)


def environment(limits: Limits) -> dict[str, str]:
    """The environment of a script."""
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
