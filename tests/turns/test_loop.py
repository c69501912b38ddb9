"""The loop over honest fakes: each test is a thread and what came of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from bot.agents.user_proxy import SendMessage
from bot.errors import ServiceError, UserError
from bot.ports import Claim, Exchange, Overheard, Person, Store
from bot.thread.entries import Decision, Delivery, Entry, Message, Report, Step, Usage
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import Command, Request, ThreadId
from bot.turns.access import Access
from bot.turns.group_chat import Budget
from tests.fakes import MemorySandboxes
from tests.world import CSV, THREAD, brief, call, mention, report, respond, silent, world

PLOT = call("File", name="plot.py", body="...")
RUN = call("ExecutePyFile", name="plot.py")


async def plots(files: dict[str, bytes]) -> Execution:
    files["plot.png"] = b"PNG"
    return Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout="30\n", duration=0.4)


async def breaks(files: dict[str, bytes]) -> Execution:
    return Execution(outcome=Outcome.FAILED, exit_code=1, stderr="Traceback\nKeyError: 'revnue'\n", duration=0.1)


async def test_a_question_is_answered_in_its_thread() -> None:
    async with world(respond("hello")) as w:
        await w.tell(mention("hi"))

        assert w.texts() == ["hello"]


async def test_work_takes_one_decision_and_the_specialists_calls() -> None:
    async with world(brief(), [PLOT, RUN], report("Here it is.", run="plot.py", files=["plot.png"])) as w:
        w.sandboxes.programs["plot.py"] = plots

        await w.tell(mention("plot revenue by month", w.file("sales.csv", CSV)))

        assert len(w.model.prompts) == 3
        [post] = w.chat.posts[THREAD].values()
        assert post.text == "Here it is."
        assert list(post.files) == ["plot.png", "plot.py"]
        assert post.footer == "scripted · 3 calls · 330 tokens (240 cached) · 1 run · 0.0 s"


async def test_the_specialist_reads_the_users_own_words_beside_the_brief() -> None:
    async with world(brief("plot it"), report("ok", files=["sales.csv"])) as w:
        await w.tell(mention("plot *this* {{ x }}", w.file("sales.csv", CSV)))

        text = w.model.prompts[1].items[-1].text  # type: ignore[union-attr]
        assert "plot *this* {{ x }}" in text
        assert "sales.csv" in text


async def test_a_failure_on_the_way_is_shown_with_the_fix() -> None:
    tried = iter([breaks, plots])

    async def program(files: dict[str, bytes]) -> Execution:
        return await next(tried)(files)

    async with world(brief(), [PLOT, RUN], [PLOT, RUN], report("Fixed.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = program

        await w.tell(mention("plot it"))

        [text] = w.texts()
        assert text.splitlines() == [
            "Fixed.",
            "",
            "1. `plot.py` failed (exit code 1) after 0.10 s. `KeyError: 'revnue'`",
            "2. `plot.py` succeeded after 0.40 s.",
        ]


async def test_a_report_naming_a_file_that_is_not_there_never_reaches_the_user() -> None:
    lies = [report("See plot.png", files=["plot.png"])] * 3
    async with world(brief(), *lies) as w:
        await w.tell(mention("plot it"))

        [text] = w.texts()
        assert "See plot.png" not in text
        assert "You name the file 'plot.png', which is not in the workspace." in text


async def test_what_does_not_hold_goes_back_and_can_be_mended() -> None:
    async with world(brief(), report(run="plot.py"), [PLOT, RUN], report("True now.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots

        await w.tell(mention("plot it"))

        assert w.texts() == ["True now."]
        said = [e.text for e in (await w.conversation()).entries if isinstance(e, Message) and e.round == 1]
        assert "There was no run of 'plot.py'." in said[0]


async def test_a_report_beside_other_calls_is_refused_as_its_own_result() -> None:
    async with world(brief(), [PLOT, RUN, *report(run="plot.py")], report("Seen.", run="plot.py")) as w:
        await w.tell(mention("plot it"))

        assert w.texts() == ["Seen."]
        refused = [e for e in (await w.conversation()).entries if isinstance(e, Step) and e.refused]
        assert [r.index for r in refused] == [2]


async def test_invalid_and_unknown_calls_become_results_that_name_what_to_mend() -> None:
    wrong = [("File", '{"name": "../x", "body": 1}'), ("Teleport", "{}"), ("File", "{")]
    async with world(brief(), wrong, report()) as w:
        await w.tell(mention("go"))

        results = [e.result for e in (await w.conversation()).entries if isinstance(e, Step)]
        assert "'../x' is not a file name I can use." in results[0]
        assert results[1].startswith("There is no tool 'Teleport'.")
        assert "Mend its arguments" in results[2]


async def test_an_answer_without_a_call_is_asked_to_use_one() -> None:
    async with world(brief(), Decision(agent="", calls=(), text="I think"), report("ok", status="failed")) as w:
        await w.tell(mention("go"))

        assert w.texts() == ["ok"]


async def test_needs_input_goes_to_the_user_through_the_proxy() -> None:
    async with world(brief(), report("Which column?", status="needs_input"), respond("Which column do you mean?")) as w:
        await w.tell(mention("plot it"))

        assert w.texts() == ["Which column do you mean?"]


async def test_an_event_delivered_three_times_is_answered_once() -> None:
    async with world(respond("once")) as w:
        request = mention("hi")

        await w.tell(request, request, request)

        assert w.texts() == ["once"]


async def test_an_overheard_delivery_does_not_use_up_the_question() -> None:
    async with world(respond("hello")) as w:
        asked = mention("hi")

        await w.tell(replace(asked, direct=False))
        await w.tell(asked)

        assert w.texts() == ["hello"]


async def test_people_talking_among_themselves_leave_no_trace() -> None:
    async with world(respond("hello"), silent()) as w:
        await w.tell(mention("hi"))
        await w.tell(mention("lunch?", direct=False))

        assert w.texts() == ["hello"]
        assert await w.store.waiting() == []


async def test_a_silent_answer_to_a_mention_takes_its_message_away() -> None:
    async with world(silent()) as w:
        await w.tell(mention("thanks"))

        assert w.texts() == []


async def test_two_threads_do_not_see_each_other() -> None:
    other = ThreadId("T1", "C1", "9.0")
    async with world(respond("one"), respond("two")) as w:
        await w.tell(mention("my secret"))
        await w.tell(replace(mention("hi"), thread=other, ts="9.0", key="msg:C1:9.0"))

        assert w.texts(other) == ["two"]
        assert "my secret" not in str(w.model.prompts[1])


async def test_a_follow_up_finds_files_and_memory() -> None:
    async with world(brief(), [PLOT, RUN], report(run="plot.py"), brief("bars"), report("Bars.", run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots
        await w.tell(mention("plot", w.file("sales.csv", CSV)))

        await w.tell(mention("now as bars"))

        assert w.texts() == ["Done.", "Bars."]
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

        async def endless(files: dict[str, bytes]) -> Execution:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        w.sandboxes.programs["plot.py"] = endless
        await w.turns.accept(mention("plot"))
        await started.wait()

        await w.tell(replace(mention("stop"), kind="stop", key="stop:C1:x"))

        [text] = w.texts()
        assert text.startswith("Stopped.")
        assert await w.store.waiting() == []


async def test_a_deleted_question_is_withdrawn() -> None:
    async with world(brief(), [PLOT, RUN]) as w:
        started = asyncio.Event()

        async def endless(files: dict[str, bytes]) -> Execution:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        w.sandboxes.programs["plot.py"] = endless
        asked = mention("plot")
        await w.turns.accept(asked)
        await started.wait()

        await w.tell(replace(mention(""), kind="delete", key="del:1", replaces=asked.ts))

        assert w.texts() == []
        assert await w.store.waiting() == []


async def test_an_edit_during_the_turn_is_read_by_the_agents() -> None:
    async with world(brief(), [PLOT, RUN], report("ok", run="plot.py")) as w:
        asked = mention("plot revnue")

        async def edited(files: dict[str, bytes]) -> Execution:
            await w.turns.accept(replace(mention("plot revenue"), kind="edit", key="edit:1", replaces=asked.ts))
            return await plots(files)

        w.sandboxes.programs["plot.py"] = edited

        await w.tell(asked)

        assert "It now reads:)\nplot revenue" in str(w.model.prompts[-1].items[-1]).replace("\\n", "\n")


async def test_a_runpy_runs_without_a_model_and_the_conversation_knows_it() -> None:
    async with world(respond("It has a KeyError.")) as w:
        script = w.file("plot.py", b"...")
        data = w.file("sales.csv", CSV)
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="my script", uploads=(script, data))]
        w.sandboxes.programs["plot.py"] = breaks
        command = Request(
            key="cmd:1",
            thread=ThreadId("T1", "C1", "cmd:1"),
            ts="5.0",
            user="U1",
            kind="command",
            command=Command(args=("a b",)),
        )

        await w.tell(command)
        [post] = w.chat.posts[THREAD].values()
        await w.tell(mention("why?", ts="6.0"))

        assert post.text == "`plot.py` failed (exit code 1) after 0.10 s."
        assert "KeyError" in post.output
        assert post.footer == "no model · 1 run · 0.0 s"
        assert len(w.model.prompts) == 1
        assert "KeyError: 'revnue'" in str(w.model.prompts[0].items)
        assert sorted(w.sandboxes.threads[THREAD].files) == ["plot.py", "sales.csv"]


async def test_output_that_is_cut_comes_whole_as_a_file() -> None:
    printed = "é" * 9_000  # 18,000 bytes: few enough characters, too many bytes

    async def chatty(files: dict[str, bytes]) -> Execution:
        return Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout=printed, stderr="short")

    async with world() as w:
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="", uploads=(w.file("a.py", b"..."),))]
        w.sandboxes.programs["a.py"] = chatty
        thread = ThreadId("T1", "C1", "cmd:1")

        await w.tell(Request(key="cmd:1", thread=thread, ts="5.0", user="U1", kind="command", command=Command()))

        [post] = w.chat.posts[THREAD].values()
        assert post.text == "`a.py` succeeded after 0.00 s. All that it printed is in `output/a.py.stdout.txt`."
        assert "bytes left out" in post.output
        assert post.files == {"output/a.py.stdout.txt": printed.encode()}


@pytest.mark.parametrize("several", [True, False])
async def test_a_command_that_means_no_single_file_is_answered_to_its_user_alone(several: bool) -> None:
    async with world() as w:
        if several:
            uploads = (w.file("a.py", b""), w.file("b.py", b""))
            w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="two", uploads=uploads)]
        command = Request(
            key="cmd:1",
            thread=ThreadId("T1", "C1", "cmd:1"),
            ts="5.0",
            user="U1",
            kind="command",
            command=Command(target="*.py"),
        )

        await w.tell(command)

        [(user, text)] = w.chat.whispers
        assert user == "U1"
        assert ("F0" in text) is several
        assert w.chat.posts == {}


async def test_a_lone_code_block_runs_as_it_is() -> None:
    async with world() as w:
        await w.tell(replace(mention("```print(1)```"), command=Command(code="print(1)")))

        assert w.texts() == ["`snippet.py` succeeded after 0.00 s. It printed nothing."]
        assert w.sandboxes.threads[THREAD].files == {"snippet.py": b"print(1)"}


async def test_a_file_given_by_name_and_code_lands_byte_for_byte() -> None:
    code = "".join(f"x{n} = '\u201c\u00e9\U0001f600\\t{n}'  \n" for n in range(200))
    typed = code.replace("\u201c", '"').replace("  \n", "\n")
    async with world(
        brief(), [call("File", name="odd.py", body=typed)], report("Saved.", file="odd.py", files=["odd.py"])
    ) as w:
        await w.tell(mention(f"Save this as odd.py, don't run it:\n```\n{code}```"))

        assert w.sandboxes.threads[THREAD].files == {"odd.py": code.encode()}
        assert w.sandboxes.threads[THREAD].runs == []
        assert w.texts() == ["Saved."]


async def test_a_first_mention_brings_what_was_said_and_attached_before() -> None:
    async with world(respond("It was the deploy.")) as w:
        log = w.file("app.log", b"ERROR")
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="B1", text="CPU high", uploads=(log,))]

        await w.tell(mention("why?", user="U2"))

        seen = str(w.model.prompts[0].items)
        assert "CPU high" in seen
        assert "app.log" in seen
        assert w.sandboxes.threads[THREAD].files == {"app.log": b"ERROR"}


async def test_a_file_that_cannot_be_had_is_said_and_never_dropped_silently() -> None:
    async with world(respond("Please upload it again.")) as w:
        upload = w.file("gone.csv", b"")
        w.chat.bytes[upload.id] = UserError("Slack does not have it any more.")

        await w.tell(mention("sum it", upload))

        assert "gone.csv could not be taken: Slack does not have it any more." in str(w.model.prompts[0].items)


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
        assert await w.store.waiting() == []


async def test_the_daily_cap_refuses_the_next_question_with_a_reason() -> None:
    async with world(respond("one"), access=Access(user_tokens=100)) as w:
        await w.tell(mention("a"))

        await w.tell(mention("b"))

        assert w.texts() == ["one"]
        assert "100 tokens" in w.chat.whispers[0][1]


async def test_a_spent_budget_ends_in_an_honest_account() -> None:
    async with world(brief(), [PLOT, RUN], budget=Budget(calls=2)) as w:
        w.sandboxes.programs["plot.py"] = breaks

        await w.tell(mention("plot"))

        [text] = w.texts()
        assert text.startswith("I used up this turn's 2 model calls before the work was done.")
        assert "`plot.py` failed (exit code 1)" in text


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
        w.store = _Dying(real, dies_after)
        with pytest.raises(_Died):
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


LOG = b"".join(
    b"2026-11-20T14:%02d:%02dZ %s\n"
    % (m, s, b"ERROR pool empty, request %d dropped" % s if m >= 40 else b"INFO tick %d" % s)
    for m in range(45)
    for s in range(60)
)


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


@pytest.mark.parametrize("dies_after", range(1, 10))
async def test_a_profile_is_posted_once_whatever_entry_the_process_dies_after(dies_after: int) -> None:
    async with world(respond("Read it.")) as w:
        await w.store.accept(mention("look", w.file("app.log", LOG)))
        real = w.store
        w.store = _Dying(real, dies_after)
        with pytest.raises(_Died):
            await w.reborn().run(THREAD)
        w.store = real

        await w.reborn().run(THREAD)

        assert [text[:11] for text in w.texts()] == ["```\napp.log", "Read it."]


async def test_a_claimed_number_of_log_lines_is_counted_again_before_the_user_reads_it() -> None:
    wrong = {"file": "app.log", "query": "pool empty", "window": "14:40..14:41", "value": 61}
    said = "The pool was empty."
    async with world(
        brief(),
        report(said, file="app.log", counts=[wrong]),
        report(said, file="app.log", counts=[{**wrong, "value": 60}]),
    ) as w:
        await w.tell(mention("why?", w.file("app.log", LOG)))

        _, answer = w.texts()
        assert answer.startswith(said)
        assert "60 lines of app.log within 14:40..14:41 hold pool empty" in answer
        refusal = w.model.prompts[2].items[-1].text  # type: ignore[union-attr]
        assert "'pool empty' is in 60 lines of app.log within 14:40..14:41, not in 61." in refusal


async def test_a_run_whose_output_there_is_no_room_for_is_still_on_record() -> None:
    async def prints(files: dict[str, bytes]) -> Execution:
        return Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout="line\n" * 30_000)

    async with world(brief(), [PLOT, RUN], report("Printed.", run="plot.py")) as w:
        w.sandboxes = MemorySandboxes(limit=100_000)
        w.reborn()
        w.sandboxes.programs["plot.py"] = prints

        await w.tell(mention("print"))

        assert w.texts()[0].startswith("Printed.")
        [run] = [e for e in (await w.conversation()).entries if isinstance(e, Step) and e.execution]
        assert "the thread has no room for the whole" in run.result


class _Died(BaseException):
    """The process is gone: nothing after this line ran."""


class _Dying:
    """A store whose process dies when it has appended so many times."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self._left = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def claim(self, thread: ThreadId) -> _DyingClaim:
        return _DyingClaim(await self._store.claim(thread), self)

    def spend(self) -> None:
        self._left -= 1
        if not self._left:
            raise _Died


