"""Replies as messages within Slack's limits."""

from __future__ import annotations

import pytest

from bot.ports import Task
from bot.slack.render import MESSAGE, harmless, is_long, parts, working
from bot.thread.entries import Reply


def test_a_long_answer_keeps_its_footer_at_the_end() -> None:
    made = parts(Reply(text="word " * 6_000, footer="1 call"))

    assert len(made) == 3
    assert all(len(p.blocks[0]["text"]) <= MESSAGE for p in made)
    assert [p.blocks[-1]["type"] for p in made] == ["markdown", "markdown", "context"]


@pytest.mark.parametrize("text", ["<!channel>", "<!here|here>", "<@U1>", "@channel", "<!subteam^S1>", "<#C1|x>"])
def test_nobody_is_called_by_what_a_program_printed(text: str) -> None:
    [part] = parts(Reply(text=f"it said {text} and `{text}`", output=text))

    said, code = part.blocks[0]["text"].split("\n\n")
    assert said.startswith("it said ")
    assert text not in said.removesuffix(f" and `{text}`")
    assert said.endswith(f" and `{text}`")  # code calls nobody, and is to be copied
    assert code == f"```\n{text}\n```"


@pytest.mark.parametrize(
    "code", ["```\n@here\n```", "````\n```\n@here\n````", "``` @here", "`@here`", "```py\n`a` @here\n```\n`@here`"]
)
def test_code_stays_as_it_is(code: str) -> None:
    assert harmless(f"@here {code}") == f"@\u200bhere {code}"


def test_short_output_stands_in_the_answer_and_long_output_beside_it() -> None:
    assert "```\n42\n```" in parts(Reply(text="ok", output="42"))[0].blocks[0]["text"]
    assert is_long("line\n" * 40)
    assert "line" not in parts(Reply(text="ok", output="line\n" * 40))[0].blocks[0]["text"]


def test_output_cannot_close_its_fence() -> None:
    [part] = parts(Reply(text="ok", output="a\n```\nb\n"))

    assert part.blocks[0]["text"] == "ok\n\n````\na\n```\nb\n````"


def test_an_answer_has_no_blank_message() -> None:
    messages = parts(Reply(text="word " * 2_299 + "\n" * 600))

    assert [bool(part.blocks[0]["text"].strip()) for part in messages] == [True]


def test_work_is_shown_with_a_stop_button() -> None:
    part = working([Task(title="Wrote a.py", state="done"), Task(title="Running a.py", state="running")])

    assert part.text == "✓ Wrote a.py\n◐ Running a.py"
    assert part.blocks[1]["elements"][0]["action_id"] == "stop"
