"""Supervises the process tree of one run from outside: starts it, watches its limits, ends it, and returns its Execution."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.errors import ServiceError
from bot.sandbox.cgroups import Group, Groups
from bot.sandbox.channels import Output, Status, readable
from bot.sandbox.limits import Limits, size
from bot.sandbox.watchdog import Disk, Watch, Watched, kill, time_out
from bot.thread.outcomes import Execution, Outcome


class NotBegun(ServiceError):
    """A run could not be set up, and no line of its script was executed."""


class Started(Protocol):
    """The first process of a run, and the output of its tree."""

    pid: int
    group: Group
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    async def wait(self) -> None:
        """Return when it has ended."""

    async def end(self) -> None:
        """Kill the whole tree and return when nothing of it is left."""


Start = Callable[[socket.socket, int], Awaitable[Started]]  # given the run's end of the status socket, and its stdin


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
        """Kill the whole tree: the first process takes all others with it, and those found are also killed one by one."""
        if self._process.returncode is None:
            kill(self.pid)
            await self._process.wait()
        self.group.release()


async def start_command(command: Callable[[int], Sequence[str]], groups: Groups, status: socket.socket, stdin: int) -> Started:
    """Execute `command(status descriptor)` in a control group of its own."""
    group = groups.make()
    try:
        process = await asyncio.create_subprocess_exec(
            *group.command(command(status.fileno())),
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Not the bot's: a script could read it in the /proc entry of bwrap.
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            pass_fds=[status.fileno()],
            start_new_session=True,
            cwd="/",
        )
    except BaseException:
        group.release()
        raise
    return Spawned(process, group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The standard input and the limits of one run, which may ask for more time than there is.

    `disk` measures new files in a tier without overlay, where the limit then ends the run. `watch` is the watchdog.
    """

    stdin: str
    asked: float
    limits: Limits
    disk: Disk | None
    watch: Watch
    stop: asyncio.Event = field(default_factory=asyncio.Event)  # set by who wants the run to end now

    @property
    def seconds(self) -> float:
        """The seconds after which the run is ended."""
        return min(self.asked, self.limits.seconds)


async def supervise(start: Start, terms: Terms) -> tuple[Execution, int | None]:
    """Start a run and return, when no process of it is left, how it ended and the open upper layer of its overlay, if it has one.

    Raises NotBegun when it could not be set up. Cancelling kills the tree first.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    status, output, seen = Status(ours), Output(terms.limits.output), Watched()
    started = time.monotonic()
    try:
        with ours:
            text = terms.stdin.encode(errors="replace")
            stdin = readable(text) if text else os.open("/dev/null", os.O_RDONLY)
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
        return _execution(cause, status, output, seen, time.monotonic() - started, terms), status.give_layer()
    finally:
        status.close()


async def _until_over(process: Started, output: Output, seen: Watched, status: Status, terms: Terms) -> Outcome | None:
    """Return the limit that the run broke, or None if it ended by itself; either way the tree is dead afterwards."""
    over: asyncio.Future[Any] = asyncio.gather(
        process.wait(), output.read(process.stdout, output.stdout), output.read(process.stderr, output.stderr)
    )
    full, stopped = asyncio.create_task(output.full.wait()), asyncio.create_task(terms.stop.wait())
    timed = asyncio.create_task(time_out(terms.seconds))
    disk, hard = terms.disk or status.disk, terms.disk is not None
    watched = terms.watch(process.pid, terms.limits.memory, seen, disk, process.group.exhausted, hard=hard)
    watching = asyncio.create_task(watched)
    try:
        done, _ = await asyncio.wait([over, full, watching, stopped, timed], return_when=asyncio.FIRST_COMPLETED)
        if over in done:
            return Outcome.OUTPUT_LIMIT if output.full.is_set() else None
        if watching in done:
            return watching.result()
        if stopped in done:
            return Outcome.INTERRUPTED
        return Outcome.OUTPUT_LIMIT if full in done else Outcome.TIMED_OUT
    finally:
        for task in (full, watching, stopped, timed):
            task.cancel()
        await process.end()
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(5):
                await over
        await asyncio.gather(full, watching, stopped, timed, return_exceptions=True)


def _execution(cause: Outcome | None, status: Status, output: Output, seen: Watched, duration: float, terms: Terms) -> Execution:
    stdout, stderr = (bytes(s).decode(errors="replace") for s in (output.stdout, output.stderr))
    if status.error:
        raise NotBegun(f"The sandbox could not be set up: {status.error}")
    if cause is None and not status.ready:
        raise NotBegun(f"The sandbox could not be set up: {stderr.strip()[-300:] or 'it said nothing'}")
    code = status.exited.exit_code if status.exited else None
    outcome = cause or _OUTCOMES.get(code, Outcome.DISK_FULL if seen.disk_was_full else Outcome.FAILED)
    least = terms.limits.memory if cause is Outcome.OUT_OF_MEMORY else 0  # what was seen may be from before the kernel ended it
    return Execution(
        outcome=outcome, exit_code=code, stdout=stdout, stderr=stderr, duration=duration,
        peak_memory=max(seen.peak_memory, status.exited.peak_memory if status.exited else 0, least),
        message=_message(outcome, terms, code, status.filled),
    )  # fmt: skip


def _message(outcome: Outcome, terms: Terms, code: int | None, filled: str) -> str:
    limits = terms.limits
    match outcome:
        case Outcome.TIMED_OUT:
            more = f", the most that a run may take ({terms.asked:g} s were asked for)," if terms.asked > terms.seconds else ""
            return f"It ran longer than {terms.seconds:g} s{more} and was ended."
        case Outcome.OUT_OF_MEMORY:
            return f"It used more than {size(limits.memory)} of memory and was ended."
        case Outcome.OUTPUT_LIMIT:
            return f"It printed more than {size(limits.output)} and was ended."
        case Outcome.DISK_FULL if filled:
            return f"It filled {filled}, the room for temporary files; the thread's own folder has more."
        case Outcome.DISK_FULL:
            return f"It wrote more than {size(limits.disk)} of new files, or more than {limits.inodes:,} of them."
        case Outcome.INTERRUPTED:
            return "It was stopped."
        case Outcome.KILLED:
            return "It was killed by itself, or from outside its sandbox, as when the machine's memory runs out."
        case Outcome.FAILED if code is not None and code < 0:
            return f"It was ended by the signal {signal.Signals(-code).name}."
    return ""


_OUTCOMES = {
    0: Outcome.SUCCEEDED, None: Outcome.KILLED, -signal.SIGKILL: Outcome.KILLED, -signal.SIGXCPU: Outcome.TIMED_OUT,
    -signal.SIGXFSZ: Outcome.DISK_FULL,
}  # fmt: skip
