"""Locks between processes, and files that are written whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def lock(opened: int | IO[str] | IO[bytes]) -> bool:
    """Take the exclusive lock on an open file or folder; return False when somebody else holds it.

    The lock is held until the file is closed, and released by the system when the process dies. Raises OSError where the
    file system has no locks.
    """
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def written_whole(path: Path, *, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Yield a draft beside `path` which replaces it, synced to disk, when the block ends without an error.

    After an error `path` is as it was. One writer at a time: all drafts of a path bear the same name, so that the draft
    of a killed process is overwritten by the next.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
