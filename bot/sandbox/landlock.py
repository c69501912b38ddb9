"""Runs where namespaces are denied: on a copy of the thread's files, whose growth is measured from outside."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.sandbox.descriptors import FOLDER, Found, opened, remove, walk
from bot.sandbox.limits import Limits
from bot.sandbox.process import Disk, Ended
from bot.sandbox.tier import INSIDE, PACKAGE, UID, Launch, Runtime, Shown, environment, interpreter
from bot.sandbox.watchdog import nameless
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileInfo, FileName

log = logging.getLogger(__name__)
TOOLS = "workings-tools-"
Made = tuple[Ended, tuple[FileInfo, ...], tuple[FileName, ...]]
# Libraries look at their own process and at the machine; no other process is shown.
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/zero"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/fs/cgroup"),
)


@dataclass(frozen=True, slots=True)
class Landlock:
    """How runs are started without namespaces; `tools` is a folder that `shared` has made."""

    limits: Limits
    tools: Path
    root: bool

    def run(self, launch: Launch, scratch: Path, runtime: Runtime) -> dict[str, Any]:
        """What the launcher, or the fork server's child, is told of a run."""
        _, prefix, inside, site = self._seen(runtime)
        work, temporary, tools = str(launch.files), str(scratch), f"{self.tools}/site"
        count = _tasks(UID if self.root else os.geteuid())
        resources = self.limits.resources()
        return {
            "namespaces": False,
            "directory": work,
            "script": launch.path(inside, work),
            "args": list(launch.args),
            "limits": resources | {"FSIZE": self.limits.disk, "NPROC": resources["NPROC"] + count},
            "env": self._environment(temporary),
            "read": [*SYSTEM, prefix, inside, tools, *([site] if site else [])],
            "write": [work, temporary, "/dev/null"],
            "path": [*([site] if site else []), tools, work],
        }

    def once(self, run: Mapping[str, Any], runtime: Runtime, status: int) -> list[str]:
        """The argument list that carries out a run."""
        return self._command("launcher.py", {**run, "status": status}, runtime)

    def forkserver(self, runtime: Runtime, config: Mapping[str, Any]) -> list[str]:
        """The argument list of the fork server."""
        fonts = str(self.tools / "mpl")
        for font in runtime.fonts:
            shutil.copy(font, fonts)
        _, _, _, site = self._seen(runtime)
        told = {"env": self._environment(fonts), "path": [site] if site else [], "namespaces": False}
        return self._command("fork_server.py", {**config, **told}, runtime)

    def _environment(self, temporary: str) -> dict[str, str]:
        folders = ("TMPDIR", "HOME", "MPLCONFIGDIR", "POLARS_TEMP_DIR", "POLARS_OOC_SPILL_DIR")
        return environment(self.limits) | dict.fromkeys(folders, temporary)

    def _seen(self, runtime: Runtime) -> tuple[Shown, str, str, str]:
        """The interpreter's prefix, our launcher and the libraries as the scripts' user sees them."""
        at = Shown(lambda path: self.root and not _open_to_all(path))
        _, prefix = interpreter()
        return at, at(prefix), at(INSIDE), at(runtime.site) if runtime.site else ""

    def _command(self, program: str, config: Mapping[str, Any], runtime: Runtime) -> list[str]:
        at, prefix, inside, _ = self._seen(runtime)
        python, outside = interpreter()
        executable = f"{prefix}/{os.path.relpath(python, outside)}"
        words = [executable, "-I", "-S", f"{inside}/{program}", json.dumps(config)]
        return at.command(words) if self.root else words


