"""Which blocks Slack takes."""

from typing import Any

import pytest

from bot.local.workspace.arguments import ApiError
from bot.local.workspace.blocks import check_blocks


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


GOOD: list[dict[str, Any]] = [
    {"type": "section", "text": mrkdwn("x" * 3000)}, {"type": "section", "fields": [mrkdwn("a"), plain("b")]},
    {"type": "header", "text": plain("x" * 150)}, {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("a"), {"type": "image", "image_url": "https://x/y.png", "alt_text": "y"}]},
    {"type": "actions", "elements": [{"type": "button", "text": plain("Go"), "action_id": "go", "value": "1"}]},
    {"type": "markdown", "text": "**x**"}, {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "plot"},
    {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "print(1)"}]}]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]},
    {"type": "plan", "title": "Plan", "tasks": [{"task_id": "1", "title": "Run", "status": "complete"}]},
    {"type": "container", "title": plain("Output"), "child_blocks": [{"type": "divider"}]},
]  # fmt: skip

BAD: list[Any] = [
    {"type": "section"}, {"type": "section", "text": mrkdwn("")}, {"type": "section", "text": mrkdwn("x" * 3001)},
    {"type": "section", "text": "x"}, {"type": "header", "text": plain("x" * 151)},
    {"type": "header", "text": mrkdwn("x")}, {"type": "context", "elements": [mrkdwn("a")] * 11},
    {"type": "actions", "elements": []},
    {"type": "actions", "elements": [{"type": "button", "text": plain("x" * 76), "action_id": "go"}]},
    {"type": "markdown", "text": "x" * 12_001}, {"type": "image", "image_url": "https://x/y.png"},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]},
    {"type": "container", "child_blocks": [{"type": "header", "text": plain("")}]}, {"type": "marquee"}, "text",
]  # fmt: skip


def test_what_slack_takes_is_taken() -> None:
    assert check_blocks(GOOD) == GOOD


@pytest.mark.parametrize("block", BAD)
def test_one_bad_block_rejects_the_message(block: Any) -> None:
    with pytest.raises(ApiError) as caught:
        check_blocks([{"type": "divider"}, block])

    assert caught.value.error == "invalid_blocks"
    assert "/blocks/1" in caught.value.details["response_metadata"]["messages"][0]


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([{"type": "divider", "block_id": "a"}] * 2, "invalid_blocks"),
        ([{"type": "markdown", "text": "x" * 7_000}] * 2, "msg_blocks_too_long"),
        ([GOOD[9]] * 2, "invalid_blocks"),
        ("[]", "invalid_blocks_format"),
    ],
)
def test_a_message_has_limits_as_a_whole(blocks: Any, error: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_blocks(blocks)

    assert caught.value.error == error
