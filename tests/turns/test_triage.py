"""What open requests mean for a conversation."""

from __future__ import annotations

from dataclasses import replace

from bot.thread.conversation import Conversation
from bot.thread.entries import Call, Decision, Message, Reply, UserMessage
from bot.thread.request import Command
from bot.turns.triage import Drop, Steer, Stop, Take, Withdraw, triage
from tests.world import mention

SETTLED = Conversation()
ASKED = Conversation((UserMessage(ts="1.0", user="U1", text="plot", key="msg:1"),))
CALLED = Decision(agent="code_assistant", calls=(Call(id="1", name="ListFiles", arguments="{}"),))
BRIEF = Message(sender="user_proxy", recipient="code_assistant", text="plot")
WORKING = Conversation((*ASKED.entries, BRIEF, CALLED))
ANSWERED = Conversation((*WORKING.entries, Reply(text="done")))


def test_a_message_waits_until_the_agents_decide_next() -> None:
    request = mention("in red")

    assert triage([request], SETTLED) == Take(request)
    assert triage([request], ASKED) == Take(request)
    assert triage([request], WORKING) is None
    assert triage([request], ANSWERED) is None


def test_a_command_waits_for_the_open_turn_and_messages_wait_for_a_command() -> None:
    command = replace(mention(""), kind="command", command=Command())
    commanded = Conversation((UserMessage(ts="1.0", user="U1", text="", command=Command()),))

    assert triage([command], SETTLED) == Take(command)
    assert triage([command], ASKED) is None
    assert triage([mention("hi")], commanded) is None


def test_a_stop_never_waits_and_needs_something_to_stop() -> None:
    stop = replace(mention("stop"), kind="stop")

    assert triage([mention("x"), stop], WORKING) == Stop(stop)
    assert triage([stop], SETTLED) == Drop((stop.key,))
    assert triage([stop], ANSWERED) is None


def test_deleting_the_question_withdraws_it_and_deleting_anything_else_changes_nothing() -> None:
    deleted = replace(mention(""), kind="delete", replaces="1.0")

    assert triage([deleted], WORKING) == Withdraw(deleted)
    assert triage([replace(deleted, replaces="0.5")], WORKING) == Drop((deleted.key,))


def test_a_message_deleted_or_edited_before_it_was_read_is_never_read_as_it_was() -> None:
    request = mention("plot revnue")
    deleted = replace(mention(""), kind="delete", replaces=request.ts, key="d")
    edited = replace(mention("plot revenue"), kind="edit", replaces=request.ts, key="e")

    assert triage([request, deleted], SETTLED) == Drop((request.key, "d"))
    assert triage([request, edited], SETTLED) == Take(replace(request, text="plot revenue"), beside=("e",))


def test_an_edit_during_the_turn_steers_and_after_it_changes_nothing() -> None:
    edited = replace(mention("plot revenue"), kind="edit", replaces="1.0")

    assert triage([edited], ASKED) == Steer(edited)
    assert triage([edited], WORKING) is None
    assert triage([edited], SETTLED) == Drop((edited.key,))


def test_what_is_already_in_the_conversation_is_not_taken_twice() -> None:
    assert triage([replace(mention("plot"), key="msg:1")], ASKED) is None
