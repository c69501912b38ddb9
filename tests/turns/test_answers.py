"""From a question to its answer: the agents at work, the gate, and what the thread remembers."""

from __future__ import annotations

import itertools
from dataclasses import replace

from bot.ports import Task
from bot.thread.entries import Decision, Message, Usage
from bot.thread.request import ThreadId
from tests.turns.stories import PLOT, RUN, breaks, plots
from tests.world import CSV, THREAD, brief, mention, report, respond, world


async def test_a_question_is_answered_in_its_thread_and_what_it_cost_is_on_record() -> None:
    async with world(respond("hello")) as w:
        await w.tell(mention("hi"))

        assert w.texts() == ["hello"]
        assert [e.usage for e in (await w.conversation()).entries if isinstance(e, Decision)] == [
            Usage(model="scripted", calls=1, input=100, cached=80, output=10)
        ]


async def test_work_takes_one_decision_and_the_specialists_calls() -> None:
    async with world(brief(), [PLOT, RUN], report("Here it is.", run="plot.py", files=["plot.png"])) as w:
        w.sandboxes.programs["plot.py"] = plots

        await w.tell(mention("plot revenue by month", w.file("sales.csv", CSV)))

        assert len(w.model.prompts) == 3
        card, post = w.chat.posts[THREAD].values()
        assert card.text.startswith("`sales.csv`: 2 rows, 2 columns")
        assert post.text == "Here it is."
        assert post.files == [("plot.png", b"PNG"), ("plot.py", b"...")]
        assert post.footer == "scripted · 3 calls · 330 tokens (240 cached) · 1 run · 0.0 s"


async def test_the_specialist_reads_the_users_own_words_beside_the_brief() -> None:
    async with world(brief("plot it"), report("ok", files=["sales.csv"])) as w:
        await w.tell(mention("plot *this* {{ x }}", w.file("sales.csv", CSV)))

        text = w.model.prompts[1].items[-1].text  # type: ignore[union-attr]
        assert "plot *this* {{ x }}" in text
        assert "sales.csv" in text


async def test_what_is_done_is_shown_with_what_failed_and_what_comes_now() -> None:
    async with world(brief(), [PLOT, RUN], report("No.", status="failed")) as w:
        w.sandboxes.programs["plot.py"] = breaks

        await w.tell(mention("plot it"))

        assert w.chat.shown[-1] == (
            Task(title="Wrote plot.py", state="done"),
            Task(title="Ran plot.py: failed", state="failed"),
            Task(title="Checking the answer", state="running"),
        )


async def test_what_does_not_hold_goes_back_and_can_be_mended() -> None:
    async with world(brief(), report(run="plot.py"), [PLOT, RUN], report("True now.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots

        await w.tell(mention("plot it"))

        assert w.texts() == ["True now."]
        said = [e.text for e in (await w.conversation()).entries if isinstance(e, Message) and e.round == 1]
        assert "There was no run of 'plot.py'." in said[0]


async def test_needs_input_goes_to_the_user_through_the_proxy() -> None:
    async with world(brief(), report("Which column?", status="needs_input"), respond("Which column do you mean?")) as w:
        await w.tell(mention("plot it"))

        assert w.texts() == ["Which column do you mean?"]


async def test_two_threads_do_not_see_each_other() -> None:
    other = ThreadId("T1", "C1", "9.5")
    async with world(respond("one"), respond("two")) as w:
        await w.tell(mention("my secret"))
        await w.tell(replace(mention("hi"), thread=other, ts="9.5", key="msg:C1:9.5"))

        assert w.texts(other) == ["two"]
        assert "my secret" not in str(w.model.prompts[1])


async def test_a_follow_up_finds_files_and_memory() -> None:
    async with world(brief(), [PLOT, RUN], report(run="plot.py"), brief("bars"), report("Bars.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots
        await w.tell(mention("plot", w.file("sales.csv", CSV)))

        await w.tell(mention("now as bars"))

        assert w.texts()[1:] == ["Done.", "Bars."]
        seen = str(w.model.prompts[-1].items)
        assert "plot.png" in seen
        assert "sales.csv" in seen


async def test_the_head_of_a_prompt_never_changes() -> None:
    async with world(brief(), [PLOT], [RUN], report(run="plot.py"), brief(), report("2", run="plot.py")) as w:
        await w.tell(mention("a"))
        await w.tell(mention("b"))

        prompts = [p for p in w.model.prompts if p.agent == "code_assistant"]
        for before, after in itertools.pairwise(prompts):
            assert after.system == before.system
            assert after.items[: len(before.items)] == before.items