@contextmanager
def shared(owner: int) -> Iterator[Path]:
    """A folder with what all runs read of ours, and matplotlib's list of fonts, in which their copies are made.

    It is locked while it is used; those that killed processes have left are removed.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{TOOLS}*"):
        with suppress(OSError), opened(str(left), FOLDER) as folder:  # another bot's, or another user's
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(str(left))
    with ExitStack() as stack:
        new = Path(tempfile.mkdtemp(prefix="workings-"))
        tools = new.with_name(f"{TOOLS}{new.name.removeprefix('workings-')}")
        fcntl.flock(stack.enter_context(opened(str(new), FOLDER)), fcntl.LOCK_EX)
        os.rename(new, tools)
        stack.callback(_removed, str(tools))
        (tools / "site").mkdir()
        (tools / "mpl").mkdir()
        shutil.copytree(PACKAGE / "logs", tools / "site/logs")
        os.chmod(tools, 0o755)  # noqa: S103  a root bot's scripts run as another user
        if owner >= 0:
            os.chown(tools / "mpl", owner, owner)
        yield tools


async def run_in_copy(
    workspace: Workspace,
    limits: Limits,
    run: str,
    launch: Launch,
    runtime: Runtime,
    tools: Path,
    carry: Callable[[Launch, Path, Disk], Awaitable[Ended]],
) -> Made:
    """Have `carry` run a script, or the log toolkit, on a copy of the thread's files, with a folder for what is temporary, and a
    measure of its disk: how it ended, what it made and what it deleted.
    """
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="run-", dir=tools))
        stack.callback(_removed, str(home))
        work, scratch = home / "data", home / "tmp"
        copying = asyncio.ensure_future(asyncio.to_thread(_copied, workspace, home, runtime))
        try:
            await asyncio.shield(copying)
        finally:
            await asyncio.wait([copying])  # what goes on in a thread cannot be cancelled
        root = stack.enter_context(opened(str(work), FOLDER))
        before = await asyncio.to_thread(_files, root)
        start = sum(f.size for f in before.values())
        entries = len((await asyncio.to_thread(_entries, work, scratch))[0])
        walking = threading.Lock()  # a walk whose run is over goes on in its thread; the next one waits for it

        def measured(pids: Sequence[int]) -> tuple[int, bool]:
            with walking:
                used, (found, whole) = nameless(pids), _entries(work, scratch)
                for entry in found:
                    with suppress(OSError):  # it was removed since we saw it
                        used += entry.stat(follow_symlinks=False).st_blocks * 512
            too_many = len(found) - entries > limits.inodes
            return 0, used - start > limits.disk or too_many or not whole

        async def disk(pids: Sequence[int]) -> tuple[int, bool]:
            return await asyncio.to_thread(measured, pids)

        ended = await carry(replace(launch, files=work), scratch, disk)
        after = await asyncio.to_thread(_files, root)
        changes = [f for f in after.values() if before.get(f.name) != f][: limits.collected]
        changes += [Found(n, 0, deleted=True) for n in before.keys() - after.keys()]
        made = await asyncio.to_thread(workspace.stage, run, root, changes)
    return ended, made, tuple(c.name for c in changes if c.deleted)


def _copied(workspace: Workspace, home: Path, runtime: Runtime) -> None:
    """Lay a copy of the thread's files, and a folder for what is temporary, below `home`, which is its owner's alone."""
    shutil.copytree(workspace.files, home / "data", symlinks=True)
    (home / "tmp").mkdir()
    for font in runtime.fonts:
        shutil.copy(font, home / "tmp")
    if workspace.owner >= 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, workspace.owner, workspace.owner, follow_symlinks=False)


def _tasks(user: int) -> int:
    """How many processes and threads a user has: the kernel counts them all against a run's limit where there is no namespace."""
    count = 0
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                count += len(os.listdir(f"{entry.path}/task"))
    return count


def _open_to_all(path: Path) -> bool:
    """Whether every user may reach a path."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents) if p.is_dir())


def _files(root: int) -> dict[FileName, Found]:
    return {f.name: f for f in walk(root, 100_000)}


def _removed(folder: str) -> None:
    try:
        remove(folder)
    except OSError as error:
        log.warning("%s could not be removed: %s", folder, error.strerror)


def _entries(*folders: Path) -> tuple[list[os.DirEntry[str]], bool]:
    """What is in the folders, and whether that is all: a script may hide files where the host cannot look."""
    found: list[os.DirEntry[str]] = []
    waiting: list[str] = [str(f) for f in folders]
    whole = True
    while waiting and len(found) < 100_000:
        try:
            for entry in os.scandir(waiting.pop()):
                found.append(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it was removed since we saw it
        except OSError:
            whole = False
    return found, whole
