"""Where lines come from: plain files, gz, bz2, xz, zst and zip, in any encoding, as blocks of whole lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, cast

BLOCK = 4 << 20  # bytes of one block
LONG = 1 << 20  # bytes of a line that are kept
_ROTATED = re.compile(r"(?P<base>.*?)(?:[.-](?P<number>\d{1,3}|\d{8}(?:-\d+)?))?(?P<packed>\.(?:gz|bz2|xz|zst))?$")
_NAME = re.compile(
    r"(?:\.log|\.jsonl|\.ndjson|\.syslog|^syslog|^messages)(?:[.-][\d.T-]+)?(?:\.(?:gz|bz2|xz|zst|zip))?$"
    r"|(?<![a-z0-9])logs?(?![a-z0-9]).*(?:\.txt|\.zip|(?<!\.tar)(?<!\.[ct]sv)\.(?:gz|bz2|xz|zst))$",
    re.I,
)
_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class NotALog(Exception):
    """A file that cannot be read as text; the text is for the user."""


def is_log(name: str) -> bool:
    """Return whether a file's name says that it is a log: app.log.1.gz, syslog or server-log.txt, but not notes.txt."""
    return _NAME.search(name.rsplit("/", 1)[-1]) is not None


@dataclass(frozen=True, slots=True)
class Source:
    """One log: a file, or one member of a zip; `name` is how it is cited."""

    path: str
    name: str
    member: str = ""

    @property
    def packed(self) -> bool:
        """Whether it must be unpacked from its start to reach a place in it."""
        return bool(self.member) or self.path.lower().endswith((*_OPEN, ".zst"))

    def identity(self) -> str:
        """What changes when the file does."""
        found = os.stat(self.path)
        return f"{self.name}:{found.st_size}:{found.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class Log:
    """What is read as one log: a file, or a rotated set of files, the oldest first."""

    name: str
    parts: tuple[Source, ...]

    def identity(self) -> str:
        """What changes when any of its files does."""
        return "|".join(part.identity() for part in self.parts)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one part of a log: where they begin, in bytes of the unpacked text and as a line number counted from 1.

    Lines are counted through all the parts of a log.
    """

    offset: int
    line: int
    data: bytes
    part: int = 0

    def lines(self) -> list[bytes]:
        """The lines without their ends."""
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines


def sources(paths: Sequence[str]) -> list[Source]:
    """Return the logs in files, the members of a zip each; raises NotALog."""
    found: list[Source] = []
    for path in paths:
        if not os.path.isfile(path):
            raise NotALog(f"There is no file {path}.")
        name = path.removeprefix("./")
        if not zipfile.is_zipfile(path):
            found.append(Source(path, name))
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                members = [m.filename for m in archive.infolist() if not m.is_dir() and not m.flag_bits & 1]
        except zipfile.BadZipFile as error:
            raise NotALog(f"{name} is a broken zip: {error}.") from error
        found += [Source(path, f"{name}!{member}", member) for member in sorted(members)]
    if not found:
        raise NotALog("There is nothing in it that can be read.")
    return found


def logs(paths: Sequence[str]) -> list[Log]:
    """Return the logs in files: app.log.2.gz, app.log.1 and app.log are one. Raises NotALog."""
    sets: dict[str, list[tuple[tuple[int, str], Source]]] = {}
    for source in sources(paths):
        base = _ROTATED.match(source.name)
        assert base is not None
        number = base["number"] or ""
        dated = len(number) >= 6
        age = (1, number) if dated else (2, f"{10_000 - int(number or 0):05d}")
        sets.setdefault(base["base"], []).append((age, source))
    found = []
    for parts in sets.values():
        ordered = tuple(source for _, source in sorted(parts, key=lambda p: (p[0], p[1].name)))
        found.append(Log(ordered[-1].name, ordered))
    return found


def log_blocks(log: Log) -> Iterator[Block]:
    """Yield a log in blocks of whole lines, part after part. Raises NotALog."""
    line = 1
    for part in range(len(log.parts)):
        for block in part_blocks(log, part, 0, line):
            yield block
            line = block.line + block.data.count(b"\n") + (not block.data.endswith(b"\n"))


def part_blocks(log: Log, part: int, offset: int, line: int) -> Iterator[Block]:
    """Yield one part of a log from a byte offset on, at which line number `line` of the whole log begins."""
    for block in blocks(log.parts[part], offset, line):
        yield Block(block.offset, block.line, block.data, part)


def blocks(source: Source, offset: int = 0, line: int = 1, size: int = BLOCK) -> Iterator[Block]:
    """Yield the source in blocks of whole lines, from a byte offset at which line number `line` begins.

    A line longer than LONG is cut there; it stays one line. Raises NotALog.
    """
    try:
        with ExitStack() as stack:
            yield from _cut(_opened(source, stack, offset), offset, line, size)
    except (OSError, EOFError, zipfile.BadZipFile, lzma.LZMAError, RuntimeError, UnicodeError, zlib.error) as error:
        raise NotALog(f"{source.name} cannot be read: {error}.") from error


def _cut(stream: IO[bytes], offset: int, line: int, size: int) -> Iterator[Block]:
    rest, cutting, lost = b"", False, 0
    while data := stream.read(size):
        if cutting:
            end = data.find(b"\n")
            lost += len(data) if end < 0 else end
            if end < 0:
                continue
            data, cutting = data[end:], False
        data = rest + data
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut:
            whole = Block(offset, line, data[:cut])
            yield whole
            offset, line, lost = offset + cut + lost, line + data.count(b"\n", 0, cut), 0
        if len(rest) > LONG:
            rest, lost, cutting = rest[:LONG], len(rest) - LONG, True
    if rest:
        yield Block(offset, line, rest)


def _opened(source: Source, stack: ExitStack, offset: int) -> IO[bytes]:
    """The bytes of a source as UTF-8 or another encoding that keeps ASCII, from an offset on."""
    stream = stack.enter_context(_unpacked(source, stack))
    head = stream.read(4)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or (len(head) == 4 and 0 in head and head.count(0) == 2):
        encoding = "utf-16-be" if head[0] == 0 or head[:2] == codecs.BOM_UTF16_BE else "utf-16-le"
        wide = _Wide(stream, head.removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE), encoding)
        stream = cast("IO[bytes]", io.BufferedReader(wide))
        head = b""
    elif b"\0" in head:
        raise NotALog(f"{source.name} is not text.")
    elif head.startswith(codecs.BOM_UTF8):
        head = head[3:]
    if not offset:
        return cast("IO[bytes]", _Again(head, stream))
    if stream.seekable() and not source.packed:
        stream.seek(offset)
    else:
        skip = offset - len(head)
        while skip > 0 and (data := stream.read(min(skip, BLOCK))):
            skip -= len(data)
    return stream


def _unpacked(source: Source, stack: ExitStack) -> IO[bytes]:
    if source.member:
        return stack.enter_context(zipfile.ZipFile(source.path)).open(source.member)
    ending = os.path.splitext(source.path.lower())[1]
    if ending == ".zst":
        try:
            import zstandard
        except ImportError as error:
            raise NotALog("Reading .zst needs the zstandard library, which is not here.") from error
        packed = stack.enter_context(open(source.path, "rb"))  # noqa: SIM115  the stack closes it
        return cast(
            "IO[bytes]", io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True))
        )
    return cast("IO[bytes]", _OPEN.get(ending, open)(source.path, "rb"))


class _Again:
    """A stream with bytes put back at its start."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int) -> bytes:
        head, self._head = self._head, b""
        return head + self._stream.read(size)


class _Wide(io.RawIOBase):
    """UTF-16 as UTF-8."""

    def __init__(self, stream: IO[bytes], head: bytes, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = self._decoder.decode(head).encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._ready:
            data = self._stream.read(1 << 16)
            self._ready = self._decoder.decode(data, final=not data).encode()
            if not data and not self._ready:
                return 0
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def text(line: bytes) -> str:
    """A line as text: UTF-8, else as Windows and Latin-1 write it."""
    try:
        return line.rstrip(b"\r").decode()
    except UnicodeDecodeError:
        return line.rstrip(b"\r").decode("cp1252", errors="replace")
