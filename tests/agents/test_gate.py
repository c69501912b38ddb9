"""The gate lets every true report through and no false one, whatever the language of its prose."""

import gzip
from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.agents.gate import objections
from bot.thread.conversation import Conversation
from bot.thread.entries import Citation, Evidence, Message, Report, Step, UserMessage
from bot.thread.files import FileInfo, FileName, chunked
from bot.thread.outcomes import Execution, Outcome
from tests.fakes import MemorySandbox

SCRIPT = FileName("plot.py")
LANGUAGES = "the plot is there", "das Diagramm liegt vor", "le graphique est là", "グラフがある", "الرسم موجود"


def ran(outcome: Outcome = Outcome.SUCCEEDED, *made: str) -> Step:
    files = tuple(FileInfo(name=FileName(name), size=1) for name in made)
    return Step(decision=0, index=0, result="", ran=SCRIPT, execution=Execution(outcome=outcome, exit_code=0, files=files))


def wrote(name: str = SCRIPT) -> Step:
    return Step(decision=0, index=0, result="", changed=(FileName(name),))


def thread(*steps: Step, to: str = "c") -> Conversation:
    asked = UserMessage(ts="1.0", user="U1", text="plot")
    brief = Message(sender="user_proxy", recipient="code_assistant", text="plot", done_when=(to,))
    return Conversation((asked, brief, *steps))


def shown(condition: str, *, run: str = "plot.py", outcome: Literal["succeeded", "failed"] = "succeeded") -> Evidence:
    return Evidence(condition=condition, run=run, outcome=outcome)


def reported(*evidence: Evidence, status: str = "complete", answer: str = "ok", **more: object) -> Report:
    fields: dict[str, Any] = {"status": status, "answer": answer, "evidence": evidence, **more}
    return Report(decision=0, index=0, agent="code_assistant", **fields)


async def workspace(**files: bytes) -> MemorySandbox:
    sandbox = MemorySandbox({}, 10_000_000)
    for name, data in {"plot.py": b"...", "plot.png": b"PNG", "app.log": b"one\ntwo  words\nthree\n", **files}.items():
        await sandbox.put(FileName(name), chunked(data))
    return sandbox


LINE = Citation(file="app.log", line=2, text="two words")
TRUE = {
    "a run shows it": lambda c: (thread(wrote(), ran(), to=c), reported(shown(c))),
    "the condition is paraphrased": lambda c: (thread(wrote(), ran(), to=c), reported(shown(f"{c}!", run="./plot.py"))),
    "a file shows it and nothing ran": lambda c: (
        thread(wrote(), to=c), reported(Evidence(condition=c, file="plot.py"), files=(SCRIPT,)),
    ),
    "the run was meant to fail": lambda c: (thread(wrote(), ran(Outcome.FAILED), to=c), reported(shown(c, outcome="failed"))),
    "a failure was mended": lambda c: (
        thread(wrote(), ran(Outcome.FAILED), wrote(), ran(Outcome.SUCCEEDED, "plot.png"), to=c),
        reported(shown(c), files=(FileName("plot.png"),)),
    ),
    "the run stands before another file's change": lambda c: (thread(wrote(), ran(), wrote("other.py"), to=c), reported(shown(c))),
    # Running it again would rewrite it again: no true report could ever be made of it.
    "the run rewrote its own script": lambda c: (thread(wrote(), ran(Outcome.SUCCEEDED, "plot.py"), to=c), reported(shown(c))),
    "an earlier turn ran it": lambda c: (
        Conversation((*thread(wrote(), ran()).entries, *thread(to=c).entries)), reported(shown(c)),
    ),
    "a line shows it": lambda c: (thread(to=c), reported(Evidence(condition=c, file="app.log", line=2), citations=(LINE,))),
    "it failed and says so": lambda c: (thread(wrote(), ran(Outcome.FAILED), to=c), reported(status="failed")),
    "more evidence than conditions": lambda c: (
        thread(wrote(), ran(Outcome.SUCCEEDED, "plot.png"), to=c),
        reported(shown("it ran"), Evidence(condition=c, file="plot.png")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("condition", LANGUAGES)
@pytest.mark.parametrize("case", TRUE)
async def test_a_true_report_is_never_blocked(case: str, condition: str) -> None:
    conversation, report = TRUE[case](condition)

    assert await objections(conversation, report, await workspace()) == []


@pytest.mark.parametrize(
    ("steps", "report", "objection"),
    [
        ([wrote()], reported(shown("c")), "There was no run of 'plot.py'."),
        ([wrote(), ran(), wrote()], reported(shown("c")), "plot.py was changed after its last run."),
        ([wrote(), ran(), replace(ran(Outcome.SUCCEEDED, "plot.py"), ran=FileName("rewrite.py"))], reported(shown("c")),
         "plot.py was changed after its last run."),
        ([wrote(), ran(Outcome.FAILED)], reported(shown("c")), "The last run of plot.py failed; your evidence says it succeeded."),
        ([wrote(), ran()], reported(), "There is no evidence for the condition: c"),
        ([], reported(Evidence(condition="c", file="gone.png")), "You name the file 'gone.png', which is not in the workspace."),
        ([], reported(Evidence(condition="c")), "names neither a run nor a file"),
        ([], reported(status="failed", files=("gone.png",)), "You name the file 'gone.png'"),
        ([], reported(status="failed", files=("../etc/passwd",)), "You name the file '../etc/passwd'"),
        ([ran(Outcome.TIMED_OUT)], reported(Evidence(condition="c", file="plot.png")),
         "The last run (plot.py) timed out, and your evidence accounts for no run."),
        ([], reported(status="failed", citations=(replace(LINE, line=3),)),
         "app.log:3 does not read as you cite it. It reads: three"),
        ([], reported(status="failed", citations=(replace(LINE, line=9),)), "the file has fewer lines"),
        ([], reported(status="failed", citations=(replace(LINE, file="/etc/passwd"),)), "which is not in the workspace"),
    ],
)  # fmt: skip
async def test_a_false_report_is_named_for_what_it_is(steps: list[Step], report: Report, objection: str) -> None:
    assert objection in "\n".join(await objections(thread(*steps), report, await workspace()))


async def test_what_is_wrong_is_said_once_wherever_it_stands() -> None:
    evidence = Evidence(condition="c", file="gone.png")
    cited = Citation(file="gone.png", line=1, text="x")

    found = await objections(thread(), reported(evidence, files=("gone.png",), citations=(cited, cited)), await workspace())

    assert found == ["You name the file 'gone.png', which is not in the workspace."]


@pytest.mark.parametrize(("line", "wrong"), [(2, 0), (3, 1)])
async def test_a_line_of_a_packed_log_is_read_where_it_may_be_unpacked(line: int, wrong: int) -> None:
    sandbox = MemorySandbox({}, 10_000)
    await sandbox.put(FileName("app.log.gz"), chunked(gzip.compress(b"2026-11-20T14:00:00Z INFO a\n2026-11-20T14:00:01Z INFO b\n")))
    evidence = Evidence(condition="c", file="app.log.gz", line=line)

    found = await objections(thread(), reported(evidence), sandbox)

    assert len(found) == wrong, found
