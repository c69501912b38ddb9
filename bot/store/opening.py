"""Opening a store: a lock against other processes, and migrations that bring its tables up to date."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from bot.disk import lock, make_private_database
from bot.errors import SetupError
from bot.store.resuming import count_deaths


def cannot_be_used(path: Path | str, error: sqlite3.Error | OSError) -> str:
    """Return in words that the database cannot be used, and what to do."""
    if getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(path, str(error))
    return f"The store {path} cannot be used: {error}. See that it can be written, or set BOT_DATA to another folder."


def damaged(path: Path | str, what: str) -> str:
    """Return in words that the database is damaged, and what to do."""
    return (
        f"The store {path} is damaged: {what}. Put a copy from before in its place, or move it away, with its -wal and -shm, and"
        " begin anew. `sqlite3 FILE .recover` prints what can still be read."
    )


def opened(path: Path | str, now: float) -> sqlite3.Connection:
    """Return a connection that writes, from any thread; raises SetupError when it cannot, and sqlite3.Error.

    Reads the whole file once, to know the damage now and not when a thread is loaded.
    """
    db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        db.executescript("pragma journal_mode=wal; pragma synchronous=full;")
        check(db, path)
        migrate(db, path)
        count_deaths(db, now)
        db.execute("pragma busy_timeout = 0")  # from here on nothing waits in the statement itself
    except BaseException:
        db.close()
        raise
    return db


def check(db: sqlite3.Connection, path: Path | str) -> None:
    """Read every page of the database; raises SetupError when one is damaged, and sqlite3.Error."""
    [(found,)] = db.execute("pragma quick_check(1)")
    if found != "ok":
        raise SetupError(damaged(path, " ".join(found.split())))


def migrate(db: sqlite3.Connection, path: Path | str) -> None:
    """Apply the numbered SQL files that the database lacks, each in a transaction; raises SetupError when it is newer."""
    scripts = sorted((f for f in files(__package__).iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    [(version,)] = db.execute("pragma user_version")
    if version > len(scripts):
        raise SetupError(f"The store {path} was written by a newer version of this program. Run that one.")
    for number, script in enumerate(scripts[version:], version + 1):
        db.executescript(f"begin;\n{script.read_text()}\npragma user_version = {number};\ncommit;")


@contextmanager
def locked(path: Path | str) -> Iterator[None]:
    """Hold the lock that keeps a second process away from the data; raises SetupError when that cannot be."""
    if str(path) == ":memory:":
        yield
        return
    if Path(path).is_dir():
        raise SetupError(f"The store {path} cannot be opened: it is a folder. Remove it, or set BOT_DATA to another folder.")
    folder = Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = open(f"{path}.lock", "w", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115  until it closes
    except OSError as error:
        raise SetupError(f"{error.filename} cannot be written: {error.strerror}. Remove it, or set BOT_DATA to another.") from error
    with held:
        try:
            free = lock(held)
        except OSError as error:
            raise SetupError(f"The folder {folder} cannot be locked: {error.strerror}. Set BOT_DATA.") from error
        if not free:
            raise SetupError(f"Another bot is using {folder}. Stop it, or set BOT_DATA to another folder.")
        try:
            make_private_database(Path(path))
        except OSError as error:
            raise SetupError(f"{error.filename} cannot be written: {error.strerror}. Set BOT_DATA to another folder.") from error
        yield
