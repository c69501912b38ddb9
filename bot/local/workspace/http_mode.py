"""Delivery by signed HTTP to the app's request URL, in place of Socket Mode."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from urllib.parse import urlencode

import aiohttp

from bot.local.workspace.delivery import Delivery, Envelope
from bot.local.workspace.state import Clock


class RequestUrl:
    """The request URL as a receiver: an answer 2xx within three seconds is an acknowledgement."""

    def __init__(self, url: str, secret: str, delivery: Delivery, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._url, self._secret, self._delivery = url, secret, delivery
        self._session, self._clock = session, clock
        self._posts: set[asyncio.Task[None]] = set()

    async def deliver(self, envelope: Envelope) -> None:
        # Posted in a task of its own, so that a slow answer delays no other payload.
        post = asyncio.create_task(self._post(envelope))
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)

    async def close(self) -> None:
        """Cancel the requests that are not answered yet."""
        for post in self._posts:
            post.cancel()
        await asyncio.gather(*self._posts, return_exceptions=True)

    def _signed(self, envelope: Envelope) -> tuple[bytes, dict[str, str]]:
        match envelope.type:
            case "events_api":
                body, kind = json.dumps(envelope.payload), "application/json"
            case "slash_commands":
                body, kind = urlencode(envelope.payload), "application/x-www-form-urlencoded"
            case _:
                body, kind = urlencode({"payload": json.dumps(envelope.payload)}), "application/x-www-form-urlencoded"
        stamp = str(int(self._clock()))
        digest = hmac.new(self._secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
        if envelope.attempts > 1:
            headers |= {"X-Slack-Retry-Num": str(envelope.attempts - 1), "X-Slack-Retry-Reason": envelope.reason}
        return body.encode(), headers

    async def _post(self, envelope: Envelope) -> None:
        body, headers = self._signed(envelope)
        timeout = aiohttp.ClientTimeout(total=3)
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=timeout) as answer:
                text = await answer.text()
                if answer.ok:
                    self._delivery.ack(envelope.id, _payload(answer.content_type, text))
                else:
                    again = answer.headers.get("X-Slack-No-Retry") != "1"
                    self._delivery.refuse(envelope.id, "http_error", again=again)
        except TimeoutError:
            self._delivery.refuse(envelope.id, "http_timeout")
        except aiohttp.ClientError:
            self._delivery.refuse(envelope.id, "connection_failed")


def _payload(content_type: str, text: str) -> dict[str, object]:
    if content_type == "application/json":
        body = json.loads(text or "{}")
        return body if isinstance(body, dict) else {}
    return {"text": text} if text else {}
