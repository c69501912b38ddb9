"""What the core may rely on of a store, in memory and on disk."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bot.errors import Lost
from bot.ports import Store
from bot.store.sqlite import open_store
from bot.thread.entries import Decision, Delivery, Entry, Reply, Usage, UserMessage
from bot.thread.request import ThreadId
from tests.strategies import entries
from tests.world import THREAD, mention


@pytest.fixture(params=["memory", "disk"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(":memory:" if request.param == "memory" else tmp_path / "bot.sqlite") as store:
        yield store


async def test_a_request_is_accepted_once_however_often_it_comes(store: Store) -> None:
    asked = mention("hi")

    accepted = await asyncio.gather(*(store.accept(asked) for _ in range(100)))

    assert sorted(accepted) == [False] * 99 + [True]


async def test_who_gives_up_while_it_is_stored_spoils_nothing_for_others(store: Store) -> None:
    impatient = asyncio.create_task(store.accept(mention("hi")))
    others = asyncio.gather(*(store.accept(mention("hi")) for _ in range(3)))
    await asyncio.sleep(0)
    impatient.cancel()

    assert await others == [True] * 3


async def test_an_overheard_message_counts_only_from_somebody_who_spoke_to_us_here(store: Store) -> None:
    overheard = replace(mention("and?"), direct=False)

    assert not await store.accept(overheard)
    await store.accept(mention("hi", user="U2"))
    assert not await store.accept(overheard)
    await store.accept(mention("hi", user=overheard.user))
    assert await store.accept(overheard)


async def test_edits_deletions_and_stops_count_only_where_there_is_something_to_change(store: Store) -> None:
    asked = mention("hi")
    stop = replace(mention("stop"), kind="stop", key="stop")
    edit = replace(mention("ho"), kind="edit", key="edit", replaces=asked.ts)

    assert not await store.accept(stop)
    assert not await store.accept(edit)
    await store.accept(asked)
    assert await store.accept(stop)
    assert await store.accept(edit)


async def test_a_message_whose_deletion_came_first_is_dropped(store: Store) -> None:
    asked = mention("hi")
    gone = replace(asked, kind="delete", key="delete", ts="99.0", replaces=asked.ts)

    assert not await store.accept(gone)
    assert not await store.accept(asked)
    assert await store.accept(mention("again", ts="98.0"))


async def test_requests_come_in_slacks_order_and_not_in_that_of_arrival(store: Store) -> None:
    for ts in ("10.2", "9.1", "10.1"):
        await store.accept(mention("x", ts=ts))

    claim = await store.claim(THREAD)

    assert [r.ts for r in await claim.inbox()] == ["9.1", "10.1", "10.2"]


async def test_an_older_claim_is_lost(store: Store) -> None:
    old = await store.claim(THREAD)
    new = await store.claim(THREAD)

    with pytest.raises(Lost):
        await old.append(Reply(text="from the past"))
    with pytest.raises(Lost):
        await old.load()
    await new.append(Reply(text="from now"))
    assert (await new.load()).entries == (Reply(text="from now"),)


async def test_one_lost_append_does_not_spoil_its_neighbours(store: Store) -> None:
    old = await store.claim(THREAD)
    new = await store.claim(THREAD)

    results = await asyncio.gather(
        new.append(Reply(text="a")), old.append(Reply(text="x")), new.append(Reply(text="b")), return_exceptions=True
    )

    assert [type(r) for r in results] == [type(None), Lost, type(None)]
    assert [e.text for e in (await new.load()).entries if isinstance(e, Reply)] == ["a", "b"]


async def test_a_thread_waits_until_its_requests_are_closed(store: Store) -> None:
    asked = mention("hi")
    claim = await store.claim(THREAD)
    await claim.append(UserMessage(ts="0.5", user="U1", text="which nobody asked"))
    assert await store.waiting() == []
    await store.accept(asked)
    assert await store.waiting() == [THREAD]

    await claim.append(UserMessage(ts=asked.ts, user=asked.user, text=asked.text, key=asked.key))
    assert await store.waiting() == [THREAD]
    await claim.append(Reply(text="done"), close=[asked.key])

    assert await store.waiting() == []
    assert not await store.accept(asked)


async def test_the_thread_that_has_waited_longest_comes_first(store: Store) -> None:
    other = ThreadId("T1", "C1", "0.5")
    first, second = mention("a"), replace(mention("b"), thread=other)
    for request in (first, second, mention("c")):
        await store.accept(request)
    assert await store.waiting() == [THREAD, other]

    await (await store.claim(THREAD)).append(close=[first.key])

    assert await store.waiting() == [other, THREAD]


async def test_errors_of_a_turn_are_counted_until_it_goes_on(store: Store) -> None:
    await store.accept(mention("hi"))
    for crashes in range(2):
        claim = await store.claim(THREAD)
        assert claim.crashes == crashes
        await claim.append(Delivery(intent="reply", turn="1.0"))  # a try is no step forward
        await claim.release(broke=True)

    claim = await store.claim(THREAD)
    await claim.append(Delivery(intent="reply", turn="1.0", result="delivered"))
    await claim.release()

    assert (await store.claim(THREAD)).crashes == 0


async def test_a_thread_that_is_let_rest_is_waiting_but_not_due(store: Store) -> None:
    await store.accept(mention("hi"))
    assert await store.due() == [THREAD]

    await (await store.claim(THREAD)).release(rest=600.0)

    assert (await store.waiting(), await store.due()) == ([THREAD], [])


async def test_a_command_moves_to_the_thread_of_its_file_with_what_was_found(store: Store) -> None:
    command = replace(mention(""), kind="command", thread=ThreadId("T1", "C1", "cmd:1"))
    await store.accept(command)

    await store.move(replace(command, thread=THREAD, text="found"), THREAD)

    assert await store.waiting() == [THREAD]
    [moved] = await (await store.claim(THREAD)).inbox()
    assert (moved.thread, moved.text) == (THREAD, "found")


async def test_tokens_are_counted_to_the_person_who_asked_and_to_the_team(store: Store) -> None:
    claim = await store.claim(THREAD)
    await claim.append(
        UserMessage(ts="1.0", user="U1", text="hi"),
        UserMessage(ts="0.5", user="U9", text="before", context=True),
        Decision(agent="a", calls=(), usage=Usage(model="m", calls=1, input=90, cached=50, output=10)),
    )

    assert await store.spent("T1", "U1", 0) == 100
    assert await store.spent("T1", None, 0) == 100
    assert await store.spent("T1", "U9", 0) == 0
    assert await store.spent("T2", None, 0) == 0
    assert await store.spent("T1", "U1", 9e12) == 0


@given(entry=entries)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
async def test_any_entry_survives(store: Store, entry: Entry) -> None:
    claim = await store.claim(THREAD)

    await claim.append(entry)

    assert (await claim.load()).entries[-1] == entry


async def test_half_a_character_does_not_make_a_message_impossible_to_answer(store: Store) -> None:
    await store.accept(mention("half \ud83d of an emoji"))

    [request] = await (await store.claim(THREAD)).inbox()

    assert request.text == "half \ufffd of an emoji"
