"""Logs that people attach: profiled unasked, and counted again before a number is believed."""

from __future__ import annotations

from bot.ports import Overheard
from tests.turns.stories import LOG
from tests.world import THREAD, brief, mention, report, respond, silent, world


async def test_a_log_is_profiled_in_a_message_of_its_own_before_any_model_is_asked() -> None:
    async with world(respond("Ask me about it.")) as w:
        await w.tell(mention("", w.file("my app.log", LOG)))

        profile, answer = w.texts()
        assert "Suspected incident: 2026-11-20 14:40 to 14:44" in profile
        assert answer == "Ask me about it."
        [prompt] = w.model.prompts
        assert "Suspected incident" in prompt.items[-1].text  # type: ignore[union-attr]


async def test_a_log_that_was_attached_earlier_by_someone_else_is_profiled_too() -> None:
    async with world(respond("Looking.")) as w:
        w.chat.said[THREAD] = [Overheard(ts="0.5", user="UBOB", text="it broke", uploads=(w.file("app.log", LOG),))]

        await w.tell(mention("why?"))

        assert "Suspected incident" in w.texts()[0]


async def test_a_log_in_a_thread_we_take_part_in_is_profiled_even_when_we_then_stay_silent() -> None:
    async with world(respond("hi"), silent()) as w:
        await w.tell(mention("hello"))
        await w.tell(mention("here, bob", w.file("app.log", LOG), direct=False))

        assert len(w.texts()) == 2
        assert "Suspected incident" in w.texts()[1]


async def test_what_only_has_the_name_of_a_log_leaves_no_notice() -> None:
    async with world(respond("That is no text.")) as w:
        await w.tell(mention("look", w.file("app.log", bytes(range(256)) * 9)))

        assert w.texts() == ["That is no text."]


async def test_a_claimed_number_of_log_lines_is_counted_again_before_the_user_reads_it() -> None:
    wrong = {"file": "app.log", "query": "pool empty", "window": "14:40..14:41", "value": 61}
    said = "The pool was empty."
    async with world(
        brief(), report(said, file="app.log", counts=[wrong]), report(said, file="app.log", counts=[{**wrong, "value": 60}])
    ) as w:
        await w.tell(mention("why?", w.file("app.log", LOG)))

        _, answer = w.texts()
        assert answer.startswith(said)
        assert "60 lines of app.log within 14:40..14:41 hold pool empty" in answer
        refusal = w.model.prompts[2].items[-1].text  # type: ignore[union-attr]
        assert "'pool empty' is in 60 lines of app.log within 14:40..14:41, not in 61." in refusal
