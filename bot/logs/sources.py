"""Reads log files as blocks of whole lines: plain, gz, bz2, xz, zst and zip, in UTF-8, UTF-16 or Windows-1252."""

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
LONG = 1 << 20  # bytes of a long line that are kept
_ROTATED = re.compile(r"(?P<base>.*?)(?:[.-](?P<number>\d{1,3}|\d{8}(?:-\d+)?))?(?P<packed>\.(?:gz|bz2|xz|zst))?$")
_NAME = re.compile(
    r"(?:\.log|\.jsonl|\.ndjson|\.syslog|^syslog|^messages)(?:[.-][\d.T-]+)?(?:\.(?:gz|bz2|xz|zst|zip))?$"
    r"|(?<![a-z0-9])logs?(?![a-z0-9]).*(?:\.txt|\.zip|(?<!\.tar)(?<!\.[ct]sv)\.(?:gz|bz2|xz|zst))$",
    re.I,
)
_DOCUMENT = frozenset({"[Content_Types].xml", "mimetype"})  # in the zip that an Office or OpenDocument file is
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
        """Whether a place in it can be reached only by unpacking it from its start."""
        return bool(self.member) or self.path.lower().endswith((*_OPEN, ".zst"))


@dataclass(frozen=True, slots=True)
class Log:
    """A file, or a rotated set of files that are one log, the oldest first."""

    name: str
    parts: tuple[Source, ...]

    def identity(self) -> str:
        """Return a text that changes when any of its files does: their names, sizes and times of change."""
        stats = [(part.name, os.stat(part.path)) for part in self.parts]
        return "|".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one part of a log: their byte offset in the unpacked part, and the number of the first one.

    Lines are numbered from 1 through all the parts of a log.
    """

    offset: int
    line: int
    data: bytes
    part: int = 0

    def lines(self) -> list[bytes]:
        """Return the lines without their line ends."""
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines


def find_sources(paths: Sequence[str]) -> list[Source]:
    """Return the files as sources, each member of a zip as one of its own. Raises NotALog."""
    sources: list[Source] = []
    for path in paths:
        if not os.path.isfile(path):
            raise NotALog(f"{path} is a folder, not a log." if os.path.isdir(path) else f"There is no file {path}.")
        name = path.removeprefix("./")
        if not zipfile.is_zipfile(path):
            sources.append(Source(path, name))
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                members = [m.filename for m in archive.infolist() if not m.is_dir() and not m.flag_bits & 1]
        except zipfile.BadZipFile as error:
            raise NotALog(f"{name} is a broken zip: {error}.") from error
        if not _DOCUMENT.isdisjoint(members):
            raise NotALog(f"{name} is a workbook or another document, not a log.")
        sources += [Source(path, f"{name}!{member}", member) for member in sorted(members)]
    if not sources:
        raise NotALog("There is nothing in it that can be read.")
    return sources


def find_logs(paths: Sequence[str]) -> list[Log]:
    """Return the logs in files: app.log.2.gz, app.log.1 and app.log are one. Raises NotALog."""
    sets: dict[str, list[tuple[tuple[int, str], Source]]] = {}
    for source in find_sources(paths):
        base = _ROTATED.match(source.name)
        assert base is not None
        number = base["number"] or ""
        dated = len(number) >= 6
        age = (1, number) if dated else (2, f"{10_000 - int(number or 0):05d}")
        sets.setdefault(base["base"], []).append((age, source))
    logs = []
    for aged in sets.values():
        parts = tuple(source for _, source in sorted(aged, key=lambda a: (a[0], a[1].name)))
        logs.append(Log(parts[-1].name, parts))
    return logs


def read_log(log: Log) -> Iterator[Block]:
    """Yield a log in blocks of whole lines, part after part. Raises NotALog."""
    line = 1
    for part in range(len(log.parts)):
        for block in read_part(log, part, 0, line):
            yield block
            line = block.line + block.data.count(b"\n") + (not block.data.endswith(b"\n"))


def read_part(log: Log, part: int, offset: int, line: int) -> Iterator[Block]:
    """Yield one part of a log in blocks of whole lines, from the byte offset at which line number `line` begins.

    A line longer than LONG is cut there, and stays one line. Raises NotALog.
    """
    source = log.parts[part]
    try:
        with ExitStack() as stack:
            yield from _cut(*_open(source, stack, offset), offset, line, part)
    except (OSError, EOFError, zipfile.BadZipFile, lzma.LZMAError, RuntimeError, UnicodeError, zlib.error) as error:
        raise NotALog(f"{source.name} cannot be read: {error}.") from error


def _cut(rest: bytes, stream: IO[bytes], offset: int, line: int, part: int) -> Iterator[Block]:
    """Yield the bytes of `rest` and of the stream as blocks."""
    cutting, lost = False, 0
    while data := stream.read(BLOCK):
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
            yield Block(offset, line, data[:cut], part)
            offset, line, lost = offset + cut + lost, line + data.count(b"\n", 0, cut), 0
        if len(rest) > LONG:
            rest, lost, cutting = rest[:LONG], len(rest) - LONG, True
    if rest:
        yield Block(offset, line, rest, part)


def _open(source: Source, stack: ExitStack, offset: int) -> tuple[bytes, IO[bytes]]:
    """Return the first bytes of a source and the stream of the others, from an offset on, with UTF-16 as UTF-8."""
    stream = stack.enter_context(_unpack(source, stack))
    head = stream.read(4)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or (len(head) == 4 and 0 in head and head.count(0) == 2):
        encoding = "utf-16-be" if head[0] == 0 or head[:2] == codecs.BOM_UTF16_BE else "utf-16-le"
        wide = _Wide(stream, head.removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE), encoding)
        stream = cast("IO[bytes]", io.BufferedReader(wide))
        head = b""
    elif b"\0" in head:
        raise NotALog(f"{source.name} is not text: a picture, a workbook or a program is no log.")
    elif head.startswith(codecs.BOM_UTF8):
        head = head[3:]
    if not offset:
        return head, stream
    if stream.seekable() and not source.packed:
        stream.seek(offset)
    else:
        skip = offset - len(head)
        while skip > 0 and (data := stream.read(min(skip, BLOCK))):
            skip -= len(data)
    return b"", stream


def _unpack(source: Source, stack: ExitStack) -> IO[bytes]:
    if source.member:
        return stack.enter_context(zipfile.ZipFile(source.path)).open(source.member)
    ending = os.path.splitext(source.path.lower())[1]
    if ending == ".zst":
        try:
            import zstandard
        except ImportError as error:
            raise NotALog("Reading .zst needs the zstandard library, which is not here.") from error
        packed = stack.enter_context(open(source.path, "rb"))  # noqa: SIM115  the stack closes it
        unpacker = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        return cast("IO[bytes]", io.BufferedReader(unpacker))
    return cast("IO[bytes]", _OPEN.get(ending, open)(source.path, "rb"))


class _Wide(io.RawIOBase):
    """A stream of UTF-16, read as UTF-8."""

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


def decode(line: bytes) -> str:
    """Return a line as text: from UTF-8, else from Windows-1252."""
    try:
        return line.rstrip(b"\r").decode()
    except UnicodeDecodeError:
        return line.rstrip(b"\r").decode("cp1252", errors="replace")
