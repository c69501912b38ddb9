"""Names of files and their lines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.errors import UnsafeFileName
from bot.thread.files import file_name, lines, workspace_name


@pytest.mark.parametrize(
    "name",
    [
        "plot.py",
        "a/b c.csv",
        "naïve 👨\u200d👩\u200d👧.txt",
        "x" * 255,
        "a/" * 31 + "b",
        "a/.b",
        "./a",
        ".env",
        ".git/x",
        "-x",
        "a\u00a0b",
        "so\u00adft",
    ],
)
def test_a_name_that_stays_in_the_workspace_is_taken(name: str) -> None:
    assert file_name(name) == name.removeprefix("./")


@pytest.mark.parametrize(
    "name", ["", ".", "/etc/passwd", "../x", "a/../../x", "a\nb", "a\u202eb", "a\udc80", "x" * 256, "é" * 128, "a/" * 32 + "b"]
)
def test_a_name_that_leaves_the_workspace_or_is_no_text_is_refused(name: str) -> None:
    with pytest.raises(UnsafeFileName, match=r"is not a file name I can use|is too long or too deep"):
        file_name(name)


@pytest.mark.parametrize("name", ["plot.png", "./plot.png", "/mnt/data/plot.png", " ././plot.png "])
def test_a_name_as_models_write_it_is_the_workspaces(name: str) -> None:
    assert workspace_name(name) == "plot.png"


async def test_lines_come_whole_whatever_the_chunks_and_a_huge_one_is_cut() -> None:
    async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    assert [line async for line in lines(chunks(b"o", b"ne\r\ntw", b"o\n\nth\xff"))] == ["one", "two", "", "th\ufffd"]
    assert [len(line) async for line in lines(chunks(*[b"x" * 600_000] * 4, b"\n"))] == [1_000_000]
