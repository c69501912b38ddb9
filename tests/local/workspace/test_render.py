"""What a message looks like in the page, and that nothing in it can act."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.local.workspace.render import render_message
from bot.local.workspace.wire_text import typed

NAMES = {"U0BOT": "workings", "C0GENERAL": "general", "U0EVIL": "<script>alert(1)</script>"}


def name(key: str) -> str:
    return NAMES.get(key, key)


def shown(text: str) -> str:
    return render_message({"text": text}, name)


def block(**fields: Any) -> str:
    return render_message({"blocks": [fields], "text": "the fallback"}, name)


LINK = 'rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(("text", "expected"), json.loads(Path(__file__).with_name("mrkdwn.json").read_text()))
def test_slacks_markup_is_shown(text: str, expected: str) -> None:
    assert shown(text) == f'<div class="said">{expected}</div>'


def test_links_leave_the_page_without_a_trace() -> None:
    assert shown("<https://x.org/?a=1&amp;b=2|the docs>") == (
        f'<div class="said"><a href="https://x.org/?a=1&amp;b=2" target="_blank" {LINK}>the docs</a></div>'
    )
    assert shown("see https://x.org/a.") == (
        f'<div class="said">see <a href="https://x.org/a" target="_blank" {LINK}>https://x.org/a</a>.</div>'
    )
    assert shown("<mailto:a@x.org|a@x.org>").count("mailto:a@x.org") == 1


def test_fences_quotes_and_bullets_are_blocks() -> None:
    text = "look:\n```\nif a &lt; b:\n    print(<https://x.org>)\n```\n&gt; so he said\n&gt; twice\n• one\n• two\nend"

    assert shown(text) == (
        '<div class="said">look:</div>'
        "<pre>if a &lt; b:\n    print(https://x.org)</pre>"
        "<blockquote>so he said<br>twice</blockquote>"
        "<ul><li>one</li><li>two</li></ul>"
        '<div class="said">end</div>'
    )


def test_markdown_is_shown_and_its_tables_have_a_box() -> None:
    assert block(type="markdown", text="# Sales\n\n| m | n |\n|---|---|\n| a | 1 |\n\n```python\nx<1\n```") == (
        "<h1>Sales</h1>\n"
        '<div class="table"><table>\n<thead>\n<tr>\n<th>m</th>\n<th>n</th>\n</tr>\n</thead>\n'
        "<tbody>\n<tr>\n<td>a</td>\n<td>1</td>\n</tr>\n</tbody>\n</table></div>\n"
        "<pre><code>x&lt;1\n</code></pre>\n"
    )


def test_html_in_markdown_is_text() -> None:
    assert "&lt;b onclick" in block(type="markdown", text='<b onclick="x()">hi</b>')


def test_each_kind_of_block_says_what_it_holds() -> None:
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": "in <rich>", "style": {"bold": True}}]}
    preformatted = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a\n  b"}]}
    cells = [[{"type": "raw_text", "text": "k"}], [{"type": "raw_number", "value": 7}]]
    details = {"type": "rich_text", "elements": [rich]}

    assert block(type="header", text={"type": "plain_text", "text": "*Head*"}) == "<h3>*Head*</h3>"
    assert block(type="section", text={"type": "plain_text", "text": "✓ one\n◐ two"}) == "<div>✓ one<br>◐ two</div>"
    assert block(type="context", elements=[{"type": "plain_text", "text": "2 calls"}]) == '<div class="context">2 calls</div>'
    assert block(type="rich_text", elements=[rich, preformatted]) == (
        '<div class="said"><strong>in &lt;rich&gt;</strong></div><pre>a\n  b</pre>'
    )
    assert block(type="table", rows=cells, column_settings=[{"align": "right"}]) == (
        '<div class="table"><table><tbody><tr><th class="right">k</th></tr><tr><td class="right">7</td></tr></tbody></table></div>'
    )
    assert block(type="task_card", task_id="1", title="Run", status="in_progress", details=details) == (
        '<div class="task in_progress">Run<div class="said"><strong>in &lt;rich&gt;</strong></div></div>'
    )
    assert block(type="alert", level="error", text={"type": "mrkdwn", "text": "*no*"}).startswith('<div class="alert error">')
    assert block(type="container", is_collapsible=True, title={"type": "plain_text", "text": "Output"},
                 child_blocks=[{"type": "divider"}]) == '<details open=""><summary>Output</summary><hr></details>'  # fmt: skip


def test_pictures_elsewhere_are_named_and_not_loaded() -> None:
    image = block(type="image", image_url="https://x.org/a.png", alt_text="A plot")

    assert "A plot" in image
    assert "<img" not in image


def test_an_alert_bots_attachment_is_shown_under_its_text() -> None:
    message = {"text": "", "attachments": [{"title": "Disk full", "text": "on *db1*", "fallback": "x"}]}

    assert render_message(message, name) == (
        '<div class="attachment"><strong>Disk full</strong><div class="said">on <strong>db1</strong></div></div>'
    )


def test_only_buttons_leave_the_text_to_be_shown() -> None:
    assert "the fallback" in block(type="actions", elements=[{"type": "button", "action_id": "stop"}])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*_~`-•>@:<")))
def test_plain_text_comes_through_as_it_is(text: str) -> None:
    seen = html.unescape(re.sub(r"<[^>]*>", "", shown(typed(text))))

    assert seen == text


class Judge(HTMLParser):
    """Fails on whatever could act, load or lead astray."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "style", "img", "iframe", "svg", "form", "input", "object", "base", "meta", "link"}
        for key, value in attrs:
            assert key in {"href", "target", "rel", "class", "start", "open"}
            assert key != "href" or re.match(r"(https?|mailto):", str(value)), value


