"""The tier for where namespaces are denied: Landlock, seccomp without fork and exec, and a copy of the thread's files.

The copy takes the place of the overlay. Its growth is measured from outside, and its changes are found by comparing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from bot.disk import lock
from bot.errors import ServiceError
from bot.sandbox.descriptors import FOLDER, FileEntry, opened, remove, walk
from bot.sandbox.diff import Diff, stage_diff
from bot.sandbox.inside.plan import LandlockRun, LandlockServer, encode
from bot.sandbox.limits import Limits
from bot.sandbox.tier import (
    FIGURES, INSIDE, PACKAGE, TOOLKITS, UID, BindMounts, PreparedRun, Runtime, Script, environment, interpreter,
)  # fmt: skip
from bot.sandbox.watchdog import Disk, unlinked
from bot.sandbox.workspace import Workspace

log = logging.getLogger(__name__)
SHARED = "workings-tools-"
MOST = 100_000  # files of a copy after which a scan stops
# What a script may read: of /proc its own process and facts about the machine, which libraries need, and no other process.
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/zero"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/fs/cgroup"),
)
Entries = tuple[list[os.DirEntry[str]], bool]


def entries(*folders: Path, most: int = MOST) -> Entries:
    """Return what is below the folders, and whether that is all: not if `most` were seen, or a folder cannot be read."""
    seen: list[os.DirEntry[str]] = []
    waiting: list[str] = [str(f) for f in folders]
    whole = True
    while waiting and len(seen) < most:
        try:
            for entry in os.scandir(waiting.pop()):
                seen.append(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it was removed since we saw it
        except OSError:
            whole = False  # a script may have closed it to the host
    return seen, whole and not waiting


class Landlock:
    """The tier without namespaces; it ignores `masked`, which other tiers take. `walk_copy` scans the folders that a run fills."""

    name = cold_name = "landlock"
    advice = "It needs Linux 5.13 or later with Landlock."
    forks = True
    pid_namespace = False

    def __init__(self, limits: Limits, *, masked: bool = False, walk_copy: Callable[[Path, Path], Entries] = entries) -> None:
        del masked
        self._limits = limits
        self._walk_copy = walk_copy
        self._root = os.geteuid() == 0
        self.shared = Path()

    @contextmanager
    def start(self, threads: Path) -> Iterator[None]:
        """Provide the folder that all runs share, and in which their copies are made."""
        del threads
        with shared_folder(UID if self._root else -1) as self.shared:
            yield

    @asynccontextmanager
    async def prepare(
        self, workspace: Workspace, run: str, script: Script, runtime: Runtime, disk: int
    ) -> AsyncIterator[PreparedRun]:
        """Prepare a run on a copy of the thread's files, beside a folder for temporary files."""
        with ExitStack() as stack:
            home = Path(tempfile.mkdtemp(prefix="run-", dir=self.shared))
            stack.callback(_remove, str(home))
            work, temporary = home / "data", home / "tmp"
            copying = asyncio.ensure_future(asyncio.to_thread(_copy, workspace, home, runtime))
            try:
                await asyncio.shield(copying)
            finally:
                await asyncio.wait([copying])  # a thread cannot be cancelled
            root = stack.enter_context(opened(str(work), FOLDER))
            before = {entry.name: entry for entry in await asyncio.to_thread(walk, root, MOST)}
            measured = await self._disk(disk + sum(f.size for f in before.values()), work, temporary)

            async def stage(_: int | None) -> Diff:
                after = {entry.name: entry for entry in await asyncio.to_thread(walk, root, MOST)}
                changes = [f for f in after.values() if before.get(f.name) != f]
                changes += [FileEntry(n, 0, deleted=True) for n in before.keys() - after.keys()]
                return await asyncio.to_thread(stage_diff, workspace, run, root, changes)

            plan = await asyncio.to_thread(self._plan, script, str(work), str(temporary), runtime, disk)
            yield PreparedRun(
                plan=plan, command=lambda status: self._command(runtime, "launcher.py", str(status), encode(plan)),
                stage=stage, disk=measured,
            )  # fmt: skip

    async def _disk(self, size: int, work: Path, temporary: Path) -> Disk:
        """Return what measures, in a thread, whether a copy is over `size` bytes."""
        count = len((await asyncio.to_thread(self._walk_copy, work, temporary))[0])
        walking = threading.Lock()  # a scan may outlive its run, as a thread cannot be cancelled; the next one waits

        def measured(pids: Sequence[int]) -> tuple[int, bool]:
            with walking:
                used, (seen, whole) = unlinked(pids), self._walk_copy(work, temporary)
                for entry in seen:
                    with suppress(OSError):  # it was removed since we saw it
                        used += entry.stat(follow_symlinks=False).st_blocks * 512
            too_many = len(seen) - count > self._limits.inodes
            return 0, used > size or too_many or not whole

        return lambda pids: asyncio.to_thread(measured, pids)

    def _plan(self, script: Script, work: str, temporary: str, runtime: Runtime, disk: int) -> LandlockRun:
        _, prefix, inside, libraries = self._places(runtime)
        tools = f"{self.shared}/site"
        tasks = _tasks(UID if self._root else os.geteuid())
        limits = self._limits.resources()
        limits |= {"FSIZE": disk, "NPROC": limits["NPROC"] + tasks}
        path, read = (*libraries, tools, work), (*SYSTEM, prefix, inside, tools, *libraries)
        environment, write = self._environment(temporary), (work, temporary, "/dev/null")
        return LandlockRun(script.path(inside, work), script.args, environment, limits, work, path, read, write)

    def server_command(self, runtime: Runtime, modules: Sequence[str], control: int) -> list[str]:
        """Return the argument list of the fork server; it and its runs share a copy of the font lists."""
        fonts = str(self.shared / "mpl")
        for font in runtime.fonts:
            shutil.copy(font, fonts)
        _, _, _, libraries = self._places(runtime)
        plan = LandlockServer(modules=tuple(modules), env=self._environment(fonts), path=(*libraries, f"{self.shared}/site"))
        return self._command(runtime, "fork_server.py", str(control), encode(plan))

    def _environment(self, temporary: str) -> dict[str, str]:
        folders = ("TMPDIR", "HOME", "MPLCONFIGDIR", "POLARS_TEMP_DIR", "POLARS_OOC_SPILL_DIR")
        return environment(self._limits) | dict.fromkeys(folders, temporary)

    def _places(self, runtime: Runtime) -> tuple[BindMounts, str, str, tuple[str, ...]]:
        """Return where the scripts' user finds the interpreter's prefix, what runs inside, and the libraries."""
        at = BindMounts(lambda path: self._root and not _open_to_all(path))
        _, prefix = interpreter()
        return at, at(prefix), at(INSIDE), (at(runtime.site),) if runtime.site else ()

    def _command(self, runtime: Runtime, program: str, *arguments: str) -> list[str]:
        at, prefix, inside, _ = self._places(runtime)
        python, outside = interpreter()
        words = [f"{prefix}/{os.path.relpath(python, outside)}", "-I", "-S", f"{inside}/{program}", *arguments]
        return at.command(words) if self._root else words


