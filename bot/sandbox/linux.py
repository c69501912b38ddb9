"""The thread's sandbox on this machine's kernel, in one of the tiers."""

from __future__ import annotations

import asyncio
import os
import re
import tomllib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.errors import ServiceError
from bot.sandbox import bwrap, cgroups
from bot.sandbox.descriptors import FOLDER, opened, reading, walk
from bot.sandbox.fork_pool import Command, ForkServers, renewed
from bot.sandbox.landlock import Landlock, Made, run_in_copy, shared
from bot.sandbox.limits import Limits
from bot.sandbox.process import Disk, Ended, Terms, carry_out, spawned
from bot.sandbox.runtime import NO_RUNTIME, RuntimeBuild
from bot.sandbox.tier import UID, Launch, Runtime
from bot.sandbox.workspace import Workspace
from bot.thread.files import FileInfo, FileName
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import ThreadId

INDEXES = "logs.index"  # where the log toolkit keeps its indexes
FRESH = "# /// script\n# [tool.workings]\n# fresh = true\n# ///\n"
_MISSING = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.M)
_METADATA = re.compile(r"^# /// script\s*\n((?:#.*\n)*?)# ///\s*$", re.M)  # PEP 723


class LinuxSandboxes:
    """Sandboxes on this machine's kernel, in one tier, while `serving`."""

    def __init__(
        self, data: Path, limits: Limits, tier: str, runtime: RuntimeBuild | None, slots: int, *, masked: bool = False
    ) -> None:
        self.tier = tier
        self.limits = limits
        self._threads = data / "threads"
        self._runtime = runtime
        self._owner = UID if os.geteuid() == 0 else -1
        self._slots = asyncio.Semaphore(slots)
        self._groups = cgroups.Groups(limits)
        self._machine = bwrap.Machine(bwrap=bwrap.find_bwrap() or Path("bwrap"), root=self._owner >= 0, masked=masked)
        self._landlock = Landlock(limits, Path(), self._owner >= 0)
        self.servers: ForkServers | None = None

    @asynccontextmanager
    async def serving(self, *, warm: bool) -> AsyncIterator[None]:
        """Have ready what runs need, with a fork server where the tier has one; raises ServiceError when that cannot be."""
        self._groups = cgroups.find(self.limits)
        self._threads.mkdir(parents=True, exist_ok=True)

        def forkserver(runtime: Runtime, config: Mapping[str, Any]) -> list[str]:
            return bwrap.forkserver(self._threads, self.limits, runtime, self._machine, config)

        try:
            async with AsyncExitStack() as stack:
                command: Command = forkserver
                if self.tier == "landlock":
                    self._landlock = replace(self._landlock, tools=stack.enter_context(shared(self._owner)))
                    command = self._landlock.forkserver
                if warm and self.tier != "bwrap":
                    self.servers = await stack.enter_async_context(renewed(command, self._libraries, self._groups))
                yield
        finally:
            self.servers = None
            await self._groups.close()

    def _libraries(self) -> Runtime:
        return self._runtime.current if self._runtime else NO_RUNTIME

    @asynccontextmanager
    async def open(self, thread: ThreadId) -> AsyncIterator[LinuxSandbox]:
        """Open the thread's sandbox."""
        workspace = Workspace(self._threads, thread, self.limits, self._owner)
        try:
            workspace.prepare()
        except OSError as error:
            raise ServiceError(f"The thread's files cannot be reached: {error.strerror}.") from error
        yield LinuxSandbox(self, workspace)

    async def run(
        self, workspace: Workspace, name: FileName | None, args: Sequence[str], stdin: str, seconds: float
    ) -> tuple[str, str, Made]:
        """Run a script, or the log toolkit, and stage its diff: the stage's name, the tier, how it ended, what it changed."""
        async with self._slots:
            workspace.discard_stages()
            fresh = False
            if name is not None:
                with opened(str(workspace.files), FOLDER) as root, reading(root, name) as descriptor:
                    fresh = _wants_fresh(os.pread(descriptor, 1 << 16, 0).decode(errors="replace"))
            run, servers = uuid.uuid4().hex, None if fresh else self.servers
            launch = Launch(files=workspace.files, script=name, args=tuple(args))
            terms = Terms(stdin=stdin, seconds=seconds, limits=self.limits)
            if self.tier == "landlock":
                return run, self.tier, await self._copied(workspace, run, launch, terms, servers)
            tier, ended = await self._overlaid(launch, terms, servers)
            return run, tier, await self._collected(workspace, run, ended)

    async def _overlaid(self, launch: Launch, terms: Terms, servers: ForkServers | None) -> tuple[str, Ended]:
        told = bwrap.request(launch, self._threads)
        if servers and (ended := await servers.carry_out(told, terms)):
            return self.tier, ended

        def command(status: int) -> list[str]:
            return bwrap.bwrap(launch, self.limits, self._libraries(), self._machine, status)

        return "bwrap", await carry_out(spawned(command, self._groups), terms)

    async def _collected(self, workspace: Workspace, run: str, ended: Ended) -> Made:
        if ended.layer is None:
            return ended, (), ()
        try:
            changes = list(walk(ended.layer, self.limits.collected, layer=True))
            made = await asyncio.to_thread(workspace.stage, run, ended.layer, changes)
        finally:
            os.close(ended.layer)
        return ended, made, tuple(c.name for c in changes if c.deleted)

    async def _copied(
        self, workspace: Workspace, run: str, launch: Launch, terms: Terms, servers: ForkServers | None
    ) -> Made:
        libraries = self._libraries()

        async def carry(copied: Launch, scratch: Path, disk: Disk) -> Ended:
            told = await asyncio.to_thread(self._landlock.run, copied, scratch, libraries)
            measured = replace(terms, disk=disk)
            forked = await servers.carry_out(told, measured) if servers else None
            start = spawned(lambda status: self._landlock.once(told, libraries, status), self._groups)
            return forked or await carry_out(start, measured)

        return await run_in_copy(workspace, self.limits, run, launch, libraries, self._landlock.tools, carry)

    def hint(self, ended: Ended) -> str:
        """What a script that failed for want of a library or of input can do about it."""
        if ended.outcome is not Outcome.FAILED:
            return ended.message
        if missing := _MISSING.search(ended.stderr):
            package = missing[1].split(".")[0]
            if self._runtime:
                return self._runtime.about(package)
            return f"{package} is not here: only the standard library is, and there is no network."
        if "EOFError: EOF when reading a line" in ended.stderr:
            return "It asked for input (`input()`) and there was none. Say what it should read, or pass arguments."
        return ended.message


