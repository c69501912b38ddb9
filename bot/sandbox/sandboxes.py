"""The Sandboxes port: probes what this machine allows, tests the sandbox it will serve with, and refuses without one."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bot.errors import ServiceError, SetupError
from bot.execution import Execution, FileInfo, FileName, Outcome, chunked
from bot.request import ThreadId
from bot.sandbox import tiers
from bot.sandbox.copied import Made, run_in_copy
from bot.sandbox.descriptors import FOLDER, opened, reading, walk
from bot.sandbox.limits import Limits
from bot.sandbox.process import Ended, NotBegun, carry_out, spawned
from bot.sandbox.runtime import NO_RUNTIME, RuntimeBuild
from bot.sandbox.selftest import TESTS
from bot.sandbox.servers import WORN, ForkServers, renewed
from bot.sandbox.workspace import Workspace

log = logging.getLogger(__name__)
TIERS = ("forkserver", "bwrap", "landlock")
INDEXES = "logs.index"  # where the log toolkit keeps its indexes
INTERRUPTED = "The sandbox's server ended while it ran. Run it again."
_MISSING = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.M)


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a tier works on this machine, and if not, why."""

    tier: str
    works: bool
    why: str = ""


class LocalSandboxes:
    """Sandboxes on this machine's kernel, in one tier."""

    def __init__(self, data: Path, limits: Limits, tier: str, runtime: RuntimeBuild | None, slots: int) -> None:
        self.tier = tier
        self.limits = limits
        self._data = data
        self._runtime = runtime
        self._owner = tiers.UID if os.geteuid() == 0 else -1
        self._slots = asyncio.Semaphore(slots)
        self.servers: ForkServers | None = None

    @asynccontextmanager
    async def open(self, thread: ThreadId) -> AsyncIterator[LocalSandbox]:
        """Open the thread's sandbox."""
        workspace = Workspace(self._data / "threads", thread, self.limits, self._owner)
        try:
            workspace.prepare()
        except OSError as error:
            raise ServiceError(f"The thread's files cannot be reached: {error.strerror}.") from error
        yield LocalSandbox(self, workspace)

    async def run(
        self, workspace: Workspace, name: FileName | None, args: Sequence[str], stdin: str, seconds: float
    ) -> tuple[Ended, str, tuple[FileInfo, ...], tuple[FileName, ...]]:
        """Run a script, or the log toolkit, and stage its diff: how it ended, the stage's name, what it made and deleted."""
        async with self._slots:
            workspace.discard_stages()
            run = uuid.uuid4().hex
            if name is not None:
                with opened(str(workspace.files), FOLDER) as root, reading(root, name):
                    pass
            found = self._runtime.current if self._runtime else NO_RUNTIME
            launch = tiers.Launch(
                files=workspace.files, script=name, args=tuple(args), status=-1, scratch=workspace.stages, root=self._owner >= 0
            )  # fmt: skip
            if self.tier == "landlock":
                ended, made, deleted = await run_in_copy(workspace, self.limits, found, run, launch, stdin, seconds)
            else:
                ended, made, deleted = await self._overlaid(workspace, run, found, launch, stdin, seconds)
        return ended, run, made, deleted

    async def _overlaid(
        self, workspace: Workspace, run: str, found: tiers.Runtime, launch: tiers.Launch, stdin: str, seconds: float
    ) -> Made:
        ended = await self._forked(launch, stdin, seconds)
        if ended is None:
            binary = tiers.find_bwrap()
            assert binary is not None
            start = spawned(lambda status: tiers.bwrap(replace(launch, status=status), self.limits, found, binary))
            ended = await carry_out(start, self.limits, stdin=stdin, seconds=seconds, disk=None)
        if ended.layer is None:
            return ended, (), ()
        try:
            changes = list(walk(ended.layer, self.limits.collected, layer=True))
            made = await asyncio.to_thread(workspace.stage, run, ended.layer, changes)
        finally:
            os.close(ended.layer)
        return ended, made, tuple(c.name for c in changes if c.deleted)

    async def _forked(self, launch: tiers.Launch, stdin: str, seconds: float) -> Ended | None:
        """Run in a fork of the server; None when there is no server, or it failed before the script began."""
        if self.servers is None or (server := self.servers.current) is None:
            return None
        below = replace(launch, files=launch.files.relative_to(self._data / "threads"))
        start = partial(server.fork, tiers.request(below, self.limits))
        try:
            ended = await carry_out(start, self.limits, stdin=stdin, seconds=seconds, disk=None)
        except NotBegun as error:
            if self.servers is None:
                raise  # we are closing
            log.warning("the fork server is renewed: %s", error)
            server.runs = WORN
            return None
        if ended.outcome is Outcome.KILLED and ended.exit_code is None and await server.gone(within=0.5):
            return replace(ended, outcome=Outcome.INTERRUPTED, message=INTERRUPTED)
        return ended

    @asynccontextmanager
    async def warm(self) -> AsyncIterator[None]:
        """Keep a fork server at hand for as long as this is open; raises ServiceError when there can be none."""
        binary = tiers.find_bwrap()
        assert binary is not None
        threads = self._data / "threads"
        threads.mkdir(parents=True, exist_ok=True)

        def command(runtime: tiers.Runtime, config: Mapping[str, Any]) -> list[str]:
            return tiers.forkserver(threads, self.limits, runtime, binary, root=self._owner >= 0, config=config)

        async with renewed(command, lambda: self._runtime.current if self._runtime else NO_RUNTIME) as self.servers:
            try:
                yield
            finally:
                self.servers = None

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


