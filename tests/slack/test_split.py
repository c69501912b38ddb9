"""Long answers, cut where a reader would cut them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.slack.split import Piece, split

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
noise = st.sampled_from([
    "A paragraph. ", "\n", "\n\n", "```python\n", "```\n", "~~~\n", "x = 1\n", "😀", "`a`", "<!channel> ", "\r\n", "\t",
    "| a | b |\n", "|---|---|\n", "- ", "10. ", "> ", "    ", "# ", "word" * 40,
])  # fmt: skip
words = st.text("abc `~|#>-", min_size=1, max_size=150)
fences = st.builds(
    lambda marks, info, lines: "\n".join([marks + info, *lines, marks]),
    st.sampled_from(["```", "~~~", "`````", "~~~~"]),
    st.sampled_from(["", "py", " py title=a.py"]),
    st.lists(words.filter(lambda line: not re.match(r" *(`{3,}|~{3,}) *$", line)), max_size=12),
)
tables = st.lists(st.tuples(st.integers(), st.integers()), max_size=20).map(
    lambda rows: "\n".join(["| left | right |", "|---|--:|", *(f"| {a} | {b} |" for a, b in rows)])
)
paragraphs = st.lists(st.text("abc ", min_size=1, max_size=300).map(lambda text: f"p{text}"), min_size=1).map("\n".join)
leaves = st.one_of(fences, tables, paragraphs)


def indented(first: str, rest: str, block: str) -> str:
    head, *lines = block.split("\n")
    return "\n".join([first + head, *(rest + line for line in lines)])


blocks = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(
            lambda blocks: "\n".join(indented("- ", "  ", f"item\n\n{block}") for block in blocks)
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda blocks: "\n".join(indented("10. ", "    ", f"item\n\n{block}") for block in blocks)
        ),
        inner.map(lambda block: indented("> ", "> ", block)),
    ),
    max_leaves=4,
)
answers = st.lists(blocks, min_size=1, max_size=5).map("\n\n".join)


def code(text: str) -> str:
    """All that stands in the fences of a text, without white space, which a line that is cut gains."""
    return "".join("".join(t.content.split()) for t in MARKDOWN.parse(text) if t.type == "fence")


def rows(text: str) -> list[str]:
    """The rows of the tables of a text, without their heads."""
    inside, found = False, []
    for token in MARKDOWN.parse(text):
        inside = token.type == "tbody_open" or (inside and token.type != "tbody_close")
        if inside and token.type == "tr_open":
            found.append("")
        elif inside and token.type == "inline":
            found[-1] += f"{token.content}|"
    return found


def open_fences(text: str) -> Iterator[str]:
    lines = text.split("\n")
    for token in MARKDOWN.parse(text):
        if token.type == "fence" and token.map:
            last = lines[token.map[1] - 1].strip(" >")
            if not (last.startswith(token.markup) and set(last) == set(token.markup) and token.map[1] - token.map[0] > 1):
                yield text


def texts(text: str, size: int) -> list[str]:
    return [str(piece) for piece in split(text, size)]


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_a_fence_that_is_cut_is_opened_again_as_it_was(fence: str) -> None:
    lines = "x = 1\n" * 100

    pieces = texts(f"Look:\n\n{fence}py a.py\n{lines}{fence}\nend", 120)

    assert all(piece.endswith(f"\n{fence}") for piece in pieces[:-1])
    assert all(piece.startswith(f"{fence}py a.py\nx = 1\n") for piece in pieces[1:])
    assert sum(piece.count("x = 1\n") for piece in pieces) == 100


def test_a_table_that_is_cut_repeats_its_head() -> None:
    head = "| month | revenue |\n|---|--:|\n"
    table = head + "".join(f"| {month} | {month * 10} |\n" for month in range(1, 13))

    assert texts(f"{table}\nGrowing.", 140) == [
        head + "".join(f"| {month} | {month * 10} |\n" for month in range(1, 10)),
        head + "".join(f"| {month} | {month * 10} |\n" for month in range(10, 13)) + "\nGrowing.",
    ]


def test_a_list_is_cut_between_its_items_and_a_quote_between_its_paragraphs() -> None:
    items = [f"{number}. item\n   of two lines\n" for number in range(1, 9)]
    quote = ["> one\n> two\n", ">\n> three\n> four\n"]

    assert texts("".join(items), 100) == ["".join(items[:4]), "".join(items[4:])]
    assert texts("".join(quote), 25) == ["> one\n> two\n>\n", "> three\n> four\n"]


def test_what_is_cut_within_an_item_goes_on_under_its_marker() -> None:
    text = "1. one\n2. two\n   ```sh\n   first\n   second\n   third\n   ```\n3. three\n"

    assert texts(text, 50) == [
        "1. one\n2. two\n   ```sh\n   first\n   second\n   ```",
        "2. …\n\n   ```sh\n   third\n   ```\n3. three\n",
    ]


def test_one_line_longer_than_a_piece_is_cut_after_a_space_and_else_anywhere() -> None:
    assert texts("a few words " * 4, 20) == ["a few words a few ", "words a few words a ", "few words "]
    assert texts("x" * 45, 20) == ["x" * 20, "x" * 20, "x" * 5]


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert split("```\nunclosed", 20) == [Piece("```\nunclosed")]


def test_the_command_line_loads_no_markdown_before_it_serves() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, bot.commands; print(*sys.modules)"], capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    assert "bot.commands" in loaded
    assert {name for name in loaded if name.startswith(("markdown_it", "bot.slack"))} == set()


@given(st.lists(noise, max_size=200).map("".join), st.integers(80, 400))
def test_no_piece_is_too_long_and_nothing_of_any_text_is_lost(text: str, size: int) -> None:
    pieces = split(text, size)

    assert max(len(str(piece)) for piece in pieces) <= size
    assert "".join(piece.body for piece in pieces) == text


@settings(deadline=None, max_examples=100)
@given(answers, st.integers(300, 800))
def test_every_piece_reads_by_itself(text: str, size: int) -> None:
    pieces = [str(piece) for piece in split(text, size)]

    assert max(map(len, pieces)) <= size
    assert list(chain.from_iterable(map(open_fences, pieces))) == []
    assert "".join(map(code, pieces)) == code(text)
    assert [row for piece in pieces for row in rows(piece)] == rows(text)
