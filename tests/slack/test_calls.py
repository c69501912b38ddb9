"""Answers that are none: what a balancer, a broken connection and a slow one really send, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from typing import cast

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refused
from bot.slack import calls
from bot.slack.calls import Busy, Calls, NoAnswer

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
HANG, RESET, DRIP = b"(nothing, for ever)", b"(reset)", b"(a byte now and then)"
Place = tuple[AsyncWebClient, list[bytes]]


def http(status: str, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """A client of a server that sends these answers, each on a connection of its own, and then only good ones."""
    answers: list[bytes] = []

    at_work: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_work.add(cast("asyncio.Task[None]", asyncio.current_task()))
        with closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))  # closing on unread bytes is a reset
            said = answers.pop(0) if answers else OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            if said in {HANG, DRIP}:
                writer.write(OK[:60] if said is DRIP else b"")
                for byte in OK[60:]:
                    await asyncio.sleep(0.1)
                    writer.write(bytes([byte]) if said is DRIP else b"")
            elif said is RESET:
                writer.transport.abort()
            else:
                writer.write(said)
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield AsyncWebClient(token="xoxb-1", base_url=f"http://127.0.0.1:{port}/api/", retry_handlers=[]), answers
        await asyncio.gather(*at_work, return_exceptions=True)


@pytest.mark.parametrize(
    "said",
    [
        http("503 Service Unavailable", b"upstream connect error", kind="text/plain"),
        http("502 Bad Gateway", b"<html><h1>502</h1>", kind="text/html"), http("500 Oops", b"{"), http("200 OK", b'{"ok": tr'),
        http("200 OK", b""), http("204 No Content", b""), http("200 OK", b"[1, 2]"), http("200 OK", b"null"),
        http("200 OK", b'"ok"'), http("200 OK", b"{}"),
        http("200 OK", b'{"ok": false}'), http("200 OK", b'{"ok": false, "error": {"no": "code"}}'),
        http("200 OK", b'{"ok": false, "error": "internal_error"}'), http("200 OK", b"\xff\xfe{}"), OK[:-4], RESET, HANG, DRIP,
    ],
    ids=lambda said: repr(said[-30:]),
)  # fmt: skip
async def test_what_cannot_be_read_is_no_answer_and_only_what_may_be_repeated_is(
    place: Place, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said in {HANG, DRIP}:
        monkeypatch.setattr(calls, "PATIENCE", 0.3)
    client, answers = place
    answers += [said] * 2

    with pytest.raises(NoAnswer, match=r"^Slack did not answer\.$"):
        await Calls(pause=0.001).once(client.chat_postMessage, channel="C1", text="hi")
    assert await Calls(pause=0.001).repeat(client.chat_update, channel="C1", ts="1.0", text="hi") == {"ok": True}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (http("200 OK", b'{"ok": false, "error": "is_archived"}'), Refused),
        (http("429 Too Many Requests", b'{"ok": false, "error": "ratelimited"}', "Retry-After: 999"), Busy),
        (http("429 Too Many Requests", b"slow down", "Retry-After: 999", kind="text/plain"), Busy),
    ],
)
async def test_what_was_refused_is_not_asked_again(place: Place, said: bytes, error: type[Exception]) -> None:
    client, answers = place
    answers += [said, OK]

    with pytest.raises(error):
        await Calls(pause=0.001).repeat(client.chat_update, channel="C1", ts="1.0", text="hi")
    assert answers == [OK]


@pytest.mark.parametrize("header", ["Retry-After: 0", "Retry-After: soon", "X-Other: 1"])
async def test_a_call_that_slack_was_too_busy_for_is_always_made_again(place: Place, header: str) -> None:
    client, answers = place
    answers.append(http("429 Too Many Requests", b"", header, kind="text/plain"))

    assert await Calls(pause=0.001).once(client.chat_postMessage, channel="C1", text="hi") == {"ok": True}
