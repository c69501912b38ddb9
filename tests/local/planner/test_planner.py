"""The planner: every word is used or named, and figures come from the user's own files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot import tables
from bot.local.planner.endpoint import serve_planner
from bot.local.planner.intent import intent_of
from bot.local.planner.mend import mended
from bot.local.planner.plan import decide
from bot.local.planner.query import NotUnderstood
from bot.local.planner.reader import Prompt, Result
from bot.local.planner.requests import REQUESTS
from bot.local.planner.scripts import script_for, suffices
from bot.local.planner.understand import understand
from bot.local.planner.words import phrases
from tests.e2e.slack import at_work

FILES = ["sales.csv", "app.log", "broken.py"]
SALES = """date;region;product;revenue;units
2025-01-05;North;Tea;1.000,50;3
2025-02-03;South;Tea;70,25;4
2026-02-07;North;Coffee;(20,00);5
2026-03-01;East;Milk;n/a;6
"""


@pytest.mark.parametrize(
    ("words", "kind", "file"),
    [
        ("plot revenue by month", "table", "sales.csv"), ("what is in sales.csv?", "table", "sales.csv"),
        ("why errors at 14:05?", "log", "app.log"), ("run broken.py a b", "run", "broken.py"),
        ("fix it", "run", "broken.py"), ("count slowly to 50", "long", "count_slowly.py"), ("thanks!", "thanks", ""),
        ("what can you do?", "help", ""),
    ],
)  # fmt: skip
def test_a_message_is_about_a_table_a_log_or_a_script(words: str, kind: str, file: str) -> None:
    intent = intent_of(words, FILES)

    assert (intent.kind, intent.file) == (kind, file)


def test_a_forward_is_asked_as_if_it_were_written_here() -> None:
    assert intent_of("(Forwarded, Bo wrote:)\nsum of units", FILES).words == "sum of units"


def test_a_profile_says_which_file_is_a_table_and_which_a_log() -> None:
    table, log = '{"table": "a.jsonl", "form": "JSON lines", "rows": 2}', "b.txt: 9 bytes, 1 lines, text"
    kinds = Prompt((), (f"The files were profiled as they came:\n```\n{table}\n```\n\n```\n{log}\n```",)).kinds

    assert kinds == {"a.jsonl": "table", "b.txt": "log"}
    assert intent_of("how many rows?", [*kinds], kinds).file == "a.jsonl"
    assert intent_of("why did b.txt go wrong?", [*kinds], kinds).file == "b.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the table, and with the toolkit as scripts import it."""
    (tmp_path / "tables").symlink_to(Path(tables.__file__).parent)
    (tmp_path / "sales.csv").write_text(SALES)
    return tmp_path


def answered(folder: Path, *texts: str) -> str:
    """What the planner answers to messages of one thread: what its script prints, or why it refuses the last."""
    found = tables.profile(folder / "sales.csv", find=[phrase for text in texts for phrase in phrases(text)])
    profile, query = tables.parsed(tables.told(found)), None
    assert profile is not None
    for text in texts:
        try:
            query = understand(text, profile, query)
        except NotUnderstood as why:
            return f"Refused: {why}"
    assert query is not None
    assert suffices(query, profile), query
    script = script_for(query, profile, texts[-1], frozenset(), plain=True)
    assert script.text.count("\n") <= 40
    (folder / script.name).write_text(script.text)
    done = subprocess.run([sys.executable, script.name], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(("texts", "said"), json.loads(Path(__file__).with_name("answers.json").read_text()))
def test_an_answer_says_which_rows_it_used(texts: list[str], said: str, folder: Path) -> None:
    assert said in answered(folder, *texts)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["sum of revenue in Narnia"], "I do not understand “Narnia”. No cell of `sales.csv` says so."),
        (["predict revenue for next month"], "I do not understand “predict”, “next”"),
        (["how many regions"], "can be two things"),
        (["sum of reveneu by region"], "Did you mean the column “revenue”?"),
        (["average region"], "Column “region” is text"),
    ],
)
def test_a_word_that_is_not_understood_is_named_and_nothing_is_answered(texts: list[str], said: str, folder: Path) -> None:
    assert said in answered(folder, *texts).removeprefix("Refused: ")


