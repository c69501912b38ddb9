"""Makes a control group for each run where this process may, so that the kernel limits the run's memory and processes.

In version 1 of control groups each controller has a tree of its own. In version 2 there is one tree, in which a group with child
groups may hold no process (https://docs.kernel.org/admin-guide/cgroup-v2.html): the bot then moves into a leaf of its own.
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
# A shell script that enters every group given before the first "--", and executes the command after it.
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done 2> /dev/null; shift; exec "$@"'


class Group:
    """The group of one run: a folder in each tree, none where only the watchdog limits the run."""

    def __init__(self, folders: tuple[Path, ...], released: list[Path]) -> None:
        self._folders = folders
        self._released = released
        self._was_exhausted = False

    def enter(self, root: int) -> None:
        """Move a process and its descendants in; processes they start later belong to it too. Blocks for milliseconds."""
        try:
            for folder in self._folders:
                (folder / "cgroup.procs").write_text(str(root))
                for pid in tree(root)[1:]:  # those forked before; later ones inherit the group
                    (folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            log.warning("a run is held by the watchdog alone: %s", error)

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the argument list that enters the group and then executes `words`."""
        return ["/bin/sh", "-c", ENTER, "sh", *map(str, self._folders), "--", *words] if self._folders else list(words)

    def exhausted(self) -> bool:
        """Return whether the kernel has killed a process of the group because memory ran out."""
        for folder in self._folders:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    if re.search(r"^oom_kill [1-9]", (folder / name).read_text(), re.M):
                        return True
        return self._was_exhausted

    def release(self) -> None:
        """Hand the folders over for removal, after the run."""
        self._was_exhausted = self.exhausted()
        self._released += self._folders
        self._folders = ()


class Groups:
    """Makes groups with the limits of a run below `places`, a folder in each tree."""

    def __init__(self, limits: Limits, places: Sequence[Path] = ()) -> None:
        self.places = tuple(places)
        self._values = {
            "memory.max": limits.memory, "memory.swap.max": 0, "memory.oom.group": 1, "memory.limit_in_bytes": limits.memory,
            "memory.memsw.limit_in_bytes": limits.memory, "pids.max": limits.processes + 4,
        }  # fmt: skip
        self._released: list[Path] = []

    def make(self) -> Group:
        """Return a new group for a run, one without folders where that is impossible."""
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
            self._released += folders
            folders = ()
        return Group(folders, self._released)

    def _remove(self) -> None:
        """Remove the released groups; one whose last process is still ending stays for the next time."""
        for folder in self._released.copy():
            with suppress(OSError):
                if folder.exists():
                    folder.rmdir()
                self._released.remove(folder)

    async def close(self) -> None:
        """Remove all groups."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                while self._released:
                    self._remove()
                    await asyncio.sleep(0.001)
        for folder in self._released:
            log.warning("%s could not be removed", folder)


def find(limits: Limits) -> Groups:
    """Return the groups that this process may make; in version 2 it moves into a leaf, together with its ancestors.

    Removes the groups that dead processes have left.
    """
    first, second = own_groups()
    places = {folder for folder in first.values() if _writable(folder)}
    wanted = [c for c in CONTROLLERS if c not in first]
    if second and wanted and (divided := divide(second, wanted)):
        places.add(divided)
    for place in places:
        for old in place.glob(f"{PREFIX}*"):
            if not Path(f"/proc/{old.name.removeprefix(PREFIX).split('-')[0]}").exists():
                with suppress(OSError):
                    old.rmdir()
    return Groups(limits, sorted(places))


def own_groups(mounts: Path = MOUNTS, own: Path = OWN) -> tuple[dict[str, Path], Path | None]:
    """Return this process's group in each tree of version 1, by controller, and in the tree of version 2."""
    ours: dict[str, str] = {}
    first: dict[str, Path] = {}
    second: Path | None = None
    try:
        for line in own.read_text().splitlines():
            _, names, path = line.split(":", 2)
            ours |= dict.fromkeys(names.split(","), path)
        for line in mounts.read_text().splitlines():
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


def divide(folder: Path, wanted: Sequence[str], systemd: Path = SYSTEMD) -> Path | None:
    """Enable the wanted controllers for child groups, as far as possible; return the folder for these, None if none is enabled.

    The processes of the bot's own group `folder`, unless it is the top of the tree, move into a leaf first. `systemd` is the
    folder that exists where systemd runs.
    """
    if folder.name == LEAF:  # we moved already
        folder = folder.parent
    try:
        given = set(wanted) & set((folder / "cgroup.controllers").read_text().split())
        control = folder / "cgroup.subtree_control"
        if not given or not _writable(folder):
            return None
        if given - set(control.read_text().split()):
            if (folder / "cgroup.type").exists():  # not the top of the tree, where processes may stay
                if not _may_divide(folder, systemd):
                    return None
                (folder / LEAF).mkdir(exist_ok=True)
                for pid in (folder / "cgroup.procs").read_text().split():
                    (folder / LEAF / "cgroup.procs").write_text(pid)
            control.write_text(" ".join(f"+{c}" for c in sorted(given)))
    except OSError as error:
        log.info("control groups cannot be made: %s", error)
        return None
    return folder


def _may_divide(folder: Path, systemd: Path) -> bool:
    """Return whether a group holds only this process and its ancestors, and is delegated if systemd runs."""
    if systemd.exists() and not {"user.delegate", "trusted.delegate"} & set(os.listxattr(folder)):
        return False
    ancestry = {os.getpid()}
    pid = os.getpid()
    while pid > 1 and (parent := re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)):
        pid = int(parent[1])
        ancestry.add(pid)
    return {int(p) for p in (folder / "cgroup.procs").read_text().split()} <= ancestry
