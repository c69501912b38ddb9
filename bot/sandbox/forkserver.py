"""The fork server, seen from the host: started once, asked for a process per run, renewed when it is worn or dead."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from bot.errors import ServiceError
from bot.sandbox.tiers import Runtime
from bot.sandbox.watchdog import sacrifice

log = logging.getLogger(__name__)
MODULES = ("numpy", "pandas", "matplotlib.pyplot")
REQUEST = 100_000  # bytes that a request may have; a longer one takes the other way
WORN = 5_000  # runs after which a server is renewed: all that it forks share its memory layout
START = 60.0  # seconds


class Forked:
    """A run's first process, forked for us."""

    def __init__(self, pidfd: int) -> None:
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        found = re.search(r"^Pid:\s+(-?\d+)", Path(f"/proc/self/fdinfo/{pidfd}").read_text(), re.M)
        self.pid = int(found[1]) if found else -1
        self._pidfd = pidfd
        self._over = asyncio.Event()
        asyncio.get_running_loop().add_reader(pidfd, self._ended)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._over.set()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._over.is_set()

    async def wait(self) -> None:
        """Return when it has ended: the whole tree dies with it."""
        await self._over.wait()

    async def end(self) -> None:
        """Kill the whole tree and return when nothing of it is left."""
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            await self._over.wait()


class ForkServer:
    """One server process; `command` gives its argument list for a configuration."""

    def __init__(self, command: Callable[[str], Sequence[str]]) -> None:
        self._command = command
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()
        self._running: weakref.WeakSet[Forked] = weakref.WeakSet()
        self.runs = 0

    @property
    def busy(self) -> bool:
        """Whether a run of it goes on."""
        return any(run.running for run in self._running)

    @property
    def ready(self) -> bool:
        """Whether it can be asked."""
        return self._control is not None and self._process is not None and self._process.returncode is None

    async def start(self, modules: Sequence[str]) -> None:
        """Start it and wait until it has loaded the modules that are there; raises ServiceError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            config = json.dumps({"control": theirs.fileno(), "modules": list(modules)})
            self._process = await asyncio.create_subprocess_exec(
                *self._command(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": "/usr/bin:/bin"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                cwd="/",
            )
        try:
            async with asyncio.timeout(START):
                if not await asyncio.get_running_loop().sock_recv(ours, 4096):
                    assert self._process.stderr
                    why = (await self._process.stderr.read(4096)).decode(errors="replace").strip()
                    raise ServiceError(f"The fork server did not start: {why[-300:] or 'it said nothing'}")
        except BaseException as error:
            ours.close()
            await self.close()
            if isinstance(error, TimeoutError):
                raise ServiceError("The fork server did not start in time.") from error
            raise
        self._control = ours
        sacrifice(self._process.pid)

    async def fork(self, request: Mapping[str, Any], status: socket.socket, stdin: int) -> Forked:
        """Ask for a process that is the run; raises ServiceError when there is none."""
        pipes = [os.pipe(), os.pipe()]
        given = [stdin, pipes[0][1], pipes[1][1], status.fileno()]
        asking = asyncio.ensure_future(self._ask(json.dumps(request).encode(), given))
        try:
            pidfd = await asyncio.shield(asking)
        except asyncio.CancelledError:
            with suppress(ServiceError):
                unwanted = await asking  # the server answers each request: an answer left would be the next one's
                signal.pidfd_send_signal(unwanted, signal.SIGKILL)
                os.close(unwanted)
            for reading, _ in pipes:
                os.close(reading)
            raise
        except ServiceError:
            for reading, _ in pipes:
                os.close(reading)
            raise
        finally:
            for _, writing in pipes:
                os.close(writing)
        self.runs += 1
        run = Forked(pidfd)
        self._running.add(run)
        try:
            await _connected(run.stdout, pipes[0][0])
            await _connected(run.stderr, pipes[1][0])
        except BaseException:
            await run.end()
            raise
        return run

    async def _ask(self, request: bytes, descriptors: list[int]) -> int:
        async with self._asking:
            if self._control is None:
                raise ServiceError("The fork server is gone.")
            try:
                socket.send_fds(self._control, [request], descriptors)
                await _readable(self._control)
                said, found, _, _ = socket.recv_fds(self._control, 4096, 1)
            except OSError as error:
                raise ServiceError(f"The fork server did not take the run: {error.strerror}.") from error
            if not found:
                raise ServiceError(f"The fork server did not fork: {said.decode() or 'it is gone'}")
            return found[0]

    async def close(self) -> None:
        """End it, and with it all that it has forked."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        async with self._asking:  # whoever waits for an answer has been told by now that there is none
            if self._control is not None:
                self._control.close()
                self._control = None


class ForkServers:
    """The fork server of now, and those before it whose last runs go on."""

    def __init__(self, command: Callable[[Runtime, str], Sequence[str]], runtime: Callable[[], Runtime]) -> None:
        """`command` gives a server's argument list for the libraries of a runtime, `runtime` those that there are now."""
        self._command = command
        self._runtime = runtime
        self._server: ForkServer | None = None
        self._worn: list[ForkServer] = []
        self._loaded: Runtime | None = None

    @property
    def current(self) -> ForkServer | None:
        """The server to ask, None while there is none."""
        return self._server if self._server and self._server.ready else None

    async def loaded(self) -> None:
        """Wait until the server has the libraries that there are."""
        while self._loaded != self._runtime():  # noqa: ASYNC110  another task of ours starts it
            await asyncio.sleep(0.05)

    async def start(self, runtime: Runtime) -> None:
        """Put a new server in the place of the one there is; raises ServiceError."""
        fresh = ForkServer(partial(self._command, runtime))
        await fresh.start(MODULES if runtime.site else ())
        self._worn += [self._server] if self._server else []
        self._server, self._loaded = fresh, runtime

    async def keep(self) -> None:
        """Renew the server when the libraries are there, when it is worn, and when it is gone; runs until cancelled."""
        while True:
            await asyncio.sleep(0.2)
            found = self._runtime()
            if self.current is None or self.current.runs >= WORN or found != self._loaded:
                try:
                    await self.start(found)
                except (ServiceError, OSError) as error:
                    log.warning("runs start one by one: %s", error)
                else:
                    log.info("the fork server is ready")
            for worn in [w for w in self._worn if not w.busy or not w.ready]:
                self._worn.remove(worn)
                await worn.close()

    async def close(self) -> None:
        """End them all."""
        for server in (*self._worn, *([self._server] if self._server else [])):
            await server.close()


@asynccontextmanager
async def renewed(
    command: Callable[[Runtime, str], Sequence[str]], runtime: Callable[[], Runtime]
) -> AsyncIterator[ForkServers]:
    """Keep a fork server: at once one without libraries, soon one with them. Raises ServiceError."""
    servers = ForkServers(command, runtime)
    try:
        await servers.start(Runtime())
        keeping = asyncio.create_task(servers.keep())
        try:
            yield servers
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        await servers.close()


async def _readable(control: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(control, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(control)


async def _connected(reader: asyncio.StreamReader, descriptor: int) -> None:
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
