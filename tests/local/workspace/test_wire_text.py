"""What people type becomes what Slack sends."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.local.workspace.wire_text import typed, wire


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("@workings hi", "<@U0BOT> hi"),
        ("<@U0BOT> a < b && c > d", "<@U0BOT> a &lt; b &amp;&amp; c &gt; d"),
        ("mail bob@workings.org", "mail bob@workings.org"),
        ("@nobody", "@nobody"),
        ("see https://x.org/a?b=1&c=2.", "see <https://x.org/a?b=1&amp;c=2>."),
        ('get("http://x.org")', 'get("<http://x.org>")'),
        ("<!channel> <b>", "<!channel> &lt;b&gt;"),
    ],
)
def test_what_is_typed_is_escaped_linked_and_mentioned(text: str, sent: str) -> None:
    assert typed(text, {"workings": "U0BOT"}) == sent


@pytest.mark.parametrize("text", ["<@U0BOT> a &lt; b", "plain", "<https://x.org|x> &amp;", "<!date^1^x|y>"])
def test_what_slack_could_have_sent_stays(text: str) -> None:
    assert wire(text) == text


def test_what_slack_could_not_have_sent_was_typed() -> None:
    assert wire("<@U0BOT> print('&lt;') < 1") == "<@U0BOT> print('&amp;lt;') &lt; 1"


PIECES = ("< ", ">", "&", "&lt;", "https://x.org/?a=1&b=2", "print(1)", "\n", '"', "é", ",", " ")


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_reading_it_back_gives_what_was_typed(text: str) -> None:
    sent = typed(text)

    assert html.unescape(re.sub(r"<(https?://[^>]*)>", r"\1", sent)) == text
    assert wire(sent) == sent
