"""A command is one run and its reply; logs that come are one profile and its notice."""

import json

from bot.agents.without_model import Profiler, Runner
from bot.thread.conversation import Conversation, Perform
from bot.thread.entries import Decision, Entry, Notice, Reply, Step, UserMessage
from bot.thread.files import FileInfo, FileName
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import Command
from tests.agents.test_tools import PLOT, RUN, workspace
from tests.world import THREAD

PRINTED = Execution(outcome=Outcome.FAILED, exit_code=3, duration=0.5, stdout="a\n", stderr="b\n")


def command(*files: str, notes: tuple[str, ...] = ()) -> UserMessage:
    names = tuple(FileName(name) for name in files)
    return UserMessage(ts="1.0", user="U1", text="", files=names, notes=notes, command=Command(args=("x", "y")))


async def runs(message: UserMessage, execution: Execution) -> list[Entry]:
    """What the Runner decides, does, and decides again."""
    entries: list[Entry] = [message, await Runner().decide(THREAD, Conversation((message,)))]
    entries.append(await Runner().perform(Conversation(tuple(entries)), Perform(1, 0), workspace(PLOT, execution)))
    return [*entries[1:], await Runner().decide(THREAD, Conversation(tuple(entries)))]


async def test_a_command_runs_its_script_with_its_arguments_and_shows_what_came_out() -> None:
    decision, step, reply = await runs(command("plot.py", "data.csv"), PRINTED)

    assert isinstance(decision, Decision)
    assert [(c.name, json.loads(c.arguments)["args"]) for c in decision.calls] == [("ExecutePyFile", ["x", "y"])]
    assert isinstance(step, Step)
    assert step.ran == "plot.py"
    text = "`plot.py` failed (exit code 3) after 0.50 s."
    assert reply == Reply(text=text, output="a\nb", files=(FileName("plot.png"),))


async def test_a_run_without_output_or_with_too_much_of_it_says_so() -> None:
    [*_, silent] = await runs(command("plot.py"), RUN)
    printed = "é" * 9_000  # 18,000 bytes: few enough characters, too many bytes
    loud = Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout=printed, stderr="short")
    [*_, long] = await runs(command("plot.py"), loud)

    assert silent == Reply(text="`plot.py` succeeded after 0.25 s. It printed nothing.", files=(FileName("plot.png"),))
    assert isinstance(long, Reply)
    assert (
        long.text
        == "`plot.py` succeeded after 0.00 s. Its last lines are here, and all that it printed is in `plot.py.stdout.txt`."
    )
    assert 500 < len(long.output) <= 1_000
    assert long.output.endswith("é\nshort")
    assert long.files == ("output/plot.py.stdout.txt", "plot.png")


async def test_a_script_that_is_not_there_is_said_to_be_missing() -> None:
    [*_, gone] = await runs(command("gone.py"), RUN)
    nothing = await Runner().decide(THREAD, Conversation((command(),)))

    assert gone == Reply(text="ExecutePyFile was not performed: There is no file gone.py in this thread.")
    assert nothing == Reply(text="There is no script to run.")


async def test_the_first_logs_of_a_turn_are_profiled_together_and_a_profile_that_failed_is_not_shown() -> None:
    logs = tuple(FileName(f"{n}.log") for n in range(5))
    came = UserMessage(ts="1.0", user="U1", text="why?", files=logs)

    decision = await Profiler().decide(THREAD, Conversation((came,)))

    assert isinstance(decision, Decision)
    assert json.loads(decision.calls[0].arguments) == {"files": list(logs[:4]), "chart": "0.log.png"}
    for execution, notice in (
        (Execution(outcome=Outcome.SUCCEEDED, exit_code=0, stdout=" a\n", files=(FileInfo(name=FileName("0.log.png"), size=1),)),
         Notice(text="```\na\n```\n\nNot profiled, as I profile 4 files at once: `4.log`.", files=(FileName("0.log.png"),))),
        (Execution(outcome=Outcome.SUCCEEDED, exit_code=0), Notice(text="")),
        (None, Notice(text="")),
    ):  # fmt: skip
        step = Step(decision=1, index=0, result="", execution=execution)
        assert await Profiler().decide(THREAD, Conversation((came, decision, step))) == notice
