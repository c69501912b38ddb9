"""A turn that processes die with: it is never closed for that, the thread is told once, and a stop ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import ServiceError
from bot.store.sqlite import open_store
from bot.turns.messenger import DIED
from tests.fakes import Scripted
from tests.world import THREAD, World, mention, respond


@asynccontextmanager
async def after_deaths(path: Path, deaths: int, *script: Scripted) -> AsyncIterator[World]:
    """A world whose process died again and again while it was at work in THREAD."""
    for _ in range(deaths):
        async with open_store(path) as store:
            await store.claim(THREAD)
    async with open_store(path) as store:
        yield World(store, *script)


@pytest.fixture(params=["before it was read", "after it was read"])
async def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store with a question that nobody has answered."""
    async with open_store(tmp_path / "bot.sqlite") as store:
        await store.accept(mention("plot", ts="2.0"))
        if request.param == "after it was read":
            w = World(store)
            w.chat.faults["open"] = [ServiceError("Slack is away.")]
            await w.turns.run(THREAD)
    return tmp_path / "bot.sqlite"


async def test_the_thread_is_told_once_after_two_deaths_and_answered_all_the_same(path: Path) -> None:
    async with after_deaths(path, 2, respond("Here.")) as w:
        w.chat.faults["status"] = [RuntimeError("bug")]
        await w.turns.run(THREAD)
        w.chat.faults.clear()

        await w.turns.run(THREAD)

        assert w.texts() == [DIED, "Here."]
        assert await w.store.waiting() == []


async def test_a_turn_that_rests_is_told_of_but_goes_on_only_when_it_is_due(path: Path) -> None:
    async with after_deaths(path, 6, respond("Here.")) as w:
        for _ in range(3):
            await w.turns.run(THREAD)

        assert (w.texts(), len(w.model.script)) == ([DIED], 1)
        assert await w.store.waiting() == [THREAD]


async def test_a_turn_that_rests_is_ended_by_a_stop(path: Path) -> None:
    async with after_deaths(path, 6, respond("Here.")) as w:
        await w.tell(replace(mention("stop"), kind="stop", key="stop"))

        assert "Stopped." in (*w.texts(), *(text for _, text in w.chat.whispers))[-1]
        assert await w.store.waiting() == []