class _DyingClaim:
    def __init__(self, claim: Claim, store: _Dying) -> None:
        self._claim = claim
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._claim, name)

    async def append(self, *entries: Entry, close: Iterable[str] = ()) -> None:
        await self._claim.append(*entries, close=close)
        self._store.spend()


async def test_usage_of_every_call_is_on_record() -> None:
    async with world(respond("hi")) as w:
        await w.tell(mention("hi"))

        assert [e.usage for e in (await w.conversation()).entries if isinstance(e, Decision)] == [
            Usage(model="scripted", calls=1, input=100, cached=80, output=10)
        ]


async def test_a_second_specialist_joins_with_one_entry_and_both_keep_their_memory() -> None:
    to_poet = SendMessage(kind="SendMessage", recipient="poet", message="a rhyme", done_when=["it rhymes"])
    verse = [
        call("Report", status="complete", answer="Roses.", evidence=[{"condition": "it rhymes", "file": "poem.txt"}])
    ]
    script = (
        brief(),
        [PLOT, RUN],
        report(run="plot.py"),
        to_poet,
        [call("File", name="poem.txt", body="x")],
        verse,
        brief(),
    )
    async with world(*script, report(run="plot.py")) as w:
        w.specialists.append(replace(w.specialists[0], name="poet", purpose="writes rhymes.", prompt="You are a poet."))
        w.reborn()

        for words in ("plot", "now a rhyme", "again"):
            await w.tell(mention(words))

        assert w.texts() == ["Done.", "Roses.", "Done."]
        poet, coder = w.model.prompts[4], w.model.prompts[-1]
        assert (poet.agent, poet.system) == ("poet", "You are a poet.")
        assert not any(isinstance(item, Exchange) for item in poet.items)
        assert [c.name for c in coder.items[1].decision.calls] == ["File", "ExecutePyFile"]  # type: ignore[union-attr]
