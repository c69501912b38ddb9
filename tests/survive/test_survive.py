"""Whatever dies, freezes or answers nonsense: every message has one answer and one upload, and nothing is left behind.

This is the bounded form; `python -m tests.bench survive` runs the whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine

import pytest

from tests.survive import suites
from tests.survive.suites import Ends

pytestmark = pytest.mark.matrix
STORIES: dict[str, Callable[[], Coroutine[None, None, Ends]]] = {
    "killed at points of a turn": lambda: suites.deaths_at_points(16, first=5),
    "killed at random, with a clock that steps": lambda: suites.deaths_at_random(3, 2, 6, random.Random(1)),
    "stopped cleanly with turns at work": lambda: suites.deploys(2),
    "frozen": lambda: suites.frozen(3.0),
    "a full disk": lambda: suites.full_disk(2),
    "the fork server and every other helper killed": lambda: suites.helpers_killed(2),
    "a tenth of all answers spoiled": lambda: suites.spoiled(0.1, 3, 2, random.Random(1)),
    "three of ten answers spoiled": lambda: suites.spoiled(0.3, 3, 2, random.Random(2)),
}


@pytest.mark.parametrize("story", STORIES)
async def test_every_message_has_one_answer_and_nothing_is_left_behind(story: str) -> None:
    wrong, done = await STORIES[story]()

    assert wrong == []
    assert done
