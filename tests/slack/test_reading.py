"""What a message says, whatever shape Slack gives it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.reading import overheard

Json = dict[str, Any]


def text(*inline: Json | str, kind: str = "rich_text_section", **more: Any) -> Json:
    return {"type": kind, "elements": [{"type": "text", "text": i} if isinstance(i, str) else i for i in inline], **more}


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def words(kind: str, said: str) -> Json:
    return {"type": kind, "text": said}


FORWARD = {
    "is_share": True, "is_msg_unfurl": True, "from_url": "https://x.slack.com/archives/C1/p1", "author_name": "Ann",
    "text": "p99 &gt; 2 s", "fallback": "[1:00] Ann: p99", "files": [{"id": "F2", "name": "app.log"}],
    "message_blocks": [{"team": "T1", "channel": "C1", "ts": "1.0", "message": {"blocks": [rich(text("p99 > 2 s"))]}}],
}  # fmt: skip
LIST = text(text("first"), text("second ", {"type": "user", "user_id": "U2"}), kind="rich_text_list", style="ordered", indent=0)
CELLS = [[words("raw_text", "city"), words("raw_text", "t < 0")], [words("raw_text", "Oslo"), {"type": "raw_number", "value": 3}]]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"user": "U1", "text": "look", "blocks": [rich(text("look"))], "attachments": [FORWARD]},
         "look\n(Forwarded, Ann wrote:)\np99 > 2 s"),
        ({"user": "U1", "text": "", "attachments": [FORWARD | {"text": ""}]}, "(Forwarded, Ann wrote:)\np99 > 2 s"),
        ({"bot_id": "B1", "text": "", "blocks": [
            {"type": "header", "text": words("plain_text", "Alert <1>")},
            {"type": "section", "text": words("mrkdwn", "*CPU* &gt; 90"),
             "fields": [words("mrkdwn", "host"), words("mrkdwn", "web-1")]},
            {"type": "divider"}, {"type": "context", "elements": [words("mrkdwn", "by the <https://x.org|monitor>")]},
            {"type": "actions", "elements": [{"type": "button", "text": words("plain_text", "Ack")}]},
        ]}, "Alert <1>\n*CPU* > 90\nhost\nweb-1\nby the https://x.org"),
        ({"bot_id": "B1", "text": "Alert: CPU", "attachments": [
            {"pretext": "Alert", "title": "CPU", "text": "90 %", "fields": [{"title": "host", "value": "web-1"}], "fallback": "x"},
        ]}, "Alert: CPU\nAlert\nCPU\n90 %\nhost: web-1"),
        ({"bot_id": "B1", "attachments": [{"blocks": [{"type": "header", "text": words("plain_text", "up")}], "fallback": "[no]"}]},
         "up"),
        ({"bot_id": "B1", "attachments": [{"fallback": "only this"}]}, "only this"),
        ({"bot_id": "B1", "text": "", "blocks": [rich(
            text("see ", {"type": "link", "url": "https://x.org"}, {"type": "emoji", "name": "fire"}), LIST,
            text("if a < b:\n  &lt;", kind="rich_text_preformatted"), text("said\nso", kind="rich_text_quote"),
        )]}, "see https://x.org:fire:\n1. first\n2. second \ue000U2\ue001\n```\nif a < b:\n  &lt;\n```\n> said\n> so"),
        ({"bot_id": "B1", "text": "", "blocks": [{"type": "table", "rows": CELLS}]}, "city | t < 0\nOslo | 3"),
        ({"user": "U1", "text": "x https://a.b", "attachments": [{"original_url": "https://a.b", "text": "noise"}]}, "x https://a.b"),
        ({"user": "U1", "text": "in <#C1|general> with <!subteam^S1|@devs> and <!here>"}, "in #general with @devs and @here"),
        ({"user": "U1", "text": None, "blocks": "odd", "attachments": [None, {"fields": None}], "files": [None, {}]}, ""),
    ],
)  # fmt: skip
def test_all_that_a_message_says_is_read_once(message: Json, said: str) -> None:
    assert overheard({"ts": "1.0", **message}).text == said


def test_the_files_of_a_forward_are_files_of_the_message() -> None:
    own = {"id": "F1", "name": "a.csv"}

    uploads = overheard({"ts": "1.0", "user": "U1", "files": [own], "attachments": [FORWARD, FORWARD]}).uploads

    assert [(upload.id, upload.name) for upload in uploads] == [("F1", "a.csv"), ("F2", "app.log")]
