"""Processes that die, services that fail, and what the thread gets all the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

import pytest

from bot.errors import Refused, ServiceError
from bot.ports import Overheard, Task
from bot.thread.entries import Decision, Delivery, Report, Step
from bot.thread.outcomes import Execution
from bot.thread.request import ThreadId
from tests.dying import Died, DyingStore
from tests.turns.stories import LOG, PLOT, RUN, endless, plots
from tests.world import CSV, THREAD, World, brief, mention, report, respond, runpy, silent, world


async def test_a_model_that_does_not_answer_is_said_and_not_shown_as_a_traceback() -> None:
    async with world(ServiceError("The language model did not answer.")) as w:
        await w.tell(mention("hi"))

        assert w.texts() == ["The language model did not answer."]


async def test_a_turn_that_keeps_breaking_is_closed_with_an_apology() -> None:
    async with world(*[RuntimeError("bug")] * 10) as w:
        await w.serve(mention("hi"))

        [text] = w.texts()
        assert text.startswith("I am sorry")
        assert len(w.model.script) == 10 - 3


async def test_an_answer_is_posted_once_slack_is_back() -> None:
    async with world(respond("late")) as w:
        w.chat.faults["deliver"] = [ServiceError("Slack is away."), Refused("Slack refused.", "token_expired", mendable=True)] * 5

        await w.serve(mention("hi"))

        assert w.texts() == ["late"]


async def test_seconds_count_while_a_turn_is_worked_on_also_by_a_process_that_died_and_not_while_it_waits() -> None:
    async with world(brief(), [PLOT, RUN], report("Here.", run="plot.py")) as w:

        async def slow(files: dict[str, bytes]) -> Execution:
            w.now += 30
            return await plots(files)

        w.sandboxes.programs["plot.py"] = slow
        w.chat.faults["deliver"] = [ServiceError("Slack is away.")]
        await w.tell(mention("plot"))
        w.now += 18_000

        await w.reborn().run(THREAD)

        [post] = w.chat.posts[THREAD].values()
        assert post.footer.endswith("1 run · 30.0 s")


async def test_a_turn_that_breaks_before_it_was_read_is_closed_with_an_apology_to_the_person() -> None:
    async with world() as w:
        w.chat.faults["person"] = [RuntimeError("bug")] * 10

        await w.serve(mention("hi"))

        [(user, text)] = w.chat.whispers
        assert (user, text[:10]) == ("U1", "I am sorry")
        assert len(w.chat.faults["person"]) == 10 - 3
        assert w.texts() == []


async def test_a_turn_whose_apology_breaks_as_well_is_closed_without_one() -> None:
    async with world(*[RuntimeError("bug")] * 3) as w:
        w.chat.faults["deliver"] = [RuntimeError("another bug")] * 10

        await w.serve(mention("hi"))

        assert w.texts() == ["…"]
        assert len(w.chat.faults["deliver"]) == 10 - 3


async def test_a_bot_that_is_stopped_cleanly_in_the_middle_of_a_turn_is_no_crash() -> None:
    async with world(brief(), [PLOT, RUN], report("Here.", run="plot.py")) as w:
        await w.store.accept(mention("plot"))
        for _ in range(4):
            started = asyncio.Event()
            w.sandboxes.programs["plot.py"] = endless(started)
            async with w.reborn().serving():
                await started.wait()
        w.sandboxes.programs["plot.py"] = plots

        async with w.reborn().serving():
            await w.answered()

        assert w.texts() == ["Here."]


@pytest.mark.parametrize(("verb", "logs"), [("deliver", []), ("open", []), ("open", [LOG])])
async def test_a_post_that_slack_refuses_for_good_is_given_up(verb: str, logs: list[bytes]) -> None:
    async with world(respond("hello")) as w:
        w.chat.faults[verb] = [Refused("This channel is archived.", "is_archived")] * 10

        await w.serve(mention("hi", *(w.file("app.log", log) for log in logs), ts="2.0"))

        assert len(w.chat.faults[verb]) == 10 - 3
        assert w.chat.statuses[-1] == ""
        assert (await w.conversation()).entries[-1] == Delivery(intent="reply", turn="2.0", result="never delivered")


async def died(w: World, thread: ThreadId, write: int, *, before: bool) -> bool:
    """Let a process work on a thread until it dies around a write; return whether it died before its work was done.

    Wherever it dies, a conversation that is not settled has an open request, so that the next sweep finds it.
    """
    real, script = w.store, list(w.model.script)
    w.store = dying = DyingStore(real, write, before=before)
    with suppress(Died):
        await w.reborn().run(thread)
    await w.turns.idle()
    w.store = real
    # A model that is asked the same again answers the same again: what is not on record is still to come.
    conversation = await w.conversation()
    assert conversation.next is None or THREAD in await w.store.waiting()
    w.model.script = script[sum(isinstance(e, Decision) and e.usage.calls > 0 for e in conversation.entries) :]
    w.reborn()
    return dying.dead


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_process_that_dies_at_any_write_is_followed_by_one_that_answers_once(before: bool) -> None:
    for write in count(1):
        async with world(brief(), [PLOT, RUN], report("Here.", run="plot.py")) as w:
            w.sandboxes.programs["plot.py"] = plots
            await w.store.accept(asked := mention("plot", ts="2.0"))
            dies = await died(w, THREAD, write, before=before)

            await w.turns.run(THREAD)

            [post] = w.chat.posts[THREAD].values()
            assert (write, post.text, post.files) == (write, "Here.", [("plot.png", b"PNG"), ("plot.py", b"...")])
            assert w.chat.made == [asked.ts]
            entries = (await w.conversation()).entries
            assert sum(isinstance(e, Report) for e in entries) == 1
            assert sum(isinstance(e, Step) for e in entries) == 2
            assert sum(isinstance(e, Delivery) and e.intent == "reply" and e.result is not None for e in entries) == 1
            assert await w.store.waiting() == []
        if not dies:
            break
    assert write == 14 + 1  # it died at every write there is


RECORDS = b"".join(b'{"ts": "2026-11-20T14:00:%02dZ", "level": "INFO"}\n' % second for second in range(60))


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("files", "cards", "writes"),
    [
        ({"app.log": LOG}, ["```\napp.log"], 12),
        ({"a.csv": CSV}, ["`a.csv`: 2 "], 12),
        ({"a.csv": CSV, "e.jsonl": RECORDS}, ["`a.csv`: 2 ", "```\ne.jsonl"], 15),  # a log, as its second profile shows
    ],
)
async def test_a_profile_is_posted_once_whatever_write_the_process_dies_at(
    files: dict[str, bytes], cards: list[str], writes: int, before: bool
) -> None:
    for write in count(1):
        async with world(respond("Read it.")) as w:
            await w.store.accept(mention("look", *(w.file(*file) for file in files.items()), ts="2.0"))
            dies = await died(w, THREAD, write, before=before)

            await w.turns.run(THREAD)

            notice, answer = w.texts()
            assert (write, [text[:11] for text in notice.split("\n\n")], answer) == (write, cards, "Read it.")
            assert w.chat.made == ["2.0:notice", "2.0"]
        if not dies:
            break
    assert write == writes + 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_command_is_run_for_its_user_once_whatever_write_the_process_dies_at(before: bool) -> None:
    for write in count(1):
        async with world() as w:
            w.sandboxes.programs["plot.py"] = plots
            w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="", uploads=(w.file("plot.py", b"..."),))]
            await w.store.accept(asked := runpy())
            dies = await died(w, asked.thread, write, before=before)

            async with w.turns.serving():
                await w.answered()

            [post] = w.chat.posts[THREAD].values()
            assert (write, post.text, post.files) == (
                write, "`plot.py` succeeded after 0.40 s.", [("plot.png", b"PNG")],
            )  # fmt: skip
            assert w.chat.made == ["5.0"]
        if not dies:
            break
    assert write == 10 + 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_nothing_is_left_of_a_turn_without_an_answer_whatever_write_the_process_dies_at(before: bool) -> None:
    for write in count(1):
        async with world(silent()) as w:
            await w.store.accept(mention("thanks", ts="2.0"))
            dies = await died(w, THREAD, write, before=before)

            await w.turns.run(THREAD)

            again = before and write == 5  # the message was gone, that nothing is to be answered not yet on record
            assert (write, w.texts(), w.chat.made) == (write, [], ["2.0"] * (2 if again else 1))
            assert await w.store.waiting() == []
        if not dies:
            break
    assert write == 5 + 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_turn_whose_message_was_taken_back_opens_another_if_it_goes_on_after_all(before: bool) -> None:
    for write in count(1):
        async with world(silent()) as w:
            await w.store.accept(mention("thanks", ts="2.0"))
            await died(w, THREAD, write, before=before)
            if not w.model.script:  # the decision is on record
                break
            w.model.script = [brief(), [PLOT], report("Here.", status="failed")]

            await w.turns.run(THREAD)

            assert (write, w.texts()) == (write, ["Here."])
            assert w.chat.shown[-1][0] == Task(title="Wrote plot.py", state="done")
