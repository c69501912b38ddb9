"""The channels of a run: its input, its output up to a limit, and the status that the process inside reports."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bot.sandbox.inside.plan import Exited, Failed, Ready, decode
from bot.sandbox.limits import size


@dataclass(slots=True)
class Output:
    """What a run prints, at most `limit` bytes in both streams together; `full` is set when there was more."""

    limit: int
    full: asyncio.Event = field(default_factory=asyncio.Event)
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    async def read(self, stream: asyncio.StreamReader, into: bytearray) -> None:
        """Keep what fits of a stream, and read on past the limit so that the writer does not block."""
        while chunk := await stream.read(1 << 16):
            into += chunk[: max(0, self.limit - len(self.stdout) - len(self.stderr))]
            if len(self.stdout) + len(self.stderr) >= self.limit:
                self.full.set()


class Status:
    """What the process inside reports: Ready, with the open folders that take new files, then how the script ended."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._folders: list[int] = []
        self.ready = False
        self.error = ""
        self.exited: Exited | None = None
        self.filled = ""  # the folder for temporary files that was full last, with its size

    def poll(self) -> None:
        """Take the reports that have arrived."""
        with suppress(BlockingIOError, ConnectionError):
            while True:
                data, descriptors, _, _ = socket.recv_fds(self._socket, 4096, 4)
                if not data:
                    return
                self._folders += descriptors
                match decode(data, Ready, Failed, Exited):
                    case Ready():
                        self.ready = True
                    case Failed(error):
                        self.error = error
                    case Exited() as exited:
                        self.exited = exited

    async def disk(self, _: Sequence[int]) -> tuple[int, bool]:
        """Return the bytes of new files in memory, and whether one of the folders takes no more."""
        self.poll()
        infos = [os.fstatvfs(folder) for folder in self._folders]
        used = sum((info.f_blocks - info.f_bfree) * info.f_frsize for info in infos)
        for info, place in zip(infos, ("", "/tmp", "/dev/shm"), strict=False):  # as steps.py opens them
            if full := info.f_bfree < 16 or info.f_ffree < 2:
                self.filled = f"{place} ({size(info.f_blocks * info.f_frsize)})" if place else ""
                return used, full
        return used, False

    def give_layer(self) -> int | None:
        """Return the descriptor of the overlay's upper layer, the first folder, for the caller to close; None without one."""
        return self._folders.pop(0) if self._folders else None

    def close(self) -> None:
        """Close the folders that were not given away."""
        while self._folders:
            os.close(self._folders.pop())


def readable(data: bytes) -> int:
    """Return a read-only descriptor of these bytes, which nobody can open to write."""
    memory = os.memfd_create("data", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(memory, "wb", closefd=False) as file:
            file.write(data)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
        return os.open(f"/proc/self/fd/{memory}", os.O_RDONLY)
    finally:
        os.close(memory)
