"""Bounding, fencing and taking apart text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.thread.text import BYTES_PER_TOKEN, bounded, code_blocks, code_to_run, fenced, given_file, means_stop, typed_words


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
        ("run this, please: ```print(1)```", "print(1)"), ("```x```\nCan you run it for me?", "x"),
        ("```json\n{}\n```", None), ("explain ```print(1)```", None), ("run it twice ```a```", None), ("```a``` ```b```", None),
        ("``` ```", None),
    ],
)  # fmt: skip
def test_one_python_block_with_no_words_but_to_run_it_is_run_as_it_is(text: str, code: str | None) -> None:
    assert code_to_run(text) == code


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        *(
            (text, True)
            for text in ("stop!", "Stop.", "please stop", "STOP it", "cancel that", "\ue000U0BOT\ue001 stop", "Stop :hand:")
        ),
        *((text, True) for text in ("Arrête !", "bitte abbrechen", "停止", "стоп!!!", "stop, please…", "✋ stop")),
        *((text, False) for text in ("stop words", "the bus stop column", "don't stop", "please", "", "cancel the order column")),
    ],
)
def test_a_whole_message_that_means_stop_stops(text: str, stops: bool) -> None:
    assert means_stop(text) is stops


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.py “b c” ‘d’ —verbose –n 5", ["a.py", "b c", "d", "--verbose", "-n", "5"]),
        ("a.py “it's” 'b—c' — d", ["a.py", "it's", "b—c", "—", "d"]),
        ("Bob’s.py x", ["Bob’s.py", "x"]), ("a.py «x y»", ["a.py", "x y"]), ("a.py —x", ["a.py", "--x"]),
    ],
)  # fmt: skip
def test_the_quotes_and_dashes_of_phones_are_what_was_meant(text: str, words: list[str]) -> None:
    assert typed_words(text) == words


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