def test_every_example_of_the_help_is_understood(folder: Path) -> None:
    for example in (example for request in REQUESTS for example in request["examples"]):
        profile = tables.profile(folder / "sales.csv", find=phrases(example))

        understand(example, profile)


def test_no_file_that_a_script_makes_takes_the_name_of_a_users_file(folder: Path) -> None:
    profile = tables.profile(folder / "sales.csv")
    query = understand("plot revenue by month", profile)
    taken = frozenset({"sum_of_revenue_by_month.py", "sum_of_revenue_by_month_2.png", "sum_of_revenue_by_month_3.csv"})

    script = script_for(query, profile, "", taken)

    assert script.name == "sum_of_revenue_by_month_4.py"
    assert "savefig('sum_of_revenue_by_month_4.png'" in script.text


@pytest.mark.parametrize(
    ("source", "error", "headers", "fixed"),
    [
        ("print(r['revnue'])\n", "KeyError: 'revnue'", ["date,revenue"], "print(r['revenue'])\n"),
        (
            "total = 1\nprint(totl)\n", "NameError: name 'totl' is not defined. Did you mean: 'total'?", [],
            "total = 1\nprint(total)\n",
        ),
        ("if 1\n    x = 1\n", "  File \"a.py\", line 1\nSyntaxError: expected ':'", [], "if 1:\n    x = 1\n"),
        ("1/0\n", '  File "a.py", line 1\nZeroDivisionError: division by zero', [], None),
    ],
)  # fmt: skip
def test_well_known_mistakes_are_mended(source: str, error: str, headers: list[str], fixed: str | None) -> None:
    assert mended(source, error, headers) == fixed


async def test_a_log_names_the_quiet_line_before_the_errors(tmp_path: Path) -> None:
    lines = []
    for minute in range(60):
        for second in range(0, 60, 4):
            lines.append(f"2026-11-20 14:{minute:02d}:{second:02d} INFO GET /orders/{second * minute} 200")
            if (minute, second) == (34, 56):
                lines.append("2026-11-20 14:34:56 INFO deploy v2.31 rolled out: pool 100 -> 20")
            if 35 <= minute < 40 and second % 3 == 0:
                lines.append(f"2026-11-20 14:{minute:02d}:{second:02d} ERROR pool exhausted id={second}")
    log = "\n".join(lines).encode()
    async with serve_planner() as url, at_work(tmp_path, url, "chat") as slack:
        thread = await slack.say("something is off", files={"app.log": log}, user="U0BOB")
        await slack.say("<@U0BOT> why errors at 14:36?", thread=thread)

        [answer] = await slack.answers(thread)

    text = answer["blocks"][0]["text"]
    assert "Trouble begins at 14:35" in text
    number = next(n for n, line in enumerate(lines, 1) if "deploy" in line)
    assert f"app.log:{number}: 2026-11-20 14:34:56 INFO deploy v2.31 rolled out: pool 100 -> 20" in text


ASKED = "<U0ALICE> wrote:\n```\nplot a by b\n```\nAttached files, in the workspace: a.csv"


def test_talk_among_people_is_not_answered() -> None:
    overheard = "(not addressed to you by name) <U0ALICE> wrote:\n```\nlunch?\n```"

    assert decide(Prompt(("Choice",), (overheard,))) == ("", [("Choice", {"action": {"kind": "StaySilent"}})])


def test_a_specialists_question_reaches_the_user() -> None:
    items = (ASKED, "code_assistant needs input:\nWhich column?")

    action = {"kind": "Respond", "text": "Which column?"}
    assert decide(Prompt(("Choice",), items)) == ("", [("Choice", {"action": action})])


def test_a_report_that_was_sent_back_is_not_sent_again() -> None:
    brief = f"Brief from the UserProxy:\nPlot it.\n\nDone when:\n- the plot is there\n\n{ASKED}"
    run = Result("ExecutePyFile", {"name": "plot.py"}, "plot.py succeeded, exit code 0, 0.10 s.")
    sent_back = "Your report does not hold yet:\n- There is no plot.\nMend this and report again."

    _, [(tool, arguments)] = decide(Prompt(("Report",), (brief, run, Result("Report", {}, "Received."), sent_back)))

    assert (tool, arguments["status"]) == ("Report", "failed")
    assert arguments["answer"].startswith("I could not show that this is right.")