class LocalSandbox:
    """The Sandbox port of one thread."""

    def __init__(self, sandboxes: LocalSandboxes, workspace: Workspace) -> None:
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
            ended, run, made, deleted = await self._sandboxes.run(self._workspace, name, args, stdin, seconds)
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
            tier=self._sandboxes.tier,
            run=run,
            message=self._sandboxes.hint(ended),
        )

    async def commit(self, execution: Execution) -> None:
        """Apply what a run changed, once."""
        await asyncio.to_thread(self._workspace.commit, execution.run)


@asynccontextmanager
async def open_sandboxes(
    data: Path,
    limits: Limits,
    *,
    tier: str = "auto",
    runtime: RuntimeBuild | None = None,
    slots: int | None = None,
    warm: bool = True,
) -> AsyncIterator[LocalSandboxes]:
    """Open sandboxes in the best tier that passes its self-test; raises SetupError when none does.

    Without `warm`, for a run or two, `auto` starts no fork server.
    """
    probes = []
    for candidate in (TIERS if warm else TIERS[1:]) if tier == "auto" else (tier,):
        probed = await probe(candidate, limits)
        probes.append(probed)
        if probed.works:
            log.info("sandbox tier: %s", candidate)
            sandboxes = LocalSandboxes(data, limits, candidate, runtime, slots or os.cpu_count() or 2)
            async with sandboxes.warm() if candidate == "forkserver" else nullcontext():
                yield sandboxes
            return
        log.warning("sandbox tier %s does not work here: %s", candidate, probed.why)
    reasons = "; ".join(f"{p.tier}: {p.why}" for p in probes)
    raise SetupError(f"No sandbox works on this machine, and nothing runs without one. {reasons}. See `bot doctor`.")


async def probe(tier: str, limits: Limits) -> Probe:
    """Try to break out of a sandbox of this tier, with the very code it serves with; it works when nothing succeeds."""
    if sys.platform != "linux":
        return Probe(tier, False, "sandboxes need Linux")
    if tier not in TIERS:
        return Probe(tier, False, f"there is no such tier; use one of {', '.join(TIERS)}")
    if tier != "landlock" and tiers.find_bwrap() is None:
        return Probe(tier, False, "there is no bwrap; install bubblewrap")
    with tempfile.TemporaryDirectory(prefix="codebot-probe-", ignore_cleanup_errors=True) as folder:
        tested = LocalSandboxes(Path(folder), replace(limits, seconds=20.0), tier, None, 1)
        try:
            async with tested.warm() if tier == "forkserver" else nullcontext():
                for thread, name, script, args in (
                    (ThreadId("T", "C", "other"), "secret.txt", "a secret", None),
                    (ThreadId("T", "C", "probe"), "folder/old.txt", "old", None),
                    (ThreadId("T", "C", "probe"), "probe.py", TESTS, (folder, str(os.getpid()))),
                ):
                    async with tested.open(thread) as sandbox:
                        await sandbox.put(FileName(name), chunked(script.encode()))
                        if args is not None:
                            execution = await sandbox.run(FileName(name), args)
        except ServiceError as error:
            return Probe(tier, False, str(error))
    if execution.outcome is Outcome.SUCCEEDED and execution.stdout.strip() == "sealed":
        return Probe(tier, True)
    return Probe(tier, False, (execution.stdout + execution.stderr).strip()[-500:] or str(execution.outcome))


def _hidden(name: str) -> bool:
    return name == INDEXES or name.startswith(f"{INDEXES}/")
