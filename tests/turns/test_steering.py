"""What people say, change and stop while a turn is open, and what they say to each other."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.errors import ServiceError
from bot.ports import Person
from bot.thread.conversation import Conversation
from bot.thread.outcomes import Execution
from bot.thread.request import ThreadId
from bot.turns.messenger import Messenger
from bot.turns.open_turn import OpenTurn
from tests.turns.stories import PLOT, RUN, endless, plots
from tests.world import THREAD, brief, mention, report, respond, runpy, silent, world


async def test_an_overheard_delivery_does_not_use_up_the_question() -> None:
    async with world(respond("hello")) as w:
        asked = mention("hi")

        await w.tell(replace(asked, direct=False))
        await w.tell(asked)

        assert w.texts() == ["hello"]


async def test_people_talking_among_themselves_leave_no_trace() -> None:
    async with world(respond("hello"), silent()) as w:
        await w.tell(mention("hi", ts="2.0"))
        await w.tell(mention("lunch?", direct=False, ts="3.0"))

        assert w.texts() == ["hello"]
        assert w.chat.made == ["2.0"]
        assert await w.store.waiting() == []


async def test_messages_during_the_work_reach_the_specialist_after_all_results() -> None:
    async with world(brief(), [PLOT, RUN], report("ok", run="plot.py")) as w:

        async def interrupted(files: dict[str, bytes]) -> Execution:
            await w.turns.accept(mention("in red please"))
            return await plots(files)

        w.sandboxes.programs["plot.py"] = interrupted

        await w.tell(mention("plot"))

        assert "in red please" in str(w.model.prompts[-1].items[-1])
        assert w.texts() == ["ok"]


async def test_stop_ends_a_run_and_says_so() -> None:
    async with world(brief(), [PLOT, RUN]) as w:
        started = asyncio.Event()
        w.sandboxes.programs["plot.py"] = endless(started)
        await w.turns.accept(mention("plot"))
        await started.wait()

        await w.tell(replace(mention("stop"), kind="stop", key="stop:C1:x"))

        [text] = w.texts()
        assert text.startswith("Stopped.")
        assert await w.store.waiting() == []


async def test_a_stop_beside_the_threads_of_a_direct_message_ends_what_waits_for_its_turn_too() -> None:
    async with world(brief(), [PLOT, RUN]) as w:
        w.slots, started = 1, asyncio.Event()
        w.reborn()
        w.sandboxes.programs["plot.py"] = endless(started)
        await w.turns.accept(mention("plot"))
        await started.wait()
        asked, command, stop = (ThreadId("T1", "D1", ts) for ts in ("7.7", "cmd:8", "9.9"))
        await w.turns.accept(replace(mention("sum", ts="7.7"), thread=asked))
        await w.turns.accept(replace(runpy("plot.py"), thread=command))

        await w.turns.accept(replace(mention("stop", ts="9.9"), thread=stop, kind="stop", key="stop:D1"))
        await w.tell(replace(mention("stop"), kind="stop", key="stop:C1"))

        assert [text.split(".")[0] for text in w.texts(asked)] == ["Stopped"]
        assert w.chat.whispers == [("U1", "Stopped.")]
        assert await w.store.waiting() == []


@pytest.mark.parametrize("person", [Person(user="U9", guest=True), Person(user="U9", external=True), Person(user="U9")])
async def test_who_may_not_ask_may_not_stop(person: Person) -> None:
    async with world(brief(), [PLOT, RUN], report("ok", run="plot.py")) as w:
        started, go_on = asyncio.Event(), asyncio.Event()

        async def slow(files: dict[str, bytes]) -> Execution:
            started.set()
            await go_on.wait()
            return await plots(files)

        w.sandboxes.programs["plot.py"] = slow
        w.chat.people["U9"] = person
        await w.turns.accept(mention("plot"))
        await started.wait()
        if person == Person(user="U9"):
            w.chat.faults["person"] = [ServiceError("Slack did not answer.")] * 2

        await w.turns.accept(replace(mention("stop", user="U9"), kind="stop", key="stop:C1:x"))
        while not w.chat.whispers:  # noqa: ASYNC110  it is told while the run goes on
            await asyncio.sleep(0.01)
        go_on.set()
        await w.turns.idle()

        assert w.texts() == ["ok"]
        assert [user for user, _ in w.chat.whispers] == ["U9"]
        assert await w.store.waiting() == []


async def test_a_deleted_question_is_withdrawn() -> None:
    async with world(brief(), [PLOT, RUN]) as w:
        started = asyncio.Event()
        w.sandboxes.programs["plot.py"] = endless(started)
        asked = mention("plot")
        await w.turns.accept(asked)
        await started.wait()

        await w.tell(replace(mention(""), kind="delete", key="del:1", replaces=asked.ts))

        assert w.texts() == []
        assert await w.store.waiting() == []


async def test_a_question_that_is_deleted_while_another_process_goes_on_with_it_is_withdrawn() -> None:
    async with world(brief(), [PLOT, RUN]) as w:
        asked = mention("plot")
        await w.store.accept(asked)
        started = asyncio.Event()
        w.sandboxes.programs["plot.py"] = endless(started)
        async with w.reborn().serving():
            await started.wait()
        started.clear()
        async with w.reborn().serving():
            await started.wait()

            await w.turns.accept(replace(mention(""), kind="delete", key="del:1", replaces=asked.ts))
            await w.answered()

        assert w.texts() == []


async def test_deleting_another_message_interrupts_nothing() -> None:
    async with world(respond("hello"), brief(), [PLOT, RUN], report("ok", run="plot.py")) as w:
        earlier = mention("hi")
        await w.tell(earlier)

        async def program(files: dict[str, bytes]) -> Execution:
            await w.turns.accept(replace(mention(""), kind="delete", key="del:1", replaces=earlier.ts))
            return await plots(files)

        w.sandboxes.programs["plot.py"] = program

        await w.tell(mention("plot"))

        assert w.sandboxes.threads[THREAD].runs == ["plot.py"]
        assert w.texts() == ["hello", "ok"]


async def test_a_message_that_was_edited_before_it_was_read_is_read_once_as_it_now_reads() -> None:
    async with world(respond("Which month?")) as w:
        asked = mention("plot revnue")
        await w.store.accept(asked)
        await w.store.accept(replace(mention("plot revenue"), kind="edit", key="edit:1", replaces=asked.ts))

        await w.turns.run(THREAD)

        [prompt] = w.model.prompts
        assert str(prompt.items).count("plot revenue") == 1
        assert "revnue" not in str(prompt.items)
        assert await w.store.waiting() == []


async def test_a_status_is_said_again_while_the_work_lasts_and_cleared_after_it() -> None:
    async with world(brief(), [PLOT, RUN], report("ok", run="plot.py")) as w:

        async def slow(files: dict[str, bytes]) -> Execution:
            while w.chat.statuses.count("is running plot.py…") < 3:  # noqa: ASYNC110  the thread is what we look at
                await asyncio.sleep(0.001)
            return await plots(files)

        w.sandboxes.programs["plot.py"] = slow
        w.renewal = 0.001
        w.reborn()

        await w.tell(mention("plot"))

        assert w.chat.statuses[-1] == ""
        assert w.texts() == ["ok"]


async def test_nothing_renews_a_status_once_nobody_keeps_it() -> None:
    async with world() as w, w.sandboxes.open(THREAD) as sandbox:
        turn = OpenTurn(THREAD, await w.store.claim(THREAD), Conversation(), sandbox, lambda: w.now)
        tasks = asyncio.all_tasks()

        async with Messenger(w.chat).keeping_status(turn):
            await asyncio.sleep(0)

        assert asyncio.all_tasks() == tasks


async def test_an_edit_during_the_turn_is_read_by_the_agents() -> None:
    async with world(brief(), [PLOT, RUN], report("ok", run="plot.py")) as w:
        asked = mention("plot revnue")

        async def edited(files: dict[str, bytes]) -> Execution:
            await w.turns.accept(replace(mention("plot revenue"), kind="edit", key="edit:1", replaces=asked.ts))
            return await plots(files)

        w.sandboxes.programs["plot.py"] = edited

        await w.tell(asked)

        assert "It now reads:)\nplot revenue" in str(w.model.prompts[-1].items[-1]).replace("\\n", "\n")