@contextmanager
def shared_folder(owner: int, parent: Path | None = None) -> Iterator[Path]:
    """Make a folder with the log toolkit and a place for font lists, owned by `owner` (-1: by us), and remove it at the end.

    It is locked while it is used; the folders that killed processes have left are removed.
    """
    parent = parent or Path(tempfile.gettempdir())
    for old in (*parent.glob(f"{SHARED}*"), *parent.glob("codebot-tools-*")):  # the earlier name
        with suppress(OSError), opened(str(old), FOLDER) as descriptor:  # another bot or user may own it
            if lock(descriptor):
                remove(str(old))
    with ExitStack() as stack:
        new = Path(tempfile.mkdtemp(prefix="workings-", dir=parent))
        folder = new.with_name(f"{SHARED}{new.name.removeprefix('workings-')}")
        if not lock(stack.enter_context(opened(str(new), FOLDER))):
            raise ServiceError(f"{new} is locked by another process.")
        os.rename(new, folder)
        stack.callback(_remove, str(folder))
        (folder / "site").mkdir()
        (folder / "mpl").mkdir()
        for toolkit in TOOLKITS:
            shutil.copytree(PACKAGE / toolkit, folder / "site" / toolkit)
        shutil.copy(INSIDE / "site" / FIGURES, folder / "site")
        os.chmod(folder, 0o755)  # noqa: S103  a root bot's scripts run as another user
        if owner >= 0:
            os.chown(folder / "mpl", owner, owner)
        yield folder


def _copy(workspace: Workspace, home: Path, runtime: Runtime) -> None:
    """Copy the thread's files, and the font lists into a folder for temporary files, below `home`; the scripts' user owns all."""
    shutil.copytree(workspace.files, home / "data", symlinks=True)
    (home / "tmp").mkdir()
    for font in runtime.fonts:
        shutil.copy(font, home / "tmp")
    if workspace.owner >= 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, workspace.owner, workspace.owner, follow_symlinks=False)


def _tasks(user: int) -> int:
    """Count a user's processes and threads; without a user namespace a run's RLIMIT_NPROC counts all of them."""
    count = 0
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                count += len(os.listdir(f"{entry.path}/task"))
    return count


def _open_to_all(path: Path) -> bool:
    """Return whether every user may reach a path."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents) if p.is_dir())


def _remove(folder: str) -> None:
    try:
        remove(folder)
    except OSError as error:
        log.warning("%s could not be removed: %s", folder, error.strerror)
