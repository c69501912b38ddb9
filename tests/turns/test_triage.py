"""What open requests mean for a conversation."""

from __future__ import annotations

from dataclasses import replace

from bot.thread.conversation import Conversation
from bot.thread.entries import Call, Decision, Message, Reply, UserMessage
from bot.thread.request import Command
from bot.turns.triage import Drop, Steer, Stop, Take, Withdraw, sort_out
from tests.world import mention

SETTLED = Conversation()
ASKED = Conversation((UserMessage(ts="1.0", user="U1", text="plot", key="msg:1"),))
CALLED = Decision(agent="code_assistant", calls=(Call(id="1", name="ListFiles", arguments="{}"),))
BRIEF = Message(sender="user_proxy", recipient="code_assistant", text="plot")
WORKING = Conversation((*ASKED.entries, BRIEF, CALLED))
ANSWERED = Conversation((*WORKING.entries, Reply(text="done")))


def test_a_message_waits_until_the_agents_decide_next() -> None:
    request = mention("in red")

    assert sort_out([request], SETTLED) == Take(request)
    assert sort_out([request], ASKED) == Take(request)
    assert sort_out([request], WORKING) is None
    assert sort_out([request], ANSWERED) is None


def test_a_command_waits_for_the_open_turn_and_messages_wait_for_a_command() -> None:
    command = replace(mention(""), kind="command", command=Command())
    commanded = Conversation((UserMessage(ts="1.0", user="U1", text="", command=Command()),))

    assert sort_out([command], SETTLED) == Take(command)
    assert sort_out([command], ASKED) is None
    assert sort_out([mention("hi")], commanded) is None


def test_a_stop_never_waits_and_needs_something_to_stop() -> None:
    stop = replace(mention("stop"), kind="stop")

    assert sort_out([mention("x"), stop], WORKING) == Stop(stop)
    assert sort_out([stop], SETTLED) == Drop((stop.key,))
    assert sort_out([stop], ANSWERED) is None


def test_deleting_the_question_withdraws_it_and_deleting_anything_else_changes_nothing() -> None:
    deleted = replace(mention(""), kind="delete", replaces="1.0")

    assert sort_out([deleted], WORKING) == Withdraw(deleted)
    assert sort_out([replace(deleted, replaces="0.5")], WORKING) == Drop((deleted.key,))


def test_a_message_deleted_or_edited_before_it_was_read_is_never_read_as_it_was() -> None:
    request = mention("plot revnue")
    deleted = replace(mention(""), kind="delete", replaces=request.ts, key="d")
    edited = replace(mention("plot revenue"), kind="edit", replaces=request.ts, key="e")

    assert sort_out([request, deleted], SETTLED) == Drop((request.key, "d"))
    assert sort_out([request, edited], SETTLED) == Take(replace(request, text="plot revenue"), beside=("e",))


def test_an_edit_during_the_turn_steers_and_after_it_changes_nothing() -> None:
    edited = replace(mention("plot revenue"), kind="edit", replaces="1.0")

    assert sort_out([edited], ASKED) == Steer(edited)
    assert sort_out([edited], WORKING) is None
    assert sort_out([edited], SETTLED) == Drop((edited.key,))


def test_what_is_already_in_the_conversation_is_not_taken_twice() -> None:
    assert sort_out([replace(mention("plot"), key="msg:1")], ASKED) is None
