"""None of the quirks of real models and services ends wrong: each in the right answer, or in a true message."""

import pytest

from tests.llm.quirk_table import CASES, TABLE
from tests.llm.quirks import lived


@pytest.mark.parametrize(("name", "wire"), CASES)
async def test_a_quirk_ends_in_the_right_answer_or_in_a_true_message(name: str, wire: str) -> None:
    came = await lived(TABLE[name], wire)

    assert came.verdict == ("true" if TABLE[name].true else "right"), came.posted
