"""What only a store on disk can show."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import SetupError
from bot.store.sqlite import SqliteStore, open_store
from bot.terminal import settings_from
from bot.thread.entries import Delivery, Reply
from bot.thread.request import ThreadId
from tests.world import THREAD, mention

WRITER = Path(__file__).with_name("writer.txt").read_text()


async def test_a_restart_keeps_requests_and_conversations(tmp_path: Path) -> None:
    async with open_store(tmp_path / "bot.sqlite") as store:
        await store.accept(mention("hi"))
        await (await store.claim(THREAD)).append(Reply(text="hello"))

    async with open_store(tmp_path / "bot.sqlite") as store:
        assert await store.waiting() == [THREAD]
        assert (await (await store.claim(THREAD)).load()).entries == (Reply(text="hello"),)


async def test_marks_survive_a_restart_and_never_go_back(tmp_path: Path) -> None:
    async with open_store(tmp_path / "bot.sqlite") as store:
        await store.mark({"C1": "10.5", "": "7.0"})
        await store.accept(mention("hi", ts="99.0"))

    async with open_store(tmp_path / "bot.sqlite") as store:
        await store.mark({"C1": "9.9", "C2": "8.0"})
        assert await store.marks() == {"C1": "10.5", "C2": "8.0", "": "7.0"}
        assert [await store.active(since) for since in (99, 100)] == [{THREAD: 99.0}, {}]


async def test_what_was_acknowledged_survives_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE)
    assert writer.stdout
    acknowledged = [int(await writer.stdout.readline()) for _ in range(50)][-1]
    writer.kill()
    await writer.communicate()

    async with open_store(path) as store:
        requests = await (await store.claim(THREAD)).inbox()

    assert len(requests) > acknowledged


async def test_a_write_waits_for_another_program_and_the_loop_goes_on(tmp_path: Path) -> None:
    async with open_store(tmp_path / "bot.sqlite") as store:
        with closing(sqlite3.connect(tmp_path / "bot.sqlite", isolation_level=None)) as other:
            other.execute("begin immediate")
            accepting = asyncio.create_task(store.accept(mention("hi")))
            await asyncio.sleep(0.1)
            assert (accepting.done(), await store.waiting()) == (False, [])
            other.execute("rollback")

        assert await accepting


async def test_other_users_of_the_machine_cannot_read_the_store(tmp_path: Path) -> None:
    data, umask = tmp_path / "data", os.umask(0o022)
    try:
        async with open_store(data / "bot.sqlite"):
            pass
        for path in (data, *data.iterdir()):
            path.chmod(0o755)  # as an earlier release left it
        assert settings_from(data).bot_data == data
        async with open_store(data / "bot.sqlite") as store:
            await store.accept(mention("hi"))
            modes = {path.name: oct(path.stat().st_mode & 0o777) for path in data.iterdir()}
    finally:
        os.umask(umask)

    assert modes == dict.fromkeys(("bot.sqlite", "bot.sqlite-wal", "bot.sqlite-shm", "bot.sqlite.lock"), "0o600")
    assert data.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)


async def test_a_second_process_is_told_that_the_folder_is_taken(tmp_path: Path) -> None:
    async with open_store(tmp_path / "bot.sqlite"):
        with pytest.raises(SetupError, match="Another bot is using"):
            async with open_store(tmp_path / "bot.sqlite"):
                pass


async def test_a_store_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "bot.sqlite") as connection:
        connection.execute("pragma user_version = 99")
    connection.close()

    with pytest.raises(SetupError, match="newer version"):
        async with open_store(tmp_path / "bot.sqlite"):
            pass


@pytest.mark.parametrize(("at", "damage"), [(0, b"not a database"), (4 * 4096, b"\xff" * 4096), (30_000, None)])
async def test_a_damaged_store_is_known_at_the_start_with_what_to_do(tmp_path: Path, at: int, damage: bytes | None) -> None:
    async with open_store(tmp_path / "bot.sqlite") as store:
        await (await store.claim(THREAD)).append(*(Reply(text=f"hello {n} " * 99) for n in range(99)))
    with (tmp_path / "bot.sqlite").open("r+b") as file:
        file.seek(at)
        file.write(damage) if damage else file.truncate()

    with pytest.raises(SetupError, match=r"bot.sqlite is damaged: .*\. Put a copy from before in its place, or move it away"):
        async with open_store(tmp_path / "bot.sqlite"):
            pass


class Clock:
    """A clock that is set by hand, in Unix time."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def after_a_death(path: Path, clock: Clock, *threads: ThreadId) -> AsyncIterator[SqliteStore]:
    """The store of a process whose predecessor died while it worked on threads."""
    async with open_store(path, clock=clock) as store:
        for thread in threads:
            await store.claim(thread)
    async with open_store(path, clock=clock) as store:
        yield store


async def test_a_turn_that_processes_die_with_is_resumed_ever_later(tmp_path: Path) -> None:
    path, clock, rests = tmp_path / "bot.sqlite", Clock(), []
    async with open_store(path) as store:
        await store.accept(mention("hi"))

    for _ in range(7):
        async with after_a_death(path, clock, THREAD) as store:
            died = clock.now
            while not await store.due():
                assert (await store.claim(THREAD)).rests
                await (await store.claim(THREAD)).release()
                clock.now += 10
            rests.append(clock.now - died)
            claim = await store.claim(THREAD)
            assert not claim.rests
            await claim.release()
            clock.now = died - 20_000  # set back by hours, it rests no longer
            assert await store.due() == [THREAD]
            clock.now = died + 1_000

    assert rests == [0, 0, 10, 60, 600, 600, 600]


async def test_only_a_turn_that_went_on_is_forgiven_its_deaths_and_a_suspect_is_resumed_alone_after_the_others(
    tmp_path: Path,
) -> None:
    path, clock = tmp_path / "bot.sqlite", Clock()
    threads = [ThreadId("T1", "C1", f"{n}.0") for n in range(4)]
    async with open_store(path) as store:
        for thread in threads:
            await store.accept(replace(mention("hi"), thread=thread))
    for _ in range(2):
        async with after_a_death(path, clock, *threads[:3]) as store:
            claim = await store.claim(threads[2])
            await claim.append(Delivery(intent="reply", turn="1.0", result="delivered"))  # it goes on in every life
            await claim.append(Delivery(intent="reply", turn="1.0"))
            await claim.release()

    async with after_a_death(path, clock, threads[2]) as store:
        assert await store.due() == [threads[2], threads[3]]  # the third died too, but once since it went on
        await (await store.claim(threads[2])).append(Reply(text="hello"))
        assert await store.due() == [threads[2], threads[3], threads[0]]

        alone = await store.claim(threads[0])
        assert await store.due() == threads[2:]
        await alone.release()
        clock.now += 1
        assert await store.due() == [threads[2], threads[3], threads[0]]
        await (await store.claim(threads[0])).append(Reply(text="hello"))
        assert await store.due() == [threads[0], threads[2], threads[3], threads[1]]
