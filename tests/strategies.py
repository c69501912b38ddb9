"""Hypothesis strategies for what a conversation is made of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bot.thread.entries import ENTRY
from bot.thread.files import FileName

text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)
numbers = st.integers(0, 9)
names = st.sampled_from(["plot.py", "sales 2026.csv", "naïve 😀.txt", "a/b.log"]).map(FileName)


def record(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


def entry(kind: str, **fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return record(kind=st.just(kind), **fields)


def few(items: SearchStrategy[Any], most: int = 3) -> SearchStrategy[list[Any]]:
    return st.lists(items, max_size=most)


executions = record(
    outcome=st.sampled_from(["succeeded", "failed", "timed out", "disk full"]), exit_code=st.none() | st.integers(-9, 255),
    stdout=text, stderr=text, duration=st.floats(0, 1e6), files=few(record(name=names, size=st.integers(0, 2**40))),
)  # fmt: skip
usages = record(model=text, calls=numbers, input=numbers, output=numbers)
calls = record(id=text, name=text, arguments=text)
citations = record(file=text, line=st.integers(1), text=text)
statuses = st.sampled_from(["complete", "failed", "needs_input"])
intents = st.sampled_from(["open", "reply"])
decisions = st.integers(0, 99)
json_values = st.dictionaries(text, text | st.integers() | st.booleans() | st.none(), max_size=3)
entries = st.one_of(
    entry("user_message", ts=text, user=text, text=text, files=few(names), context=st.booleans()),
    entry("decision", agent=text, calls=few(calls), opaque=few(json_values, 2), usage=usages),
    entry("step", decision=decisions, index=numbers, result=text, execution=st.none() | executions),
    entry("message", sender=text, recipient=text, text=text, done_when=few(text, 5)),
    entry("report", decision=decisions, index=numbers, agent=text, status=statuses, answer=text, citations=few(citations, 2)),
    entry("reply", text=text, files=few(names)), entry("delivery", intent=intents, turn=text, result=st.none() | text),
    entry("stopped", user=text, ts=text),
).map(ENTRY.validate_python)  # fmt: skip
