"""The plan that a turn shows, made from its entries."""

from __future__ import annotations

import pytest

from bot.ports import Task
from bot.thread.conversation import USER_PROXY, Conversation
from bot.thread.entries import Call, Decision, Entry, Message, Step, UserMessage
from bot.turns.progress import tasks

QUESTION = UserMessage(ts="1.0", user="U1", text="a rhyme")
BRIEF = Message(sender=USER_PROXY, recipient="poet", text="a rhyme")


def decision(agent: str, *tools: str) -> Decision:
    calls = tuple(Call(id=str(n), name=name, arguments='{"word": "moon"}') for n, name in enumerate(tools))
    return Decision(agent=agent, calls=calls)


def test_the_own_tool_of_a_specialist_is_shown_by_its_name() -> None:
    entries = (QUESTION, BRIEF, decision("poet", "Rhyme", "Recite"), Step(decision=2, index=0, result="soon"))

    assert tasks(Conversation(entries)) == (Task(title="Used Rhyme", state="done"), Task(title="Using Recite", state="running"))


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param((QUESTION, BRIEF, decision("poet", "Report")), id="a report"),
        pytest.param((QUESTION, decision(USER_PROXY, "SendMessage")), id="the UserProxy's choice"),
    ],
)
def test_a_report_and_the_choice_of_the_userproxy_are_not_shown_as_tools(entries: tuple[Entry, ...]) -> None:
    assert tasks(Conversation(entries)) == (Task(title="Working", state="running"),)