class LinuxSandbox:
    """The Sandbox port of one thread."""

    def __init__(self, sandboxes: LinuxSandboxes, workspace: Workspace) -> None:
        self._sandboxes = sandboxes
        self._workspace = workspace

    async def put(self, name: FileName, chunks: AsyncIterator[bytes]) -> FileInfo:
        """Write a file whole or not at all."""
        return await self._workspace.put(name, chunks)

    def open(self, name: FileName) -> AsyncIterator[bytes]:
        """Yield a file's bytes."""
        return self._workspace.open(name)

    async def list(self) -> Sequence[FileInfo]:
        """Return the thread's files by name."""
        found = await asyncio.to_thread(self._workspace.found)
        return [FileInfo(name=f.name, size=f.size) for f in sorted(found, key=lambda f: f.name) if not _hidden(f.name)]

    async def run(
        self, name: FileName, args: Sequence[str] = (), *, stdin: str = "", timeout: float | None = None
    ) -> Execution:
        """Run a script under the limits and stage what it changed."""
        return await self._run(name, args, stdin, timeout)

    async def logs(self, arguments: Sequence[str], *, stdin: str = "") -> Execution:
        """Use the log toolkit on the thread's files."""
        return await self._run(None, arguments, stdin, None)

    async def _run(self, name: FileName | None, args: Sequence[str], stdin: str, timeout: float | None) -> Execution:
        limits = self._sandboxes.limits
        seconds = min(timeout or limits.seconds, limits.seconds)
        try:
            run, tier, (ended, made, deleted) = await self._sandboxes.run(self._workspace, name, args, stdin, seconds)
        except OSError as error:
            raise ServiceError(f"The sandbox failed: {error.strerror}.") from error
        return Execution(
            outcome=ended.outcome,
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            duration=ended.duration,
            peak_memory=ended.peak_memory,
            files=tuple(f for f in made if not _hidden(f.name)),
            deleted=tuple(FileName(d.rstrip("/")) for d in deleted if not _hidden(d)),
            tier=tier,
            run=run,
            message=self._sandboxes.hint(ended),
        )

    async def commit(self, execution: Execution) -> None:
        """Apply what a run changed, once."""
        await asyncio.to_thread(self._workspace.commit, execution.run)


def _wants_fresh(source: str) -> bool:
    """Whether a script asks in its inline metadata (PEP 723) for an interpreter that has loaded nothing."""
    if not (block := _METADATA.search(source)):
        return False
    try:
        metadata = tomllib.loads("".join(line[2:] for line in block[1].splitlines(keepends=True)))
    except tomllib.TOMLDecodeError:
        return False
    tools = metadata.get("tool", {})
    return isinstance(tools, dict) and isinstance(ours := tools.get("workings"), dict) and ours.get("fresh") is True


def _hidden(name: str) -> bool:
    return name == INDEXES or name.startswith(f"{INDEXES}/")