evil = st.sampled_from(
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "<javascript:alert(1)|x>",
        "<https://x.org/\" onmouseover=\"alert(1)|x>", "<data:text/html;base64,xx>", "![x](https://x.org/x.png)", "<@U0EVIL>",
        "<#C1|<b onclick=x>>", "</div></pre>", "```\n<script>", "`<svg/onload=x>`", "[a]: javascript:x\n[a]", "&lt;script&gt;",
        "<vbscript:x>", "*", "_", "~", "\x00", "<!--", "<style>*{}</style>", "<a href=x>", "jav&#x09;ascript:x", "\n", "> ", "|",
    ]
)  # fmt: skip
words = st.lists(evil | st.text(max_size=8), max_size=6).map("".join)
kinds = st.sampled_from(
    ["section", "markdown", "header", "context", "image", "rich_text", "rich_text_section", "rich_text_list", "table",
     "rich_text_preformatted", "task_card", "plan", "alert", "container", "card", "text", "link", "user", "mrkdwn",
     "plain_text", "raw_text"]
)  # fmt: skip
keys = st.sampled_from(
    ["text", "elements", "fields", "url", "image_url", "title", "alt_text", "child_blocks", "tasks", "details", "rows",
     "level", "status", "style", "user_id", "column_settings", "align", "is_collapsible", "title_link", "value"]
)  # fmt: skip
values = st.recursive(
    words | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
    | st.builds(lambda kind, rest: {**rest, "type": kind}, kinds, st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip


@given(words)
def test_no_text_can_act(text: str) -> None:
    for message in ({"text": text}, {"text": typed(text)}, {"blocks": [{"type": "markdown", "text": text}]}):
        Judge().feed(render_message(message, name))


@given(st.fixed_dictionaries({"text": values, "blocks": st.lists(values, max_size=3) | values, "attachments": values}))
def test_no_message_whatever_its_shape_can_act(message: dict[str, Any]) -> None:
    Judge().feed(render_message(message, name))


def test_a_text_full_of_marks_takes_no_longer_than_it_is_long() -> None:
    assert "<strong>" not in shown("*a " * 13_000)
