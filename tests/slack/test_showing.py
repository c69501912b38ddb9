"""Progress uses what answers leave of the calls."""

from __future__ import annotations

from bot.slack.showing import Updates


def test_each_turn_at_work_has_a_call_left_for_its_answer_whatever_progress_is_made() -> None:
    now = 0.0
    updates = Updates(per_minute=50, clock=lambda: now)

    shown = sum(updates.spare(40) for _ in range(1_000))
    for _ in range(40):
        updates.take()

    assert shown == 10
    assert not updates.spare(0)
    now += 60.0
    assert sum(updates.spare(0) for _ in range(1_000)) == 50
