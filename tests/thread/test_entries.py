"""Entries as a data folder keeps them: what was written by an earlier version is still read."""

from __future__ import annotations

import json

import pytest

from bot.thread.entries import ENTRY, Citation, Count, Entry, Message, Reply, Report, Step

CITED = {"file": "app.log", "line": 3, "text": "x"}
REPORT = {"kind": "report", "decision": 1, "index": 0, "agent": "code_assistant", "status": "complete", "answer": "ok"}


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
        # What a tool refuses today may stand in an early report.
        ({**REPORT, "counts": [{"query": "x", "value": 1, "window": "", "file": ""}], "citations": [CITED | {"page": 2}]},
         Report(decision=1, index=0, agent="code_assistant", status="complete", answer="ok",
                citations=(Citation(file="app.log", line=3, text="x"),), counts=(Count(query="x", value=1, file=""),))),
    ],
)  # fmt: skip
def test_a_row_of_another_version_is_read_as_far_as_it_is_known(row: dict[str, object], entry: Entry) -> None:
    assert ENTRY.validate_json(json.dumps(row)) == entry
