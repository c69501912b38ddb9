"""What comes before a store can be used: nobody else has it open, and its tables are up to date."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import aiosqlite

from bot.errors import SetupError


async def migrate(db: aiosqlite.Connection, path: Path | str) -> None:
    """Apply the numbered SQL files that the database does not have yet, each in a transaction."""
    scripts = sorted((f for f in files(__package__).iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    async with db.execute("pragma user_version") as cursor:
        [(version,)] = await cursor.fetchall()
    if version > len(scripts):
        raise SetupError(f"The store {path} was written by a newer version of this program. Run that one.")
    for number, script in enumerate(scripts[version:], version + 1):
        await db.executescript(f"begin;\n{script.read_text()}\npragma user_version = {number};\ncommit;")


@contextmanager
def alone(path: Path | str) -> Iterator[None]:
    """Hold the lock that keeps a second process away from the data."""
    if str(path) == ":memory:":
        yield
        return
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        lock = open(f"{path}.lock", "w")  # noqa: SIM115  held until the store closes
    except OSError as error:
        raise SetupError(
            f"The folder {Path(path).parent} cannot be written: {error.strerror}. Set BOT_DATA."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SetupError(
                f"Another bot is using {Path(path).parent}. Stop it, or set BOT_DATA to another folder."
            ) from error
        yield
