"""The host's end of one fork server: starts it, and keeps one process forked ahead for the next run."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bot.errors import ServiceError
from bot.sandbox.cgroups import Group, Groups
from bot.sandbox.channels import readable
from bot.sandbox.inside.plan import Failed, ForkedRun, LandlockRun, Ready, decode, encode
from bot.sandbox.process import NotBegun
from bot.sandbox.watchdog import kill, sacrifice, tree

START = 60.0  # seconds
Fork = ForkedRun | LandlockRun


class Forked:
    """The first process of a run: forked ahead, with its namespaces built, it waits for the plan of the run."""

    def __init__(self, pidfd: int, go: socket.socket, group: Group) -> None:
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        line = re.search(r"^Pid:\s+(-?\d+)", Path(f"/proc/self/fdinfo/{pidfd}").read_text(), re.M)
        self.pid = int(line[1]) if line else -1
        self.group = group
        self._pidfd, self._go = pidfd, go
        self.over = asyncio.Event()  # set when it has ended, and with it the whole tree
        self._afterwards: Callable[[], None] = lambda: None
        asyncio.get_running_loop().add_reader(pidfd, self._ended)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._go.close()
        self.group.release()
        self.over.set()
        self._afterwards()

    def begin(self, plan: Fork, status: socket.socket, stdin: int, then: Callable[[], None]) -> None:
        """Send it the plan of its run, and call `then` when the run has ended; raises NotBegun."""
        encoded = readable(encode(plan).encode())
        try:
            socket.send_fds(self._go, [b"begin"], [encoded, stdin, status.fileno()])
        except OSError as error:
            raise NotBegun(f"The forked process did not take the run: {error.strerror}.") from error
        finally:
            os.close(encoded)
            self._go.close()
        self._afterwards = then

    def dismiss(self) -> None:
        """Let it end without a run."""
        self._go.close()

    async def wait(self) -> None:
        """Return when it has ended."""
        await self.over.wait()

    async def end(self) -> None:
        """Kill the whole tree and return when nothing of it is left."""
        if self._pidfd >= 0:
            for below in tree(self.pid)[1:]:  # without a pid namespace they outlive the first process
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(below, signal.SIGKILL)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            await self.over.wait()


class ForkServer:
    """One server process, and a fork of it that waits for the next run.

    `command` returns the server's argument list, given the modules to import and the number of its control socket.
    """

    def __init__(self, command: Callable[[Sequence[str], int], Sequence[str]], groups: Groups) -> None:
        self._command = command
        self._groups = groups
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()
        self._running: weakref.WeakSet[Forked] = weakref.WeakSet()
        self._preparing: set[asyncio.Task[Forked]] = set()
        self._standby: asyncio.Task[Forked] | None = None
        self._asked = 0
        self.runs = 0

    @property
    def busy(self) -> bool:
        """Whether a run forked from it goes on or is about to begin."""
        return self._asked > 0 or any(not run.over.is_set() for run in self._running)

    @property
    def ready(self) -> bool:
        """Whether it is started and alive."""
        return self._control is not None and self._process is not None and self._process.returncode is None

    async def gone(self, within: float) -> bool:
        """Return whether it is dead, after waiting up to `within` seconds for its end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.ready:  # noqa: ASYNC110  asyncio sets the return code some time after the death
                    await asyncio.sleep(0.01)
        return not self.ready

    async def start(self, modules: Sequence[str]) -> None:
        """Start it and wait until it has imported the modules; one that is not installed is skipped. Raises ServiceError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command(modules, theirs.fileno()), stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={"PATH": "/usr/bin:/bin"},
                    pass_fds=[theirs.fileno()], start_new_session=True, cwd="/",
                )  # fmt: skip
            async with asyncio.timeout(START):
                if not (answer := await asyncio.get_running_loop().sock_recv(ours, 4096)):
                    assert self._process.stderr
                    why = (await self._process.stderr.read(4096)).decode(errors="replace").strip()
                    raise ServiceError(f"The fork server did not start: {why[-300:] or 'it said nothing'}")
                decode(answer, Ready)
        except BaseException as error:
            ours.close()
            await self.close()
            if isinstance(error, TimeoutError):
                raise ServiceError("The fork server did not start in time.") from error
            raise
        self._control = ours
        sacrifice(self._process.pid)
        self._stand_by()

    async def fork(self, plan: Fork, status: socket.socket, stdin: int) -> Forked:
        """Return the process that has begun the run; raises NotBegun when there is none."""
        waiting, self._standby = self._standby or self._fork_ahead(), None
        self._asked += 1
        try:
            try:
                run = await asyncio.shield(waiting)
            except asyncio.CancelledError:
                self._give_back(waiting)
                raise
            try:
                run.begin(plan, status, stdin, self._stand_by)
            except NotBegun:
                await run.end()
                raise
            self.runs += 1
            self._running.add(run)
            return run
        finally:
            self._asked -= 1

    def _stand_by(self) -> None:
        """Have a process forked for the next run."""
        if self._standby is None and self.ready:
            self._standby = self._fork_ahead()

    def _give_back(self, waiting: asyncio.Task[Forked]) -> None:
        if self._standby is None:
            self._standby = waiting
        else:
            waiting.add_done_callback(self._dismiss)

    def _dismiss(self, waiting: asyncio.Task[Forked]) -> None:
        if not waiting.cancelled() and waiting.exception() is None:
            waiting.result().dismiss()
            self._running.add(waiting.result())  # until it has ended and given its group back

    def _fork_ahead(self) -> asyncio.Task[Forked]:
        task = asyncio.create_task(self._prepare())
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)
        # The error is retrieved here; it is still raised for a caller.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _prepare(self) -> Forked:
        """Return a forked process that waits for a run; only the server's end cancels this."""
        (out, out_theirs), (error, error_theirs) = os.pipe(), os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            pidfd = await self._ask([out_theirs, error_theirs, theirs.fileno()])
        except BaseException:
            for descriptor in (out, error):
                os.close(descriptor)
            ours.close()
            raise
        finally:
            for descriptor in (out_theirs, error_theirs):
                os.close(descriptor)
            theirs.close()
        run = Forked(pidfd, ours, self._groups.make())
        await asyncio.to_thread(run.group.enter, run.pid)
        await _connect(run.stdout, out)
        await _connect(run.stderr, error)
        return run

    async def _ask(self, descriptors: list[int]) -> int:
        async with self._asking:
            if self._control is None:
                raise NotBegun("The fork server is gone.")
            try:
                socket.send_fds(self._control, [b"fork"], descriptors)
                await _wait_readable(self._control)
                answer, pidfds, _, _ = socket.recv_fds(self._control, 4096, 1)
            except OSError as error:
                raise NotBegun(f"The fork server did not take the run: {error.strerror}.") from error
            if not answer:
                raise NotBegun("The fork server did not fork: it is gone")
            report = decode(answer, Ready, Failed)
            if isinstance(report, Failed):
                raise NotBegun(f"The fork server did not fork: {report.error}")
            return pidfds[0]

    async def close(self) -> None:
        """End it, and with it everything that it has forked."""
        if self._process is not None and self._process.returncode is None:
            kill(self._process.pid)
            await self._process.wait()
        waiting = {*self._preparing, *([self._standby] if self._standby else [])}
        self._standby = None
        for forked in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(forked, Forked):
                await forked.end()
        for run in list(self._running):
            await run.end()
        async with self._asking:  # pending requests have failed by now, so nobody uses the socket
            if self._control is not None:
                self._control.close()
                self._control = None


async def _wait_readable(control: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(control, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(control)


async def _connect(reader: asyncio.StreamReader, descriptor: int) -> None:
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
