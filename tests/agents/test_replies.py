"""What the user gets is made from the entries of the turn."""

from dataclasses import replace

from bot.agents.replies import account, answer, footer
from bot.thread.conversation import PROFILER, Conversation
from bot.thread.entries import Call, Citation, Count, Decision, Entry, Report, Step, Usage, UserMessage
from bot.thread.files import FileInfo, FileName
from bot.thread.outcomes import Execution, Outcome
from tests.agents.test_tools import workspace

FAILED = Execution(outcome=Outcome.FAILED, exit_code=1, duration=0.1, stderr="Traceback\nKeyError: `x`\n")


def decided(number: int, **usage: int) -> Decision:
    call = Call(id="1", name="ExecutePyFile", arguments="{}")
    return Decision(agent="code_assistant", calls=(call,), usage=Usage(model=f"m{number}", calls=1, **usage))  # type: ignore[arg-type]


def ran(execution: Execution, *made: str) -> Step:
    files = tuple(FileInfo(name=FileName(name), size=1) for name in made)
    execution = replace(execution, exit_code=1, duration=0.1, files=files)
    return Step(decision=1, index=0, result="", ran=FileName("plot.py"), execution=execution)


def turn(*entries: Entry) -> Conversation:
    return Conversation((UserMessage(ts="1.0", user="U1", text="plot"), decided(1, input=900, cached=300), *entries))


def report(*files: str, **claims: tuple[Citation, ...] | tuple[Count, ...]) -> Report:
    names = tuple(FileName(name) for name in files)
    return Report(
        decision=1, index=0, agent="code_assistant", status="complete", answer="Done.", files=names, **claims  # type: ignore[arg-type]
    )  # fmt: skip


async def test_an_answer_shows_each_run_when_one_failed() -> None:
    passed = Execution(outcome=Outcome.SUCCEEDED, exit_code=0)

    reply = await answer(turn(ran(FAILED), ran(passed)), report(), workspace())

    assert reply.text.split("\n") == [
        "Done.", "", "1. `plot.py` failed (exit code 1) after 0.10 s. `KeyError: ´x´`", "2. `plot.py` succeeded after 0.10 s.",
    ]  # fmt: skip


async def test_an_answer_says_once_why_its_runs_failed() -> None:
    missing = replace(FAILED, message="x is not installed.", stderr="ModuleNotFoundError: x")
    stopped = replace(FAILED, outcome=Outcome.TIMED_OUT, message="It ran longer than 60 s and was ended.")
    said = replace(report(), answer="It failed: `KeyError: `x``, and I cannot mend it.")

    twice = await answer(turn(ran(FAILED), ran(FAILED), ran(missing), ran(stopped)), report(), workspace())
    [alone, among] = [await answer(turn(*runs), said, workspace()) for runs in ([ran(FAILED)], [ran(FAILED), ran(stopped)])]

    assert twice.text.split("\n")[2:] == [
        "1. `plot.py` failed (exit code 1) after 0.10 s. `KeyError: ´x´`",
        "2. `plot.py` failed (exit code 1) after 0.10 s.",
        "3. `plot.py` failed (exit code 1) after 0.10 s. x is not installed.",
        "4. `plot.py` ran longer than 60 s and was ended.",
    ]
    assert alone.text == said.answer
    by_them = replace(FAILED, outcome=Outcome.INTERRUPTED, message="It was stopped.")
    assert "was done" not in account(turn(ran(by_them)), "Stopped.").text
    assert among.text.split("\n")[2] == "1. `plot.py` failed (exit code 1) after 0.10 s."


async def test_an_answer_brings_named_files_first_then_images_results_and_scripts_that_are_there() -> None:
    wrote = Step(decision=1, index=0, result="", changed=(FileName("plot.py"), FileName("output/plot.py.stdout.txt")))
    made = ran(FAILED, "a.csv", "b.png", "gone.png", "run")
    there = dict.fromkeys(("plot.py", "a.csv", "b.png", "run", "sum.txt", "output/plot.py.stdout.txt"), "")

    reply = await answer(turn(wrote, made), report("sum.txt"), workspace(there))

    assert reply.files == ("sum.txt", "b.png", "a.csv", "run", "plot.py")


async def test_a_profiles_files_are_the_notices_and_not_the_replys() -> None:
    read = Decision(agent=PROFILER, calls=(Call(id="", name="LogProfile", arguments="{}"),))
    drew = Step(decision=0, index=0, result="", execution=ran(FAILED, "app.log.png").execution)
    conversation = Conversation((read, UserMessage(ts="1.0", user="U1", text="why?"), drew))

    assert (await answer(conversation, report(), workspace({"app.log.png": ""}))).files == ()


async def test_lines_and_counts_stand_under_the_answer_without_secrets() -> None:
    cited = (Citation(file="app.log", line=3, text="login password=hunter22"),)
    counted = (Count(file="app.log", query="login", value=1_200, window="14:00..14:10"),)

    reply = await answer(turn(), report(citations=cited, counts=counted), workspace())

    assert reply.text.split("\n")[2:-1] == [
        "```", "app.log:3: login password=[masked]", "1,200 lines of app.log within 14:00..14:10 hold login", "```",
    ]  # fmt: skip


def test_an_account_says_what_was_done_and_what_does_not_hold() -> None:
    reply = account(turn(ran(FAILED, "a.csv")), "Stopped.", ["There is no plot."])

    assert reply.text.split("\n\n") == [
        "Stopped.", "What was done:\n- `plot.py` failed (exit code 1) after 0.10 s. `KeyError: ´x´`",
        "What does not hold:\n- There is no plot.", "Files in the workspace from this attempt: `a.csv`.",
        "Tell me how to go on, or ask again with more detail.",
    ]  # fmt: skip
    assert account(turn(), "Stopped.").text.split("\n\n") == ["Stopped.", reply.text.split("\n\n")[-1]]


def test_the_footer_sums_the_open_turn_over_its_models() -> None:
    conversation = turn(ran(FAILED), decided(2, input=100, output=50), ran(FAILED))

    assert footer(conversation, 2.34) == "m2 + m1 · 2 calls · 1,050 tokens (300 cached) · 2 runs · 2.3 s"
    assert conversation.usage == Usage(model="m2", calls=2, input=1_000, cached=300, output=50)
    assert footer(Conversation(), None) == "no model"
