"""Reads large logs in a second process, which prepares each block while this one works on the block before."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable, Iterator
from typing import NoReturn

from .sources import Block, Log, NotALog, read_log

LARGE = 24_000_000  # bytes from which a second process pays
_HEADER = struct.Struct("<qqqqq")  # offset, line, part, bytes of the block, bytes of what was prepared
_END = -1  # the offset in the header of the last message, which is an error's text or empty
Prepare = Callable[[bytes], bytes]


def read_ahead(log: Log, prepare: Prepare, large: int = LARGE) -> Iterator[tuple[Block, bytes]]:
    """Yield the blocks of a log, each with what `prepare` makes of its bytes. Raises NotALog."""
    if sum(os.path.getsize(part.path) for part in log.parts) >= large and len(os.sched_getaffinity(0)) > 1:
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError:  # where no process may be started, this one reads as well
            os.close(reading)
            os.close(writing)
        else:
            if child == 0:
                os.close(reading)
                _send_blocks(log, prepare, writing)
            os.close(writing)
            yield from _received(reading, child)
            return
    for block in read_log(log):
        yield block, prepare(block.data)


def _send_blocks(log: Log, prepare: Prepare, writing: int) -> NoReturn:
    """Read the log in the child, send every block, and end the process."""
    code = 1
    try:
        with os.fdopen(writing, "wb") as out:
            try:
                for block in read_log(log):
                    prepared = prepare(block.data)
                    out.write(_HEADER.pack(block.offset, block.line, block.part, len(block.data), len(prepared)))
                    out.write(block.data)
                    out.write(prepared)
                    out.flush()  # the parent works on this block while the next one is prepared
                message = b""
            except NotALog as error:
                message = str(error).encode()
            out.write(_HEADER.pack(_END, 0, 0, len(message), 0) + message)
        code = 0
    finally:
        os._exit(code)  # no exit handler of the parent may run here


def _received(reading: int, child: int) -> Iterator[tuple[Block, bytes]]:
    try:
        with os.fdopen(reading, "rb") as stream:
            while True:
                header = stream.read(_HEADER.size)
                if len(header) < _HEADER.size:
                    raise NotALog("The log could not be read to its end.")
                offset, line, part, size, prepared = _HEADER.unpack(header)
                data = stream.read(size)
                if offset == _END:
                    if data:
                        raise NotALog(data.decode())
                    return
                yield Block(offset, line, data, part), stream.read(prepared)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
