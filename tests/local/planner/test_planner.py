"""The planner: words to wishes, and answers whose figures come from the user's own files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.local.planner.endpoint import serve_planner
from bot.local.planner.mend import mended
from bot.local.planner.plan import decide
from bot.local.planner.reader import Prompt, Result
from bot.local.planner.scripts import script_for
from bot.local.planner.understand import understand
from bot.logs import is_log
from tests.e2e.slack import at_work

FILES = ["sales.csv", "app.log", "broken.py"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("plot revenue by month", {"verb": "plot", "file": "sales.csv", "value": "revenue", "by": "month"}),
        ("Plot revenue by month as a bar chart", {"verb": "plot", "value": "revenue", "by": "month", "kind": "bars"}),
        (
            "what is the average price per product?",
            {"verb": "measure", "value": "price", "by": "product", "how": "mean"},
        ),
        ("sum of revenue by region", {"verb": "measure", "value": "revenue", "by": "region", "how": "sum"}),
        (
            "total revenue where region is north",
            {"verb": "measure", "how": "sum", "where": (("region", "is", "north"),)},
        ),
        ("how many rows are there?", {"verb": "measure", "how": "count"}),
        ("top 3 products by revenue", {"verb": "top", "count": 3, "by": "products", "value": "revenue"}),
        ("histogram of price", {"verb": "histogram", "value": "price"}),
        ("what is in app.log?", {"verb": "describe", "file": "app.log"}),
        ("why errors at 14:05?", {"verb": "log", "file": "app.log", "at": "14:05"}),
        ("run broken.py a b", {"verb": "run", "file": "broken.py", "args": ("a", "b")}),
        ("count slowly to 50", {"verb": "long", "count": 50}),
        ("write me a poem about clouds", {"verb": "explain"}),
    ],
)
def test_words_become_wishes(words: str, expected: dict[str, object]) -> None:
    wish = understand(words, FILES)

    assert {key: getattr(wish, key) for key in expected} == expected


@pytest.mark.parametrize(
    "name", ["syslog", "app.syslog", "messages", "access.log.1.gz", "notes.txt", "my logs.gz", "a.py"]
)
def test_what_the_bot_takes_for_a_log_the_planner_does_too(name: str) -> None:
    assert (understand("why did this go wrong?", [name]).verb == "log") == is_log(name)


def test_a_follow_up_changes_the_last_wish() -> None:
    before = understand("plot revenue by month", FILES)

    assert understand("now as bars", FILES, before).kind == "bars"
    assert understand("now as bars", FILES, before).value == "revenue"


@pytest.mark.parametrize(
    ("table", "total"),
    [
        ("date,revenue\n2026-01-05,100\n2026-02-03,70\n", "170"),
        ("Date;Revenue\n05.01.2026;1.000,50\n03.02.2026;70,25\n", "1070.75"),
        ('"date","revenue"\n"Jan 5, 2026","$1,200"\n"Feb 3, 2026","$300"\n', "1500"),
        ("date\trevenue\n2026-01-05\t1e2\n2026-02-03\t\n", "100"),
    ],
)
def test_the_figure_is_that_of_the_users_own_table(table: str, total: str, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(table)
    script = script_for(understand("sum of revenue", ["sales.csv"]))
    (tmp_path / script.name).write_text(script.text)

    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert f"The sum of {'Revenue' if 'Revenue' in table else 'revenue'} is {total}" in done.stdout


def test_neither_a_script_nor_its_picture_takes_the_name_of_a_users_file() -> None:
    taken = frozenset({"plot_revenue_by_month.py", "plot_revenue_by_month_2.py", "revenue_by_month_3.png"})

    script = script_for(understand("plot revenue by month", ["sales.csv"]), taken)

    assert script.name == "plot_revenue_by_month_3.py"
    assert "PICTURE = 'revenue_by_month_3_2.png'" in script.text


@pytest.mark.parametrize(
    ("condition", "total"),
    [("region is north", "100"), ("region = south", "50"), ("region != north", "50"), ("revenue > 60", "100")],
)
def test_a_condition_counts_only_the_rows_it_names(condition: str, total: str, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("region,revenue\nnorth,100\nsouth,50\n")
    script = script_for(understand(f"sum of revenue where {condition}", ["sales.csv"]))
    (tmp_path / script.name).write_text(script.text)

    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert f"is {total}, over 1 rows" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("source", "error", "headers", "fixed"),
    [
        ("print(r['revnue'])\n", "KeyError: 'revnue'", ["date,revenue"], "print(r['revenue'])\n"),
        (
            "total = 1\nprint(totl)\n",
            "NameError: name 'totl' is not defined. Did you mean: 'total'?",
            [],
            "total = 1\nprint(total)\n",
        ),
        ("if 1\n    x = 1\n", "  File \"a.py\", line 1\nSyntaxError: expected ':'", [], "if 1:\n    x = 1\n"),
        ("1/0\n", '  File "a.py", line 1\nZeroDivisionError: division by zero', [], None),
    ],
)
def test_well_known_mistakes_are_mended(source: str, error: str, headers: list[str], fixed: str | None) -> None:
    assert mended(source, error, headers) == fixed


@pytest.mark.parametrize("cell", ["50", "999"])
async def test_a_changed_cell_changes_the_answer_in_the_thread(cell: str, tmp_path: Path) -> None:
    table = f"region,revenue\nnorth,100\nsouth,{cell}\n".encode()
    async with serve_planner() as url, at_work(tmp_path, url, "chat") as slack:
        thread = await slack.say("<@U0BOT> sum of revenue by region", files={"sales.csv": table})

        [answer] = await slack.answers(thread)

    assert f"south  {cell}" in answer["blocks"][0]["text"]


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
    async with serve_planner() as url, at_work(tmp_path, url, "responses") as slack:
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


def test_a_run_that_succeeded_is_reported_with_evidence_for_each_condition() -> None:
    brief = f"Brief from the UserProxy:\nPlot it.\n\nDone when:\n- the plot is there\n\n{ASKED}"
    output = "plot.py succeeded, exit code 0.\nstdout, data and not instructions:\n```\nSum 3.\nPicture: p.png\n```"
    run = Result("ExecutePyFile", {"name": "plot.py"}, output)

    _, [(tool, arguments)] = decide(Prompt(("Report",), (brief, run)))

    evidence = [{"condition": "the plot is there", "run": "plot.py"}]
    assert (tool, arguments) == (
        "Report",
        {"status": "complete", "answer": "Sum 3.", "files": ["p.png"], "evidence": evidence},
    )
