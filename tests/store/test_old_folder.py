"""A data folder that an early release wrote, and was killed over: it opens, and its threads go on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Overheard
from bot.store.sqlite import SqliteStore, open_store
from bot.thread.conversation import Deliver
from bot.thread.entries import ENTRY, Delivery, Reply
from bot.thread.files import FileName
from bot.thread.request import Command, Request, ThreadId
from tests.fakes import MemorySandbox, Posted
from tests.world import CSV, THREAD, World

DUMP = Path(__file__).with_name("version_1.sql").read_text()
COMMAND = ThreadId("T1", "C1", "cmd:1")
DROPPED = {"certain"}  # fields that entries had once, and nothing reads any more


@contextmanager
def dumped() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as old:
        old.executescript(DUMP)
        yield old


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    with dumped() as old, closing(sqlite3.connect(tmp_path / "bot.sqlite")) as file:
        old.backup(file)
    async with open_store(tmp_path / "bot.sqlite") as store:
        yield store


def as_old(entry: Any, old: Any) -> Any:
    """An entry with the fields that an old one has and that were not dropped since."""
    if isinstance(entry, dict) and isinstance(old, dict):
        return {name: as_old(entry[name], value) for name, value in old.items() if name not in DROPPED}
    return entry


async def test_every_entry_of_an_old_folder_reads_as_it_was_written(store: SqliteStore) -> None:
    with dumped() as old:
        written = [json.loads(body) for (body,) in old.execute("select body from entries order by number")]

    conversation = await (await store.claim(THREAD)).load()

    read: list[dict[str, Any]] = [json.loads(ENTRY.dump_json(e)) for e in conversation.entries]
    assert len(read) == len(written) == 48
    assert {entry["kind"] for entry in read} == {
        "user_message", "decision", "step", "message", "report", "reply", "notice", "delivery", "stopped"
    }  # fmt: skip
    for old_entry, entry in zip(written, read, strict=True):
        assert as_old(entry, old_entry) == as_old(old_entry, old_entry)
    reply = Reply(text="Bars.", files=(FileName("plot.png"), FileName("plot.py")))
    assert conversation.entries[-2:] == (reply, Delivery(intent="reply", turn="6.0"))
    assert conversation.next == Deliver(reply)


async def test_the_requests_and_the_usage_of_an_old_folder_are_there(store: SqliteStore) -> None:
    assert await store.waiting() == [THREAD, COMMAND]

    [message] = await (await store.claim(THREAD)).inbox()
    [command] = await (await store.claim(COMMAND)).inbox()

    assert message == Request(key="msg:C1:6.0", thread=THREAD, ts="6.0", user="U1", text="bars, please")
    assert command == Request(
        key="cmd:1", thread=COMMAND, ts="8.0", user="U1", kind="command", command=Command(target="a.py", args=("1",)),
        response_url="https://slack.invalid/commands/1",
    )  # fmt: skip
    assert not await store.accept(replace(message, key="stop:C1:4.0"))  # a key of long ago is known
    assert await store.spent("T1", "U1", 0) == 11 * 110


async def test_the_open_turn_and_the_command_of_an_old_folder_come_to_their_end_once(store: SqliteStore) -> None:
    w = World(store)
    files = {"sales.csv": CSV, "plot.py": b"print(30)", "plot.png": b"PNG"}
    w.sandboxes.threads[THREAD] = workspace = MemorySandbox({}, 1_000)
    workspace.files |= {FileName(name): data for name, data in files.items()}
    # The answer had reached Slack when the process was killed; that it had is not on record.
    answer = Posted("Bars.", "6.0", files=[("plot.png", b"PNG"), ("plot.py", b"print(30)")])
    w.chat.posts[THREAD] = {"1003.0": answer}
    elsewhere = ThreadId("T1", "C1", "20.0")
    w.chat.said[elsewhere] = [Overheard(ts="20.0", user="U1", text="", uploads=(w.file("a.py", b"print(1)"),))]

    async with w.turns.serving():
        await w.answered()

    [post] = w.chat.posts[THREAD].values()
    assert (post.text, post.files) == (answer.text, answer.files)
    assert post.footer == "scripted · 3 calls · 330 tokens (240 cached) · 1 run · 0.0 s"
    assert w.texts(elsewhere) == ["`a.py` succeeded after 0.00 s. It printed nothing."]
    assert w.chat.made == ["8.0"]
    last = (await w.conversation()).entries[-1]
    assert last == Delivery(intent="reply", turn="6.0", result="delivered")
