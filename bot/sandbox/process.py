"""One run's processes, seen from outside: started, watched, limited, ended, and how they ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from bot.errors import ServiceError
from bot.sandbox.cgroups import Group, Groups
from bot.sandbox.channels import Output, Status, given
from bot.sandbox.limits import Limits, size
from bot.sandbox.watchdog import Watched, kill, watch
from bot.thread.outcomes import Outcome

Disk = Callable[[Sequence[int]], Awaitable[tuple[int, bool]]]


class NotBegun(ServiceError):
    """A run could not be set up: no line of its script was executed."""


@dataclass(slots=True)
class Ended:
    """How a run ended; `layer` is an open folder with its diff, where the tier has one."""

    outcome: Outcome
    exit_code: int | None
    stdout: str
    stderr: str
    duration: float
    peak_memory: int
    message: str
    layer: int | None


class Started(Protocol):
    """A run's first process, and what comes out of its tree."""

    @property
    def pid(self) -> int:
        """Its number here."""

    @property
    def stdout(self) -> asyncio.StreamReader:
        """What the tree prints."""

    @property
    def stderr(self) -> asyncio.StreamReader:
        """What it complains of."""

    async def wait(self) -> None:
        """Return when it has ended."""

    @property
    def group(self) -> Group:
        """The control group that holds it."""

    async def end(self) -> None:
        """Kill the whole tree and return when nothing of it is left."""


Start = Callable[[socket.socket, int], Awaitable[Started]]


class Spawned:
    """A run started as a command of its own."""

    def __init__(self, process: asyncio.subprocess.Process, group: Group) -> None:
        assert process.stdout
        assert process.stderr
        self.group = group
        self.pid, self.stdout, self.stderr = process.pid, process.stdout, process.stderr
        self._process = process

    async def wait(self) -> None:
        """Return when it has ended."""
        await self._process.wait()

    async def end(self) -> None:
        """Kill the tree; its members die with the first, and those that are seen are killed one by one as well."""
        if self._process.returncode is None:
            kill(self.pid)
            await self._process.wait()
        self.group.release()


def spawned(command: Callable[[int], Sequence[str]], groups: Groups) -> Start:
    """Return what starts `command`, given the number of its status descriptor, in a control group."""

    async def start(status: socket.socket, stdin: int) -> Started:
        group = groups.make()
        try:
            process = await asyncio.create_subprocess_exec(
                *group.command(command(status.fileno())),
                stdin=stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={
                    "PATH": "/usr/bin:/bin",
                    "LANG": "C.UTF-8",
                },  # bwrap's own /proc entry would show ours to the script
                pass_fds=[status.fileno()],
                start_new_session=True,
                cwd="/",
            )
        except BaseException:
            group.release()
            raise
        return Spawned(process, group)

    return start


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a run is carried out: what it reads, its seconds, its limits.

    `disk` measures new files where the tier has no layer of its own; going over the limit then ends the run.
    """

    stdin: str
    seconds: float
    limits: Limits
    disk: Disk | None = None


async def carry_out(start: Start, terms: Terms) -> Ended:
    """Start a run (with its end of the status socket and its input) and see it to its end; nothing of it is left then."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    status, output, seen = Status(ours), Output(terms.limits.output), Watched()
    started = time.monotonic()
    try:
        with ours:
            stdin = given(terms.stdin)
            try:
                with theirs:
                    process = await start(theirs, stdin)
            finally:
                os.close(stdin)
            try:
                cause = await _until_over(process, output, seen, status, terms)
            finally:
                await process.end()
                seen.disk_was_full |= (await (terms.disk or status.disk)([]))[1]
                status.poll()
        cause = Outcome.OUT_OF_MEMORY if process.group.exhausted() else cause
        return _judged(cause, status, output, seen, time.monotonic() - started, terms)
    finally:
        status.close()


async def _until_over(
    process: Started,
    output: Output,
    seen: Watched,
    status: Status,
    terms: Terms,
) -> Outcome | None:
    """Return why the run has to be ended, or None when it is over by itself."""
    reading = [
        asyncio.create_task(output.read(process.stdout, output.stdout)),
        asyncio.create_task(output.read(process.stderr, output.stderr)),
    ]
    over: asyncio.Future[Any] = asyncio.gather(process.wait(), *reading)
    full = asyncio.create_task(output.full.wait())
    disk, hard = terms.disk or status.disk, terms.disk is not None
    watched = watch(process.pid, terms.limits.memory, seen, disk, process.group.exhausted, hard=hard)
    watching = asyncio.create_task(watched)
    tasks = [full, watching]
    try:
        waited: list[asyncio.Future[Any]] = [over, full, watching]
        done, _ = await asyncio.wait(waited, timeout=terms.seconds, return_when=asyncio.FIRST_COMPLETED)
        if over in done:
            return Outcome.OUTPUT_LIMIT if output.full.is_set() else None
        if watching in done:
            return watching.result()
        return Outcome.OUTPUT_LIMIT if full in done else Outcome.TIMED_OUT
    finally:
        for task in tasks:
            task.cancel()
        await process.end()
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(over, 5)
        await asyncio.gather(*tasks, return_exceptions=True)


def _judged(
    cause: Outcome | None,
    status: Status,
    output: Output,
    seen: Watched,
    duration: float,
    terms: Terms,
) -> Ended:
    stdout, stderr = (bytes(s).decode(errors="replace") for s in (output.stdout, output.stderr))
    code = status.said.get("exit_code")
    if problem := status.said.get("error"):
        raise NotBegun(f"The sandbox could not be set up: {problem}")
    if cause is None and not status.said.get("ready"):
        raise NotBegun(f"The sandbox could not be set up: {stderr.strip()[-300:] or 'it said nothing'}")
    outcome = cause or _outcome(code, seen)
    peak = max(seen.peak_memory, int(status.said.get("peak_memory", 0)))
    message = _words(outcome, terms.limits, terms.seconds, code)
    return Ended(outcome, code, stdout, stderr, duration, peak, message, status.layer())


def _outcome(code: int | None, seen: Watched) -> Outcome:
    match code:
        case 0:
            return Outcome.SUCCEEDED
        case None:
            return Outcome.KILLED
        case -24:  # SIGXCPU
            return Outcome.TIMED_OUT
        case -25:  # SIGXFSZ
            return Outcome.DISK_FULL
        case -9:
            return Outcome.KILLED
    return Outcome.DISK_FULL if seen.disk_was_full else Outcome.FAILED


def _words(outcome: Outcome, limits: Limits, seconds: float, code: int | None) -> str:
    match outcome:
        case Outcome.TIMED_OUT:
            return f"It ran longer than {seconds:g} s and was ended."
        case Outcome.OUT_OF_MEMORY:
            return f"It used more than {size(limits.memory)} of memory and was ended."
        case Outcome.OUTPUT_LIMIT:
            return f"It printed more than {size(limits.output)} and was ended."
        case Outcome.DISK_FULL:
            return f"It wrote more than {size(limits.disk)} of new files, or more than {limits.inodes:,} of them."
        case Outcome.KILLED:
            return "It was killed from inside its sandbox."
        case Outcome.FAILED if code is not None and code < 0:
            return f"It was ended by the signal {signal.Signals(-code).name}."
    return ""
