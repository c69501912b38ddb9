"""What Slack sends, and what it asks of us."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import UserError
from bot.slack.events import command_from, request_from, shortcut_from, stop_from
from bot.thread.request import Command, Request, ThreadId

BOT, TEAM = "U0BOT", "T1"


def event(text: str = "<@U0BOT> hi", **more: Any) -> dict[str, Any]:
    return {"type": "message", "channel": "C1", "user": "U1", "ts": "2.0", "text": text, **more}


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    more = {"subtype": "message_changed", "message": after, "previous_message": before}
    return {"type": "message", "channel": "C1", **more}


def asked(text: str = "<@U0BOT> hi", **more: Any) -> Request:
    request = request_from(event(text, **more), TEAM, BOT)
    assert request is not None
    return request


def test_a_mention_and_its_message_are_the_same_request() -> None:
    assert asked() == asked(type="app_mention")
    assert asked() == Request(key="msg:C1:2.0", thread=ThreadId(TEAM, "C1", "2.0"), ts="2.0", user="U1", text="hi")


@pytest.mark.parametrize(
    "ignored",
    [
        event("just talk"), event("<@U2> look", thread_ts="1.0"), event(user=BOT), event(bot_id="B1"),
        event(subtype="channel_join"), event(subtype="bot_message", bot_id="B1"), changed(event(), event()),
    ],
)  # fmt: skip
def test_what_is_not_for_us_is_no_request(ignored: dict[str, Any]) -> None:
    assert request_from(ignored, TEAM, BOT) is None


def test_a_reply_without_a_mention_is_perhaps_for_us_and_a_direct_message_certainly() -> None:
    assert asked("and in red?", thread_ts="1.0").direct is False
    assert asked("hi", channel="D1").direct is True


def test_code_arrives_as_it_was_typed() -> None:
    wire = "<@U0BOT> save as a.py\n```if a &lt; b &amp;&amp; c &gt; d: open('<https://x.org/?a=1&amp;b=2>')\n  os.path &amp;#39;```"

    assert asked(wire).text == "save as a.py\n```if a < b && c > d: open('https://x.org/?a=1&b=2')\n  os.path &#39;```"


def test_a_lone_block_is_a_command_and_a_block_with_words_is_not() -> None:
    assert asked("<@U0BOT> ```print(1)```").command == Command(code="print(1)")
    assert asked("<@U0BOT> what is ```print(1)```").command is None


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("<@U0BOT> /runpy a 'b c'", Command(target="six.py", args=("a", "b c"))),
        ("<@U0BOT> /runpy six.py a", Command(target="six.py", args=("a",))),
        ("<@U0BOT> /runpy 'a", None),
        ("<@U0BOT> what does /runpy do?", None),
    ],
)
def test_runpy_in_a_message_takes_the_script_that_comes_with_it(text: str, command: Command | None) -> None:
    request = asked(text, files=[{"id": "F1", "name": "data.csv"}, {"id": "F2", "name": "six.py"}])

    assert request.command == command
    assert [upload.id for upload in request.uploads] == (["F2", "F1"] if command else ["F1", "F2"])


def test_files_are_never_dropped_even_when_only_slack_knows_them() -> None:
    request = asked(subtype="file_share", files=[{"id": "F1", "file_access": "check_file_info"}, {"id": "F2", "name": "a b.csv"}])

    assert [(u.id, u.name) for u in request.uploads] == [("F1", "F1"), ("F2", "a b.csv")]


@pytest.mark.parametrize("word", ["stop", "<@U0BOT> Stop", "!cancel", "stop <@U0BOT>!"])
def test_stop_is_heard_in_a_thread(word: str) -> None:
    assert asked(word, thread_ts="1.0").kind == "stop"


def test_a_block_beside_a_file_runs_on_it() -> None:
    request = asked("<@U0BOT> ```print(open('a.csv').read())```", files=[{"id": "F1", "name": "a.csv"}])

    assert request.command == Command(code="print(open('a.csv').read())")
    assert [upload.name for upload in request.uploads] == ["a.csv"]


def test_an_edit_that_adds_our_name_is_the_question_itself() -> None:
    before, after = event("plot"), event("<@U0BOT> plot", edited={"ts": "3.0"})

    request = request_from(changed(before, after), TEAM, BOT)

    assert request is not None
    assert (request.kind, request.key) == ("message", "msg:C1:2.0")


def test_edits_and_deletions_name_the_message_they_change() -> None:
    before, after = event("<@U0BOT> plot"), event("<@U0BOT> plot it", edited={"ts": "3.0"})
    gone = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "2.0"}

    edit, delete = (request_from(changed(before, after), TEAM, BOT), request_from(gone | {"previous_message": before}, TEAM, BOT))

    assert edit is not None
    assert delete is not None
    assert (edit.kind, edit.replaces, edit.text) == ("edit", "2.0", "plot it")
    assert (delete.kind, delete.replaces) == ("delete", "2.0")


def test_people_of_other_organizations_are_marked() -> None:
    assert asked(user_team="T9").external is True
    assert asked(user_team=TEAM).external is False
    assert asked(user_team="T9", source_team=TEAM).external is False


def test_in_a_shared_channel_the_authors_own_organization_counts() -> None:
    request = request_from(event(user_team="T9", source_team=TEAM), TEAM, BOT, shared=True)

    assert request is not None
    assert request.external is True


def test_arguments_split_as_a_shell_splits_them() -> None:
    body = {"team_id": "T9", "channel_id": "C1", "user_id": "U1", "trigger_id": "t", "text": "plot.py 'a b' c"}

    request = command_from(body, TEAM, "9.0")

    assert request.thread.team == TEAM  # whoever asks in a shared channel
    assert request.command == Command(target="plot.py", args=("a b", "c"))
    with pytest.raises(UserError, match="Close the quote"):
        command_from({**body, "text": "'x"}, TEAM, "9.0")


def test_the_shortcut_and_the_stop_button_name_their_message() -> None:
    body = {
        "team": {"id": "T9"}, "channel": {"id": "C1"}, "user": {"id": "U1"}, "message": {"ts": "2.0", "thread_ts": "1.0"},
    }  # fmt: skip

    stop = stop_from({**body, "actions": [{"action_id": "stop", "action_ts": "5.0"}]}, TEAM)
    shortcut = shortcut_from({**body, "trigger_id": "t", "message_ts": "2.0"}, TEAM, "9.0")

    assert (shortcut.command, shortcut.thread.team) == (Command(message_ts="2.0"), TEAM)
    assert stop is not None
    assert (stop.thread, stop.ts, stop.kind) == (ThreadId(TEAM, "C1", "1.0"), "5.0", "stop")
