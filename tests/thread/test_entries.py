"""Entries as a data folder keeps them: what was written by an earlier version is still read."""

from __future__ import annotations

import json

import pytest

from bot.thread.entries import ENTRY, Entry, Message, Reply, Step


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        # A field that entries no longer have is passed over.
        ({"kind": "reply", "text": "Done.", "certain": False}, Reply(text="Done.")),
        # A field that entries did not have yet takes its default.
        ({"kind": "step", "decision": 2, "index": 0, "result": "ok"}, Step(decision=2, index=0, result="ok")),
        (
            {"kind": "message", "sender": "user_proxy", "recipient": "code_assistant", "text": "plot"},
            Message(sender="user_proxy", recipient="code_assistant", text="plot", done_when=(), round=0),
        ),
    ],
)
def test_a_row_of_another_version_is_read_as_far_as_it_is_known(row: dict[str, object], entry: Entry) -> None:
    assert ENTRY.validate_json(json.dumps(row)) == entry
