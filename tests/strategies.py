"""Hypothesis strategies for what a conversation is made of."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.thread.entries import ENTRY
from bot.thread.files import FileName

text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)
names = st.sampled_from(["plot.py", "sales 2026.csv", "naïve 😀.txt", "a/b.log"]).map(FileName)
infos = st.fixed_dictionaries({"name": names, "size": st.integers(0, 2**40)})
executions = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["succeeded", "failed", "timed out", "disk full"]),
        "exit_code": st.none() | st.integers(-9, 255),
        "stdout": text,
        "stderr": text,
        "duration": st.floats(0, 1e6),
        "files": st.lists(infos, max_size=3),
    }
)
usages = st.fixed_dictionaries(
    {"model": text, "calls": st.integers(0, 9), "input": st.integers(0, 9), "output": st.integers(0, 9)}
)
calls = st.fixed_dictionaries({"id": text, "name": text, "arguments": text})
json_values = st.dictionaries(text, text | st.integers() | st.booleans() | st.none(), max_size=3)
shapes = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("user_message"),
            "ts": text,
            "user": text,
            "text": text,
            "files": st.lists(names, max_size=3),
            "context": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("decision"),
            "agent": text,
            "calls": st.lists(calls, max_size=3),
            "opaque": st.lists(json_values, max_size=2),
            "usage": usages,
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("step"),
            "decision": st.integers(0, 99),
            "index": st.integers(0, 9),
            "result": text,
            "execution": st.none() | executions,
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("message"),
            "sender": text,
            "recipient": text,
            "text": text,
            "done_when": st.lists(text, max_size=5),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("report"),
            "decision": st.integers(0, 99),
            "index": st.integers(0, 9),
            "agent": text,
            "status": st.sampled_from(["complete", "failed", "needs_input"]),
            "answer": text,
            "citations": st.lists(
                st.fixed_dictionaries({"file": text, "line": st.integers(1), "text": text}), max_size=2
            ),
        }
    ),
    st.fixed_dictionaries({"kind": st.just("reply"), "text": text, "files": st.lists(names, max_size=3)}),
    st.fixed_dictionaries(
        {
            "kind": st.just("delivery"),
            "intent": st.sampled_from(["open", "reply"]),
            "turn": text,
            "result": st.none() | text,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("stopped"), "user": text, "ts": text}),
)
entries = shapes.map(ENTRY.validate_python)
