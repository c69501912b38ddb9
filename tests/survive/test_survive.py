"""Whatever dies, freezes or answers nonsense: every message has one answer and one upload, and nothing is left behind.

This is the bounded form; `python -m tests.bench survive` runs the whole.
"""

from __future__ import annotations

import random

import pytest

from tests.survive.suites import STORIES


@pytest.mark.matrix
@pytest.mark.parametrize("story", STORIES)
async def test_every_message_has_one_answer_and_nothing_is_left_behind(story: str) -> None:
    bounded, _ = STORIES[story]

    wrong, done = await bounded(random.Random(2))

    assert wrong == []
    assert done
