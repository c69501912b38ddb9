"""Control groups, where this process may make them: the kernel then holds a run's memory and processes itself.

Both versions serve: in the first each controller has a tree of its own, in the second there is one tree, in which a group that
has groups below it holds no process (https://docs.kernel.org/admin-guide/cgroup-v2.html): the bot then moves into a leaf.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bot.sandbox.limits import Limits
from bot.sandbox.watchdog import tree

log = logging.getLogger(__name__)
LEAF, PREFIX = "workings", "workings-run-"
CONTROLLERS = ("memory", "pids")
MOUNTS, OWN = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
SYSTEMD = Path("/run/systemd/system")
# Enters every group given before the first "--", and becomes the command after it.
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done 2> /dev/null; shift; exec "$@"'


class Group:
    """The group of one run, a folder in each tree; without any, the watchdog alone holds the run."""

    def __init__(self, folders: tuple[Path, ...], left: list[Path]) -> None:
        self._folders = folders
        self._left = left
        self._was_exhausted = False

    def enter(self, root: int) -> None:
        """Put a process in, its children, and with them all that they will start. Blocks for milliseconds, as the kernel does."""
        try:
            for folder in self._folders:
                (folder / "cgroup.procs").write_text(str(root))
                for pid in tree(root)[1:]:  # what was forked before; what is forked from now on is in already
                    (folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            log.warning("a run is held by the watchdog alone: %s", error)

    def command(self, words: Sequence[str]) -> list[str]:
        """The argument list that runs `words` inside from its first moment."""
        return ["/bin/sh", "-c", ENTER, "sh", *map(str, self._folders), "--", *words] if self._folders else list(words)

    def exhausted(self) -> bool:
        """Whether the kernel has ended a process of it for want of memory."""
        for folder in self._folders:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    if re.search(r"^oom_kill [1-9]", (folder / name).read_text(), re.M):
                        return True
        return self._was_exhausted

    def release(self) -> None:
        """Give it back: the run is over."""
        self._was_exhausted = self.exhausted()
        self._left += self._folders
        self._folders = ()


class Groups:
    """Folders below which groups can be made, with the limits of a run."""

    def __init__(self, limits: Limits, places: Sequence[Path] = ()) -> None:
        self.places = tuple(places)
        self._values = {
            "memory.max": limits.memory,
            "memory.swap.max": 0,
            "memory.oom.group": 1,
            "memory.limit_in_bytes": limits.memory,
            "memory.memsw.limit_in_bytes": limits.memory,
            "pids.max": limits.processes + 4,
        }
        self._left: list[Path] = []

    def make(self) -> Group:
        """A group for a run; where it cannot be made, one that holds nothing."""
        self._remove()
        folders = tuple(place / f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex}" for place in self.places)
        try:
            for folder in folders:
                folder.mkdir()
                for setting, value in self._values.items():
                    if (folder / setting).exists():
                        (folder / setting).write_text(str(value))
        except OSError as error:
            log.warning("a run is held by the watchdog alone: %s", error)
            self._left += folders
            folders = ()
        return Group(folders, self._left)

    def _remove(self) -> None:
        """Remove the groups that were given back; the last process of a run may still be on its way out."""
        for folder in self._left.copy():
            with suppress(OSError):
                if folder.exists():
                    folder.rmdir()
                self._left.remove(folder)

    async def close(self) -> None:
        """Remove them all."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                while self._left:
                    self._remove()
                    await asyncio.sleep(0.001)
        for folder in self._left:
            log.warning("%s could not be removed", folder)


def find(limits: Limits) -> Groups:
    """Where this process may make groups; in version 2 it moves into a leaf of its own, with what started it."""
    first, second = _trees()
    places = {folder for folder in first.values() if _writable(folder)}
    wanted = [c for c in CONTROLLERS if c not in first]
    if second and wanted and (divided := _divided(second, wanted)):
        places.add(divided)
    for place in places:
        for left in place.glob(f"{PREFIX}*"):
            if not Path(f"/proc/{left.name.removeprefix(PREFIX).split('-')[0]}").exists():
                with suppress(OSError):
                    left.rmdir()
    return Groups(limits, sorted(places))


def _trees() -> tuple[dict[str, Path], Path | None]:
    """This process's group in each tree of version 1, by controller, and in the one of version 2."""
    ours: dict[str, str] = {}
    first: dict[str, Path] = {}
    second: Path | None = None
    try:
        for line in OWN.read_text().splitlines():
            _, names, path = line.split(":", 2)
            ours |= dict.fromkeys(names.split(","), path)
        for line in MOUNTS.read_text().splitlines():
            before, after = line.split(" - ", 1)
            root, mounted = before.split()[3:5]
            kind, _, options = after.split(" ", 2)
            if kind == "cgroup2" and "" in ours:
                second = _below(mounted, root, ours[""])
            elif kind == "cgroup":
                for controller in set(CONTROLLERS) & set(options.split(",")) & ours.keys():
                    first[controller] = _below(mounted, root, ours[controller])
    except (OSError, ValueError) as error:
        log.debug("control groups cannot be read: %s", error)
    return first, second


def _below(mounted: str, root: str, path: str) -> Path:
    inner = os.path.relpath(path, root)
    return Path(mounted) if inner.startswith("..") else Path(os.path.normpath(f"{mounted}/{inner}"))


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def _divided(folder: Path, wanted: Sequence[str]) -> Path | None:
    """The folder whose groups have those of the controllers that can be given, None when none can."""
    if folder.name == LEAF:  # we moved already
        folder = folder.parent
    try:
        given = set(wanted) & set((folder / "cgroup.controllers").read_text().split())
        control = folder / "cgroup.subtree_control"
        if not given or not _writable(folder):
            return None
        if given - set(control.read_text().split()):
            if (folder / "cgroup.type").exists():  # not the top of the tree, where processes may stay
                if not _ours(folder):
                    return None
                (folder / LEAF).mkdir(exist_ok=True)
                for pid in (folder / "cgroup.procs").read_text().split():
                    (folder / LEAF / "cgroup.procs").write_text(pid)
            control.write_text(" ".join(f"+{c}" for c in sorted(given)))
    except OSError as error:
        log.info("control groups cannot be made: %s", error)
        return None
    return folder


def _ours(folder: Path) -> bool:
    """Whether a group is for us to divide: nobody is in it but this process and what started it, and systemd gave it away."""
    if SYSTEMD.exists() and not {"user.delegate", "trusted.delegate"} & set(os.listxattr(folder)):
        return False
    line = {os.getpid()}
    pid = os.getpid()
    while pid > 1 and (found := re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)):
        pid = int(found[1])
        line.add(pid)
    return {int(p) for p in (folder / "cgroup.procs").read_text().split()} <= line
