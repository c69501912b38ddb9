"""Who may ask and how much, and how files and earlier messages come in."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bot.errors import ServiceError, UserError
from bot.ports import Overheard, Person
from bot.thread.files import FileName
from bot.thread.outcomes import Execution
from bot.thread.request import Command
from bot.turns.access import Access
from bot.turns.group_chat import Budget
from bot.turns.intake import AWAY
from tests.fakes import Program
from tests.turns.stories import LOG, PLOT, RUN, breaks, plots
from tests.world import CSV, THREAD, brief, call, mention, report, respond, runpy, world


async def test_a_file_given_by_name_and_code_lands_byte_for_byte() -> None:
    code = "".join(f"x{n} = '\u201c\u00e9\U0001f600\\t{n}'  \n" for n in range(200))
    typed = code.replace("\u201c", '"').replace("  \n", "\n")
    async with world(brief(), [call("File", name="odd.py", body=typed)], report("Saved.", file="odd.py", files=["odd.py"])) as w:
        await w.tell(mention(f"Save this as odd.py, don't run it:\n```\n{code}```"))

        assert w.sandboxes.threads[THREAD].files == {"odd.py": code.encode()}
        assert w.sandboxes.threads[THREAD].runs == []
        assert w.texts() == ["Saved."]


async def test_a_first_mention_brings_what_was_said_and_attached_before_and_the_next_one_does_not_again() -> None:
    async with world(respond("It was the deploy."), respond("Yours.")) as w:
        log = w.file("app.log", b"ERROR")
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="B1", text="CPU high", uploads=(log,))]

        await w.tell(mention("why?", user="U2"))

        seen = str(w.model.prompts[0].items)
        assert "CPU high" in seen
        assert "app.log" in seen
        assert w.sandboxes.threads[THREAD].files == {"app.log": b"ERROR"}
        w.chat.bytes[log.id] = b"changed"
        await w.tell(mention("whose?", user="U2"))
        assert str(w.model.prompts[1].items).count("CPU high") == 1
        assert w.sandboxes.threads[THREAD].files == {"app.log": b"ERROR"}


@pytest.mark.parametrize("earlier", [True, False], ids=["earlier in the thread", "in the message"])
async def test_a_file_that_cannot_be_had_is_said_to_the_person_and_to_the_agents(earlier: bool) -> None:
    async with world(respond("The sum is 3.")) as w:
        upload = w.file("my`gone`.csv", b"")
        w.chat.bytes[upload.id] = UserError("Slack does not have it any more.")
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U2", text="data", uploads=(upload,) if earlier else ())]

        await w.tell(mention("sum it", *(() if earlier else (upload,))))

        note = "`my´gone´.csv` could not be taken: Slack does not have it any more."
        assert note in str(w.model.prompts[0].items)
        assert w.texts() == [f"{note}\n\nThe sum is 3."]


async def test_another_file_is_not_run_for_a_script_that_could_not_be_taken() -> None:
    async with world() as w:
        script, other = w.file("plot.py", b""), w.file("plot.py", b"print(1)")
        w.chat.bytes[script.id] = ServiceError("Slack did not answer.")
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="", uploads=(script, other))]

        await w.serve(runpy(script.id))

        [text] = w.texts()
        assert text.split("\n\n") == [
            "`plot.py` could not be taken: Slack did not answer. Attach it again.",
            "There is no script to run.",
        ]
        assert w.sandboxes.threads[THREAD].runs == []


async def test_an_empty_mention_gets_a_how_to_without_a_model() -> None:
    async with world() as w:
        await w.tell(mention("  "))

        assert w.texts()[0].startswith("Mention me with what you need")


@pytest.mark.parametrize(
    ("person", "access", "word"),
    [
        (Person(user="U1", external=True), Access(), "other organizations"),
        (Person(user="U1", guest=True), Access(), "guests"),
        (Person(user="U1"), Access(users=frozenset({"U2"})), "list"),
        (Person(user="U1"), Access(channels=frozenset({"C2"})), "channel"),
    ],
)
async def test_who_may_not_ask_is_told_why(person: Person, access: Access, word: str) -> None:
    async with world(access=access) as w:
        w.chat.people["U1"] = person

        await w.tell(mention("hi"))

        [(_, text)] = w.chat.whispers
        assert word in text
        assert w.chat.posts == {}
        assert w.chat.statuses == ["is reading…", ""]
        assert await w.store.waiting() == []


async def test_the_daily_cap_refuses_the_next_question_with_a_reason() -> None:
    async with world(respond("one"), access=Access(user_tokens=100)) as w:
        await w.tell(mention("a"))

        await w.tell(mention("b"))

        assert w.texts() == ["one"]
        assert "100 tokens" in w.chat.whispers[0][1]


async def test_the_daily_cap_of_the_workspace_counts_everybody_and_the_last_day_alone() -> None:
    async with world(respond("one"), respond("two"), access=Access(team_tokens=110)) as w:
        await w.tell(mention("a"))

        w.now = time.time() + 86_000  # the store writes its rows by the clock on the wall
        await w.tell(mention("b", user="U2"))
        assert [user for user, _ in w.chat.whispers] == ["U2"]
        w.now += 401
        await w.tell(mention("c", user="U2"))

        assert w.texts() == ["one", "two"]


async def test_people_are_called_by_their_names_and_who_cannot_be_asked_about_by_the_id() -> None:
    async with world(respond("Done."), respond("Saved.")) as w:
        w.chat.people = {"U1": Person(user="U1", name="Ann"), "U2": Person(user="U2", name="Bo")}
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U2", text="ask \ue000U1\ue001")]

        await w.tell(mention("what did \ue000U2\ue001 and \ue000U7\ue001 mean?"))

        seen = str(w.model.prompts[0].items)
        for words in ("Earlier in the thread, <Bo> wrote", "ask @Ann", "<Ann> wrote", "what did @Bo and @U7 mean?"):
            assert words in seen

        code = Command(code="print('\ue000U2\ue001')")
        await w.tell(
            replace(mention("save as b.py ```to(\ue000U1\ue001)```", ts="7.0"), user="U2"),
            replace(mention("to \ue000U2\ue001", ts="8.0"), command=code),
        )
        files = w.sandboxes.threads[THREAD].files
        assert (files[FileName("snippet.py")], files[FileName("b.py")]) == (b"print('@Bo')", b"to(@Ann)")


async def test_a_message_that_was_missed_is_told_so_after_the_open_turn_and_asks_no_model() -> None:
    async with world(brief(), [PLOT, RUN], report("Here.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots
        await w.tell(mention("plot"), replace(mention("and count"), missed=True))

        assert [text.splitlines()[0] for text in w.texts()] == ["Here.", AWAY]


async def test_of_a_long_thread_the_newest_messages_are_read() -> None:
    async with world(respond("Hm.")) as w:
        w.chat.said[THREAD] = [Overheard(ts=f"1.{n:03}", user="U2", text=f"word {n:03}") for n in range(60)]
        w.chat.said[THREAD][0] = replace(w.chat.said[THREAD][0], uploads=(w.file("old.csv", CSV),))

        await w.tell(mention("why?", ts="2.0"))

        assert w.texts() == ["Of the 60 earlier messages of this thread, I read the last 50. Not read: `old.csv`.\n\nHm."]
        seen = str(w.model.prompts[0].items)
        assert [n for n in range(60) if f"word {n:03}" in seen] == list(range(10, 60))


async def test_a_follow_up_knows_what_another_bot_posted_since() -> None:
    async with world(respond("Hello."), respond("It is the disk.")) as w:
        await w.tell(mention("hi", ts="2.0"))
        w.chat.said[THREAD] = [Overheard(ts="3.0", user="Alerts", text="the disk is full")]

        await w.tell(mention("what is that?", ts="4.0", direct=False))

        assert "the disk is full" in str(w.model.prompts[1].items)


async def test_a_thread_that_cannot_be_read_is_said_to_the_agents() -> None:
    async with world(respond("I could not read the thread.")) as w:
        w.chat.faults["history"] = [ServiceError("Slack did not answer.")]

        await w.tell(mention("why?"))

        assert "Slack did not answer." in str(w.model.prompts[0].items)


async def test_a_thread_is_read_from_the_last_mention_before_which_it_could_be_read() -> None:
    async with world(respond("One."), respond("Two."), respond("Three.")) as w:
        w.chat.faults["history"] = [ServiceError("Slack did not answer.")]

        for ts in ("9.0", "10.0", "11.0"):
            await w.tell(mention("why?", ts=ts))

        assert w.chat.read_since == ["", "", "10.0"]


async def answer_within(budget: Budget, run: Program) -> str:
    """What the user reads of a turn of three calls and 330 tokens, whose one run takes 30 seconds."""
    async with world(brief(), [PLOT, RUN], report("Here.", run="plot.py"), budget=budget) as w:

        async def slow(files: dict[str, bytes]) -> Execution:
            w.now += 30
            return await run(files)

        w.sandboxes.programs["plot.py"] = slow

        await w.tell(mention("plot"))

        [text] = w.texts()
        return text


@pytest.mark.parametrize(
    ("budget", "what"),
    [
        (Budget(calls=2), "I used up this turn's 2 model calls before the work was done."),
        (Budget(tokens=220), "I used up this turn's 220 tokens"),  # of two calls, each with 100 tokens in and 10 out
        (Budget(seconds=30), "The 30 seconds of this turn were over"),
    ],
)
async def test_any_part_of_a_budget_that_is_spent_ends_the_turn_with_an_honest_account(budget: Budget, what: str) -> None:
    for run, outcome in ((plots, "succeeded"), (breaks, "failed (exit code 1)")):
        text = await answer_within(budget, run)

        assert text.startswith(what)
        assert f"`plot.py` {outcome}" in text


@pytest.mark.parametrize("budget", [Budget(calls=3), Budget(tokens=221), Budget(seconds=31)])
async def test_a_budget_that_is_not_spent_ends_nothing(budget: Budget) -> None:
    assert await answer_within(budget, plots) == "Here."


async def test_what_needs_no_model_is_done_on_any_budget() -> None:
    async with world(budget=Budget(seconds=0)) as w:
        await w.tell(replace(mention("```print(1)```"), command=Command(code="print(1)")))
        await w.tell(mention("why?", w.file("app.log", LOG)))

        assert [text[:11] for text in w.texts()] == ["`snippet.py", "```\napp.log", "The 0 secon"]
