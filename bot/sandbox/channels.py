"""What goes into a run and comes out of it: its input, its output up to a limit, and what its launcher tells."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Output:
    limit: int
    full: asyncio.Event = field(default_factory=asyncio.Event)
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    async def read(self, stream: asyncio.StreamReader, into: bytearray) -> None:
        """Keep what fits of a stream, and go on reading so that its writer does not hang."""
        while chunk := await stream.read(1 << 16):
            into += chunk[: max(0, self.limit - len(self.stdout) - len(self.stderr))]
            if len(self.stdout) + len(self.stderr) >= self.limit:
                self.full.set()


class Status:
    """What the launcher tells: first the open folders that take new files, in the end how the script ended."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._folders: list[int] = []
        self.said: dict[str, Any] = {}

    def poll(self) -> None:
        """Take what has come."""
        with suppress(BlockingIOError, ConnectionError):
            while True:
                data, descriptors, _, _ = socket.recv_fds(self._socket, 4096, 4)
                if not data:
                    return
                self._folders += descriptors
                self.said |= json.loads(data)

    async def disk(self, _: Sequence[int]) -> tuple[int, bool]:
        """Bytes of new files in memory, and whether one of the folders takes no more."""
        self.poll()
        infos = [os.fstatvfs(folder) for folder in self._folders]
        used = sum((info.f_blocks - info.f_bfree) * info.f_frsize for info in infos)
        return used, any(info.f_bfree < 16 or info.f_ffree < 2 for info in infos)

    def layer(self) -> int | None:
        """Give away the layer's descriptor, the first."""
        return self._folders.pop(0) if self._folders else None

    def close(self) -> None:
        """Close what was not given away."""
        while self._folders:
            os.close(self._folders.pop())


def given(text: str) -> int:
    """A descriptor to read the text from, or nothing."""
    return readable(text.encode(errors="replace")) if text else os.open("/dev/null", os.O_RDONLY)


def readable(data: bytes) -> int:
    """A descriptor to read these bytes from; they cannot be changed through it."""
    memory = os.memfd_create("data")
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(memory, left) :]
        return os.open(f"/proc/self/fd/{memory}", os.O_RDONLY)
    finally:
        os.close(memory)
