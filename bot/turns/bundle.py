"""The files of one answer: the most useful ones as they are, the others in one zip and by name."""

from __future__ import annotations

import asyncio
import logging
import os
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import Final

from bot.ports import Attachment, Sandbox
from bot.thread.files import OUTPUT, FileInfo, FileName
from bot.thread.text import quoted

log = logging.getLogger(__name__)
MAX_FILES: Final = 10  # of one answer that are uploaded as they are
MAX_ZIP: Final = 200_000_000  # bytes of files that are put into one zip
ZIP: Final = FileName("more-files.zip")
CHUNK: Final = 1 << 18


@asynccontextmanager
async def bundled(files: Sequence[FileInfo], sandbox: Sandbox) -> AsyncIterator[tuple[list[Attachment], str]]:
    """Yield what to upload of files that are ordered by use, and, in words, where the others are ("" if there are none)."""
    shown, others = files[:MAX_FILES], files[MAX_FILES:]
    attachments = [
        Attachment(name=FileName(f.name.removeprefix(OUTPUT)), size=f.size, chunks=partial(sandbox.open, f.name)) for f in shown
    ]
    if not others:
        yield attachments, ""
        return
    names = quoted([f.name for f in others])
    by_name = f"{len(others)} more files are in the thread's workspace; ask for them by name: {names}."
    if sum(f.size for f in others) > MAX_ZIP:
        yield attachments, by_name
        return
    with TemporaryFile() as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for other in others:
                    with archive.open(zipfile.ZipInfo(other.name), "w", force_zip64=True) as entry:
                        async for chunk in sandbox.open(other.name):
                            await asyncio.to_thread(entry.write, chunk)
        except OSError as error:
            log.warning("the zip could not be written: %s", error)
            yield attachments, by_name
            return
        size = file.tell()
        attachments.append(Attachment(name=ZIP, size=size, chunks=lambda: _read(file.fileno(), size)))
        yield attachments, f"{len(others)} more files are in `{ZIP}`: {names}."


async def _read(file: int, size: int) -> AsyncIterator[bytes]:
    """Yield the bytes of an open file from the first one on, wherever it stands."""
    for start in range(0, size, CHUNK):
        yield await asyncio.to_thread(os.pread, file, CHUNK, start)
