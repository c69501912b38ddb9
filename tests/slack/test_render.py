"""Replies as messages within Slack's limits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ports import Task
from bot.slack.render import PART, code, harmless, is_long, parts, split, working
from bot.thread.entries import Reply

pieces = st.sampled_from(["A paragraph. ", "\n", "\n\n", "```python\n", "```\n", "x = 1\n", "😀", "`a`", "<!channel> "])
texts = st.lists(pieces, max_size=200).map("".join)


@given(texts, st.integers(80, 400))
def test_no_part_is_too_long_and_nothing_is_lost(text: str, size: int) -> None:
    made = split(text, size)

    assert all(len(part) <= size for part in made)
    plain = re.sub(r"```(python)?|\s", "", text)
    assert re.sub(r"```(python)?|\s", "", "".join(made)) == plain


def test_a_fence_that_is_cut_is_closed_and_opened_again() -> None:
    made = split("```py\n" + "x = 1\n" * 100 + "```\nend", 120)

    assert all(part.startswith("```py\n") and part.endswith("\n```") for part in made[:-1])


def test_a_long_answer_keeps_its_footer_at_the_end() -> None:
    made = parts(Reply(text="word " * 6_000, footer="1 call"))

    assert len(made) == 3
    assert all(len(p.blocks[0]["text"]) <= PART for p in made)
    assert [p.blocks[-1]["type"] for p in made] == ["markdown", "markdown", "context"]


@pytest.mark.parametrize("text", ["<!channel>", "<!here|here>", "<@U1>", "@channel", "<!subteam^S1>", "<#C1|x>"])
def test_nobody_is_called_by_what_a_program_printed(text: str) -> None:
    [part] = parts(Reply(text="ok", output=text))

    assert text not in part.blocks[0]["text"]
    assert text not in harmless(text)


def test_short_output_stands_in_the_answer_and_long_output_beside_it() -> None:
    assert "```\n42\n```" in parts(Reply(text="ok", output="42"))[0].blocks[0]["text"]
    assert is_long("line\n" * 40)
    assert "line" not in parts(Reply(text="ok", output="line\n" * 40))[0].blocks[0]["text"]


def test_output_cannot_close_its_fence() -> None:
    assert code("a\n```\nb") == "````\na\n```\nb\n````"


def test_work_is_shown_with_a_stop_button() -> None:
    part = working([Task(title="Wrote a.py", state="done"), Task(title="Running a.py", state="running")])

    assert part.text == "✓ Wrote a.py\n◐ Running a.py"
    assert part.blocks[1]["elements"][0]["action_id"] == "stop"
