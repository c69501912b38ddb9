"""Processes that die, services that fail, and what the thread gets all the same."""

from __future__ import annotations

import pytest

from bot.errors import ServiceError
from bot.thread.entries import Delivery, Report, Step
from tests.fakes import Died, DyingStore
from tests.turns.stories import LOG, PLOT, RUN, plots
from tests.world import THREAD, brief, mention, report, respond, world


async def test_a_model_that_does_not_answer_is_said_and_not_shown_as_a_traceback() -> None:
    async with world(ServiceError("The language model did not answer.")) as w:
        await w.tell(mention("hi"))

        assert w.texts() == ["The language model did not answer."]


async def test_a_turn_that_keeps_breaking_is_closed_with_an_apology() -> None:
    async with world(*[RuntimeError("bug")] * 10) as w:
        async with w.turns.serving():
            await w.turns.accept(mention("hi"))
            await w.answered()

        [text] = w.texts()
        assert text.startswith("I am sorry")
        assert len(w.model.script) == 10 - 3


async def test_an_answer_is_posted_once_slack_is_back() -> None:
    async with world(respond("late")) as w:
        w.chat.faults["deliver"] = [ServiceError("Slack is away.")] * 3

        async with w.turns.serving():
            await w.turns.accept(mention("hi"))
            await w.answered()

        assert w.texts() == ["late"]


@pytest.mark.parametrize("dies_after", range(1, 13))
async def test_a_process_that_dies_after_any_entry_is_followed_by_one_that_goes_on(dies_after: int) -> None:
    async with world(brief(), [PLOT, RUN], report("Here.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots
        await w.store.accept(mention("plot"))
        real = w.store
        w.store = DyingStore(real, dies_after)
        with pytest.raises(Died):
            await w.reborn().run(THREAD)
        w.store = real

        await w.reborn().run(THREAD)

        [post] = w.chat.posts[THREAD].values()
        assert post.text == "Here."
        assert sorted(post.files) == ["plot.png", "plot.py"]
        entries = (await w.conversation()).entries
        assert sum(isinstance(e, Report) for e in entries) == 1
        assert sum(isinstance(e, Step) for e in entries) == 2
        assert sum(isinstance(e, Delivery) and e.intent == "reply" and e.result is not None for e in entries) == 1
        assert await w.store.waiting() == []


@pytest.mark.parametrize("dies_after", range(1, 10))
async def test_a_profile_is_posted_once_whatever_entry_the_process_dies_after(dies_after: int) -> None:
    async with world(respond("Read it.")) as w:
        await w.store.accept(mention("look", w.file("app.log", LOG)))
        real = w.store
        w.store = DyingStore(real, dies_after)
        with pytest.raises(Died):
            await w.reborn().run(THREAD)
        w.store = real

        await w.reborn().run(THREAD)

        assert [text[:11] for text in w.texts()] == ["```\napp.log", "Read it."]
