"""Bounding, fencing and taking apart text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.thread.text import BYTES_PER_TOKEN, bounded, code_blocks, fenced, given_file, lone_python


@given(st.text(), st.integers(1, 50))
def test_a_bound_holds_and_short_text_is_untouched(text: str, tokens: int) -> None:
    kept = bounded(text, tokens)

    room = tokens * BYTES_PER_TOKEN
    if len(text.encode(errors="replace")) <= room:
        assert kept == text
    else:
        assert len(kept.encode()) <= room + 60


@given(st.text(alphabet="`ab\n"))
def test_nothing_inside_a_fence_closes_it(text: str) -> None:
    first, *inside, last = fenced(text).split("\n")

    assert first == last
    assert "\n".join(inside) == text
    assert first not in text


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("```\nx = 1\n```", ["x = 1\n"]),
        ("a\n```python\n  x\n\n```\nb\n```py\ny```", ["  x\n\n", "y"]),
        ("```import os\nprint(1)```", ["import os\nprint(1)"]),
        ("```x```", ["x"]),
        ("```python\nprint('```')\n```", ["print('```')\n"]),
        ("no code", []),
    ],
)
def test_code_blocks_come_out_byte_for_byte(text: str, bodies: list[str]) -> None:
    assert code_blocks(text) == bodies


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```print(1)```", "print(1)"), (" ```python\nprint(1)\n```\n", "print(1)\n"),
        ("```json\n{}\n```", None), ("run ```print(1)```", None), ("```a``` ```b```", None),
        ("``` ```", None),
    ],
)  # fmt: skip
def test_only_a_lone_python_block_is_run_as_it_is(text: str, code: str | None) -> None:
    assert lone_python(text) == code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("save as `tool.py`:\n```\nx\n```", ("tool.py", "x\n")),
        ("```tool.py\nx\n```", ("tool.py", "x\n")),
        ("```python tool.py\nx\n```", ("tool.py", "x\n")),
        ("a.py or b.py?\n```\nx\n```", None),
        ("see https://x.org/a.py ```x```", None),
        ("what does os.path do, e.g. here? ```x```", None),
        ("save as tool.py", None),
    ],
)
def test_a_file_is_given_by_one_name_and_one_block(text: str, expected: tuple[str, str] | None) -> None:
    assert given_file(text) == expected
