"""What all commands share: the settings, the log, a run until a signal ends it, and errors in one line."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, NoReturn

import typer

from bot.disk import make_private
from bot.errors import BotError, SetupError
from bot.settings import Settings, load
from bot.turns.loop import current_thread

log = logging.getLogger(__name__)


@contextmanager
def said_when_slow(what: str) -> Iterator[None]:
    """Say in the terminal what is being done, once that has taken two seconds."""
    timer = Timer(2, lambda: print(f"{what}…", file=sys.stderr, flush=True))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def settings_from(data: Path | None, *, quiet: bool = False, port: int = 0) -> Settings:
    """Return the settings; a wrong one, a port out of range or a folder that cannot be written ends the program."""
    try:
        settings = load(**({"bot_data": data.absolute()} if data else {}))
        if not 0 <= port <= 65_535:
            raise SetupError(f"Port {port} is out of range: 0 to 65535.")
        _make(settings.bot_data)
        if not os.access(settings.bot_data, os.W_OK | os.X_OK):
            raise SetupError(f"The data folder {settings.bot_data} cannot be written. Choose one with --data or BOT_DATA.")
    except OSError as error:
        fail(SetupError(f"The data folder cannot be used: {error.filename}: {error.strerror}. Choose one with --data."))
    except BotError as error:
        fail(error)
    _set_up_logging("ERROR" if quiet else settings.bot_log_level)
    return settings


def _make(data: Path) -> None:
    """Make the data folder, and close it to other users of the machine, but not one that holds what is not ours."""
    ours = not data.is_dir() or not any(data.iterdir()) or any((data / name).exists() for name in ("bot.sqlite", "threads"))
    if ours and not (data.is_dir() and data.stat().st_mode & stat.S_ISVTX):  # nor /tmp
        make_private(data, passable=True)


def run_until_signal(main: Coroutine[Any, Any, int | None]) -> int | None:
    """Run `main` until it ends or a signal cancels it, and return its exit code, or 128 plus the signal's number."""
    signals: list[int] = []

    async def run() -> int | None:
        task = asyncio.ensure_future(main)

        def cancel(number: int) -> None:
            signals.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, cancel, number)
        return await task

    try:
        code = asyncio.run(run())
        return 128 + signals[0] if signals else code
    except asyncio.CancelledError:
        return 128 + signals[0] if signals else None
    except BotError as error:
        fail(error)
    except OSError as error:  # of the machine, where nothing better is known of it
        log.debug("what follows was met at:", exc_info=True)
        fail(SetupError(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}."))


def fail(error: Exception) -> NoReturn:
    """Print an error in one line, and end the program with exit code 2."""
    print(f"workings: {error}", file=sys.stderr)
    raise typer.Exit(2)


def _set_up_logging(level: str) -> None:
    """Log to standard error, each line with the id of its thread."""

    def add_thread(record: logging.LogRecord) -> bool:
        record.thread_id = current_thread.get()
        return True

    handler = logging.StreamHandler()
    handler.addFilter(add_thread)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(thread_id)s] %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("slack_bolt").setLevel(logging.WARNING)
