"""The Sandboxes port on Linux's kernel.

How a run goes: `LinuxSandbox.run` waits for libraries that the script imports (needs.py) and that are being installed, and in
`LinuxSandboxes.execute` for a free slot. The tier prepares the run: bwrap.py plans an overlay of the thread's files, landlock.py
copies them. If the tier forks, its server has loaded the libraries and the script does not ask for a fresh interpreter,
fork_pool.py hands the run to a process that the server (inside/fork_server.py) has forked ahead; otherwise, and when that fails
before the script began, inside/launcher.py is started for it. Both get the run as a value of inside/plan.py. Either way
process.py supervises the tree: it passes on the input, keeps the output, watches the limits (watchdog.py, cgroups.py) and, when
no process is left, derives the outcome and the Execution. Then the tier stages what the run changed in the workspace, and the
Execution names that stage. `LinuxSandbox.commit` applies it once the run's step is appended.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot.disk import make_private
from bot.errors import ServiceError, SetupError
from bot.sandbox import cgroups, needs
from bot.sandbox.descriptors import TooMany
from bot.sandbox.diff import Diff, commit_diff, discard_diffs
from bot.sandbox.fork_pool import RENEW_AFTER, ForkPool
from bot.sandbox.limits import Limits
from bot.sandbox.process import Terms, start_command, supervise
from bot.sandbox.runtime import NO_RUNTIME, RuntimeBuild
from bot.sandbox.tier import UID, Runtime, Script, Tier
from bot.sandbox.watchdog import Watch, watch
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileInfo, FileName
from bot.thread.outcomes import Execution
from bot.thread.request import ThreadId

INDEXES = "logs.index"  # where the toolkits keep what they know of files
Show = Callable[[ThreadId, str], Awaitable[None]]


async def _show_nobody(thread: ThreadId, text: str) -> None:
    """Show nothing: nobody looks at a thread."""


class LinuxSandboxes:
    """Sandboxes of one tier, which run scripts while `serving`; at most `slots` runs go on at once."""

    def __init__(
        self, data: Path, limits: Limits, tier: Tier, runtime: RuntimeBuild | None, slots: int, *,
        find_groups: Callable[[Limits], cgroups.Groups] = cgroups.find, watchdog: Watch = watch, renew_after: int = RENEW_AFTER,
    ) -> None:  # fmt: skip
        self.tier = tier
        self.limits = limits
        self.pool: ForkPool | None = None
        self.runtime = runtime
        self.show: Show = _show_nobody  # shows a status in a thread; never raises
        self.noting: Callable[[], AbstractContextManager[None]] = nullcontext  # around each run: hears how the sandbox does
        self._threads = data / "threads"
        self._owner = UID if os.geteuid() == 0 else -1
        self._slots = asyncio.Semaphore(slots)
        self._groups = cgroups.Groups(limits)
        self._find_groups = find_groups
        self._watchdog = watchdog
        self._renew_after = renew_after

    @asynccontextmanager
    async def serving(self, *, warm: bool) -> AsyncIterator[None]:
        """Provide what runs need, and a fork server if `warm` and the tier forks; raises ServiceError if that fails,
        SetupError when the folder of the threads cannot be used."""
        self._groups = self._find_groups(self.limits)
        try:
            _close_to_others(self._threads)
        except OSError as error:
            raise SetupError(f"{self._threads} cannot be used: {error.strerror}. Set BOT_DATA to another folder.") from error
        try:
            async with AsyncExitStack() as stack:
                stack.enter_context(self.tier.start(self._threads))
                if warm and self.tier.forks:
                    pool = ForkPool(self.tier, self.libraries, self._groups, self._renew_after)
                    self.pool = await stack.enter_async_context(pool.serving())
                yield
        finally:
            self.pool = None
            await self._groups.close()

    def libraries(self) -> Runtime:
        """Return what scripts may import now."""
        return self.runtime.current if self.runtime else NO_RUNTIME

    @asynccontextmanager
    async def open(self, thread: ThreadId) -> AsyncIterator[LinuxSandbox]:
        workspace = Workspace(self._threads, thread, self.limits, self._owner)
        try:
            workspace.prepare()
        except OSError as error:
            raise ServiceError(f"The thread's files cannot be reached: {error.strerror}.") from error
        yield LinuxSandbox(self, workspace, thread)

    async def execute(
        self, workspace: Workspace, script: Script, stdin: str, seconds: float, stop: asyncio.Event, *, fresh: bool
    ) -> tuple[Execution, Runtime]:
        """Run a script, or a toolkit, on a thread's files and stage what it changed; raises OSError.

        With `fresh` an interpreter is started for it. Returns how it ended, and the libraries that it had.
        """
        async with self._slots:
            libraries = self.libraries()
            discard_diffs(workspace)
            pool = None if fresh else self.pool
            run = uuid.uuid4().hex
            limits = replace(self.limits, disk=await asyncio.to_thread(workspace.room))
            async with self.tier.prepare(workspace, run, script, libraries, limits.disk) as prepared:
                terms = Terms(stdin=stdin, asked=seconds, limits=limits, disk=prepared.disk, watch=self._watchdog, stop=stop)
                forked = await pool.supervise_fork(prepared.plan, terms, libraries) if pool else None
                start = partial(start_command, prepared.command, self._groups)
                execution, layer = forked or await supervise(start, terms)
                try:
                    diff = await prepared.stage(layer)
                except TooMany:
                    diff = Diff(left_out=("everything (there are too many files)",))
                finally:
                    if layer is not None:
                        os.close(layer)
        ended = replace(
            execution, files=tuple(f for f in diff.files if not _hidden(f.name)),
            deleted=tuple(FileName(d.rstrip("/")) for d in diff.deleted if not _hidden(d)), left_out=diff.left_out,
            tier=self.tier.name if forked else self.tier.cold_name, run=run,
        )  # fmt: skip
        return ended, libraries


class LinuxSandbox:
    """The Sandbox port of one thread."""

    def __init__(self, sandboxes: LinuxSandboxes, workspace: Workspace, thread: ThreadId) -> None:
        self._sandboxes = sandboxes
        self._thread = thread
        self._workspace = workspace
        self._stop: asyncio.Event | None = None  # of the run in progress

    def end_run(self) -> bool:
        if self._stop is None:
            return False
        self._stop.set()
        return True

    async def put(self, name: FileName, chunks: AsyncIterator[bytes]) -> FileInfo:
        return await self._workspace.put(name, chunks)

    def open(self, name: FileName) -> AsyncIterator[bytes]:
        return self._workspace.open(name)

    async def list(self) -> Sequence[FileInfo]:
        files = sorted(await asyncio.to_thread(self._workspace.files_now), key=lambda f: f.name)
        return [FileInfo(name=f.name, size=f.size) for f in files if not _hidden(f.name)]

    async def run(self, name: FileName, args: Sequence[str] = (), *, stdin: str = "", timeout: float | None = None) -> Execution:
        return await self._execute(Script(name=name, args=tuple(args)), stdin, timeout)

    async def toolkit(self, name: str, arguments: Sequence[str], *, stdin: str = "") -> Execution:
        return await self._execute(Script(name=None, args=(name, *arguments)), stdin, None)

    async def _execute(self, script: Script, stdin: str, timeout: float | None) -> Execution:
        most, runtime = self._sandboxes.limits.seconds, self._sandboxes.runtime
        try:
            source = needs.source(self._workspace, script)
            if runtime and not runtime.done():
                await self._wait(script, runtime, needs.imports(source))
            while True:
                self._stop = asyncio.Event()
                try:
                    with self._sandboxes.noting():
                        execution, had = await self._sandboxes.execute(
                            self._workspace, script, stdin, timeout or most, self._stop, fresh=needs.wants_fresh(source)
                        )
                finally:
                    self._stop = None
                lacked = needs.missing(execution).split(".")[0]
                if not runtime or not await self._wait(script, runtime, [lacked]) or self._sandboxes.libraries() == had:
                    return replace(execution, message=needs.advice(execution, runtime) or execution.message)
        except OSError as error:
            raise ServiceError(f"The sandbox failed: {error.strerror}.") from error

    async def _wait(self, script: Script, runtime: RuntimeBuild, packages: Sequence[str]) -> bool:
        """Wait for those packages that are being installed, and say so in the thread; return whether all are there now."""
        shown = False

        async def show(text: str) -> None:
            nonlocal shown
            shown = True
            await self._sandboxes.show(self._thread, text)

        there = [await runtime.wait_for(package, show) for package in packages]
        if shown:
            await show(f"is running {script.name}…" if script.name else "is reading…")
        return all(there)

    async def commit(self, execution: Execution) -> None:
        await asyncio.to_thread(commit_diff, self._workspace, execution.run)


def _close_to_others(threads: Path) -> None:
    """Make the folder of all workspaces, and close those of an earlier release to other users of the machine."""
    make_private(threads, passable=True)
    for home in filter(Path.is_dir, threads.iterdir()):
        make_private(home, passable=True)
        for folder in filter(Path.is_dir, home.iterdir()):
            make_private(folder)


def _hidden(name: str) -> bool:
    return name == INDEXES or name.startswith(f"{INDEXES}/")
