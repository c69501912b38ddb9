"""Lines without what varies: whole blocks at once, and for large logs by a second process that reads ahead."""

from __future__ import annotations

import os
import re
import signal
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .masking import METHODS
from .sources import Block, Log, NotALog, log_blocks

LARGE = 24_000_000  # bytes from which a second process pays
HEX = re.compile(rb"\b[0-9A-Fa-f]{8,}(?:-[0-9A-Fa-f]{4,})*\b")
_DIGITS = b"0123456789"
_HEAD = struct.Struct(
    "<qqqqq"
)  # offset, line, part, bytes of the block, bytes of its skeletons; -1 and a message ends it
# HTTP statuses would vanish with the digits; those of trouble, and those met at the start, are written in letters before.
_TROUBLE = {b"429", b"499", b"500", b"502", b"503", b"504"}
_LETTERS = bytes.maketrans(_DIGITS, b"ghijklmnop")


@dataclass(frozen=True, slots=True)
class Skeletons:
    """Turns lines into what is left without digits; `hexed`, without long identifiers as well."""

    marks: tuple[tuple[bytes, bytes], ...]
    hexed: bool

    @classmethod
    def learned(cls, sample: Sequence[str]) -> Skeletons:
        """Learn from lines which statuses to keep, and whether many lines have an identifier of their own."""
        long = sum(1 for line in sample if HEX.search(line.encode()))
        return cls(tuple(_statuses("\n".join(sample))), long > len(sample) // 5)

    def of(self, data: bytes) -> bytes:
        """The skeletons of lines, as many as there are lines."""
        if self.hexed:
            data = HEX.sub(b"#", data)
        for plain, mark in self.marks:
            data = data.replace(plain, mark)
        return data.translate(None, _DIGITS)


def with_skeletons(log: Log, skeletons: Skeletons) -> Iterator[tuple[Block, bytes]]:
    """Yield the blocks of a log, each with its skeletons. Raises NotALog."""
    if sum(os.path.getsize(part.path) for part in log.parts) >= LARGE and len(os.sched_getaffinity(0)) > 1:
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError:  # where no process may be started, one does it all
            os.close(reading)
            os.close(writing)
        else:
            if child == 0:
                os.close(reading)
                _read_ahead(log, skeletons, writing)
            os.close(writing)
            yield from _received(reading, child)
            return
    for block in log_blocks(log):
        yield block, skeletons.of(block.data)


def _read_ahead(log: Log, skeletons: Skeletons, writing: int) -> None:
    """Be the process that reads; does not return."""
    code = 1
    try:
        with os.fdopen(writing, "wb", buffering=0) as out:
            try:
                for block in log_blocks(log):
                    made = skeletons.of(block.data)
                    _send(out.fileno(), _HEAD.pack(block.offset, block.line, block.part, len(block.data), len(made)))
                    _send(out.fileno(), block.data)
                    _send(out.fileno(), made)
                message = b""
            except NotALog as error:
                message = str(error).encode()
            _send(out.fileno(), _HEAD.pack(-1, 0, 0, len(message), 0) + message)
        code = 0
    finally:
        os._exit(code)  # nothing of the process it was forked from may run here


def _send(writing: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writing, view) :]


def _received(reading: int, child: int) -> Iterator[tuple[Block, bytes]]:
    try:
        with os.fdopen(reading, "rb") as stream:
            while True:
                head = stream.read(_HEAD.size)
                if len(head) < _HEAD.size:
                    raise NotALog("The log could not be read to its end.")
                offset, line, part, size, made = _HEAD.unpack(head)
                data = stream.read(size)
                if offset < 0:
                    if data:
                        raise NotALog(data.decode())
                    return
                yield Block(offset, line, data, part), stream.read(made)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _statuses(sample: str) -> Iterator[tuple[bytes, bytes]]:
    """What keeps HTTP statuses apart in skeletons, for logs that have them."""
    places = [r"(?P<before>(?:status|code|Code)\"?[=:] ?\"?)(?P<n>[1-5]\d\d)(?P<after>\D)"]
    if re.search(rf"\b(?:{METHODS}) \S+(?: HTTP/[\d.]+\"?)? [1-5]\d\d\b", sample):
        places.append(r"(?P<before>\s)(?P<n>[1-5]\d\d)(?P<after>\s)")
    met = [m for place in places for m in re.finditer(place, sample)]
    around = Counter((m["before"].encode(), m["after"].encode()) for m in met)
    wanted = _TROUBLE | {m["n"].encode() for m in met if m["n"][0] == "4"}
    for (before, after), _ in around.most_common(4):
        for status in sorted(wanted)[:16]:
            yield before + status + after, before + status.translate(_LETTERS) + after
