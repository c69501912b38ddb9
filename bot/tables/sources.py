"""The bytes of a table: unpacked, and decoded."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

SMALL: Final = 5_000_000  # bytes: up to here, and in text, a table is read without any library
HEAD: Final = 200_000  # bytes from which a file's form is judged
TEXT: Final = (".csv", ".tsv", ".tab", ".psv")
BOOKS: Final = (".xlsx", ".xlsm")
JSON: Final = (".json", ".jsonl", ".ndjson", ".geojson")
_NAME = re.compile(r"\.(?:csv|tsv|tab|psv|xlsx|xlsm|parquet|json|jsonl|ndjson)(?:\.(?:gz|bz2|xz|zip))?$", re.I)
_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_BINARY = {
    b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"\x7fELF": "a program",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls), one with a password, or a Word document; save it as .xlsx or CSV",
    b"SQLite format 3": "an SQLite database",
}  # fmt: skip


class TableError(Exception):
    """Why a file cannot be read as a table, in one sentence for its owner."""


def is_table(name: str) -> bool:
    """Return whether a file's name says that it is a table: sales.csv, book.xlsx, data.json.gz."""
    return _NAME.search(name.rsplit("/", 1)[-1]) is not None


def may_hold_table(name: str) -> bool:
    """Return whether a file's name does not say what it holds, so that it may be a table: export.txt, export.gz, export.zip."""
    return name.lower().endswith((".txt", ".gz", ".bz2", ".xz", ".zip")) and ".tar." not in name.lower()


def ending(name: str) -> str:
    """Return the ending that says what a file holds: `.csv` of sales.csv.gz."""
    low = name.lower()
    for packed in (".gz", ".bz2", ".xz", ".zip"):
        low = low.removesuffix(packed)
    return os.path.splitext(low)[1]


class Source:
    """A table's file: `name` is that of the table (of a member, where it is packed), `packed` the way it is."""

    def __init__(self, path: str | os.PathLike[str], member: str | None = None) -> None:
        self.path = Path(path)
        self.name, self.packed, self._member = self.path.name, "", ""
        try:
            self.size = self.path.stat().st_size
            with self.path.open("rb") as file:
                start = file.read(16)
        except FileNotFoundError:
            raise TableError(f"There is no file “{self.path.name}”.") from None
        except IsADirectoryError:
            raise TableError(f"“{self.path.name}” is a folder, not a table.") from None
        except OSError as error:
            raise TableError(f"“{self.path.name}” cannot be read: {error.strerror}.") from None
        if not start:
            raise TableError(f"“{self.name}” is empty.")
        self._open: Callable[..., Any] = next((o for magic, o in _OPENERS.items() if start.startswith(magic)), open)
        if self._open is not open:
            self.packed = {gzip.open: "gzip", bz2.open: "bzip2", lzma.open: "xz"}[self._open]
            self.size *= 8  # as texts usually are
        elif start.startswith(b"PK\x03\x04"):
            self._unzip(member)
        if re.match(rb"\s*<(?:!doctype|html|\?xml)", start, re.I):
            raise TableError(f"“{self.name}” is a web page or XML, not a table.")
        for magic, what in _BINARY.items():
            if start.startswith(magic):
                raise TableError(f"“{self.name}” is {what}, not a table.")

    def open(self) -> IO[bytes]:
        """Open the unpacked bytes."""
        if self._member:
            return zipfile.ZipFile(self.path).open(self._member)
        return self._open(self.path, "rb")  # type: ignore[no-any-return]

    def read(self, most: int = -1) -> bytes:
        """Return the unpacked bytes, or the first `most` of them; raises TableError for a damaged file."""
        try:
            with self.open() as file:
                return file.read(most)
        except (OSError, EOFError, zipfile.BadZipFile, lzma.LZMAError, RuntimeError) as error:
            raise TableError(f"“{self.path.name}” cannot be unpacked: {error}.") from error

    def _unzip(self, member: str | None) -> None:
        try:
            with zipfile.ZipFile(self.path) as pack:
                names = [i.filename for i in pack.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
                if "[Content_Types].xml" in names:
                    if not any(name.startswith("xl/") for name in names):
                        raise TableError(f"“{self.path.name}” is a document, not a table.")
                    return  # a workbook
                if "mimetype" in names and "content.xml" in names:
                    raise TableError(f"“{self.path.name}” is an OpenDocument file; save it as .xlsx or CSV.")
                tables = [name for name in names if is_table(name)] or names
                if member:
                    tables = [name for name in tables if member in {name, name.rsplit("/", 1)[-1]}]
                if len(tables) != 1:
                    which = ", ".join(f"“{name}”" for name in (tables or names)[:8])
                    raise TableError(f"“{self.path.name}” holds {len(tables or names)} files: {which}. Say which one.")
                self._member, self.packed = tables[0], "zip"
                self.name, self.size = tables[0].rsplit("/", 1)[-1], pack.getinfo(tables[0]).file_size
        except zipfile.BadZipFile as error:
            raise TableError(f"“{self.path.name}” cannot be unpacked: {error}.") from error


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text from its first bytes: a mark, else UTF-16 by its zeros, UTF-8 where it holds, Windows-1252."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            return name
    evens, odds = head[0:2000:2].count(0), head[1:2000:2].count(0)
    if max(evens, odds) * 3 > min(len(head), 2000) / 2:
        return "utf-16-le" if odds > evens else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
