"""The calls that the planner answers with."""

from __future__ import annotations

from typing import Any

Calls = list[tuple[str, dict[str, Any]]]


def report(status: str, answer: str, **claims: Any) -> Calls:
    """Return the call that ends the work on a brief."""
    return [("Report", {"status": status, "answer": answer or "There is nothing to say.", **claims})]
