"""Delivery of payloads to the app: each is kept until it is acknowledged, and sent again when it is not."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from bot.local.workspace.journal import Journal, Json
from bot.local.workspace.state import Clock

log = logging.getLogger(__name__)
KEPT_SECONDS = 600.0


@dataclass(slots=True)
class Envelope:
    """One payload to deliver, until it `expires`; `attempts` counts how often it was handed to a receiver.

    `due` is when it is sent next; `answer` is set where a person waits for the payload's acknowledgement.
    """

    id: str
    type: str
    payload: Json
    created: float
    sequence: int
    expires: float
    accepts_response: bool = False
    attempts: int = 0
    reason: str = ""
    due: float = 0.0
    receiver: Receiver | None = None
    answer: asyncio.Future[Json | None] | None = None

    def frame(self) -> Json:
        """Return the envelope as Socket Mode sends it."""
        frame: Json = {
            "envelope_id": self.id,
            "type": self.type,
            "payload": self.payload,
            "accepts_response_payload": self.accepts_response,
        }
        if self.type == "events_api":
            frame |= {"retry_attempt": self.attempts - 1, "retry_reason": self.reason}
        return frame


class Receiver(Protocol):
    """One connection of the app."""

    async def deliver(self, envelope: Envelope) -> None:
        """Send the payload; the app's acknowledgement goes to `Delivery.ack`, a refusal to `Delivery.refuse`."""
        ...


class Delivery:
    """Sends each payload to one receiver, round robin, and again while nobody acknowledges it.

    An unacknowledged event is sent again `retries[n]` seconds after attempt n; it is dropped after the last attempt, or
    ten minutes after it happened. A payload that a person waits for (a command, a click) is sent once and dropped after
    `patience` seconds. A `lossy` one sends nothing again that found no connection, or one that closed before it was
    acknowledged. Slack tries three times more, at once, after one minute and after five, and then gives up, so that a longer
    absence loses events: https://docs.slack.dev/apis/events-api/#error-handling; it keeps none for an app without a socket:
    https://github.com/slackapi/bolt-python/issues/1071.
    """

    def __init__(self, journal: Journal, clock: Clock, retries: Sequence[float], patience: float, *, lossy: bool = False) -> None:
        self._journal, self._clock, self._retries, self._patience = journal, clock, retries, patience
        self._lossy = lossy
        self._receivers: list[Receiver] = []
        self._turn = 0
        self._wake = asyncio.Event()
        self._pending: dict[str, Envelope] = {}
        for body in sorted(journal.all("envelope").values(), key=lambda body: int(body["sequence"])):
            self._pending[body["id"]] = Envelope(**body | {"expires": body["created"] + KEPT_SECONDS})
        self._sequence = max((envelope.sequence for envelope in self._pending.values()), default=0)

    @property
    def connections(self) -> int:
        return len(self._receivers)

    @property
    def pending(self) -> int:
        return len(self._pending)

    def add(self, receiver: Receiver) -> None:
        self._receivers.append(receiver)
        self._wake.set()

    def remove(self, receiver: Receiver) -> None:
        """Remove a receiver; what it had not acknowledged is sent to another at once, or lost."""
        self._receivers.remove(receiver)
        for envelope in list(self._pending.values()):
            if envelope.receiver is receiver and self._lossy:
                self._finish(envelope.id, None)
            elif envelope.receiver is receiver:
                envelope.receiver, envelope.due, envelope.reason = None, 0.0, "connection_failed"
        self._wake.set()

    def event(self, payload: Json) -> None:
        """Queue an event of the Events API."""
        envelope = self._queue("events_api", payload, KEPT_SECONDS)
        body = {name: getattr(envelope, name) for name in ("id", "type", "payload", "created", "sequence")}
        self._journal.put("envelope", envelope.id, body)

    async def ask(self, kind: str, payload: Json, *, accepts_response: bool = False) -> Json | None:
        """Send a payload that a person waits for; return the payload of its acknowledgement, or None without one."""
        if not self._receivers:
            return None
        answer: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._queue(kind, payload, self._patience, accepts_response=accepts_response, answer=answer)
        return await answer

    def ack(self, envelope_id: str, payload: Json | None) -> None:
        """Finish an envelope that was acknowledged; an unknown or finished one is ignored, as Slack does."""
        self._finish(envelope_id, payload or {})

    def refuse(self, envelope_id: str, reason: str, *, again: bool = True) -> None:
        """Note that a receiver refused an envelope; with `again` it is retried as if nobody had answered."""
        envelope = self._pending.get(envelope_id)
        if envelope is None:
            return
        envelope.reason = reason
        if not again or envelope.answer:
            self._finish(envelope_id, None)
        elif envelope.attempts == 1:
            envelope.due = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        while True:
            self._wake.clear()
            pause = await self._send_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _send_due(self) -> float | None:
        now, soonest = self._clock(), None
        for envelope in list(self._pending.values()):
            if envelope.id not in self._pending:
                continue
            spent = envelope.attempts > (len(self._retries) if envelope.answer is None else 0)
            unheard = self._lossy and not self._receivers
            if envelope.expires <= now or (spent and envelope.due <= now) or unheard:
                log.info("gave up on %s after %d tries", envelope.type, envelope.attempts)
                self._finish(envelope.id, None)
                continue
            if envelope.due <= now and self._receivers:
                await self._send(envelope)
            moment = min(envelope.due, envelope.expires) if envelope.due > now else envelope.expires
            soonest = moment if soonest is None else min(soonest, moment)
        return None if soonest is None else max(0.01, soonest - self._clock())

    async def _send(self, envelope: Envelope) -> None:
        self._turn += 1
        receiver = self._receivers[self._turn % len(self._receivers)]
        envelope.attempts += 1
        if envelope.attempts > 1:
            envelope.reason = envelope.reason or "timeout"
        tries = min(envelope.attempts, len(self._retries)) - 1
        envelope.due = self._clock() + (self._patience if envelope.answer else self._retries[tries])
        envelope.receiver = receiver
        try:
            await receiver.deliver(envelope)
        except ConnectionError:
            # The connection is closing; its owner removes it, and the envelope then goes to another.
            log.info("a connection went away while %s was sent", envelope.type)

    def _queue(self, kind: str, payload: Json, keep: float, **details: Any) -> Envelope:
        self._sequence += 1
        now = self._clock()
        envelope = Envelope(str(uuid.uuid4()), kind, payload, now, self._sequence, now + keep, **details)
        self._pending[envelope.id] = envelope
        self._wake.set()
        return envelope

    def _finish(self, envelope_id: str, answer: Json | None) -> None:
        envelope = self._pending.pop(envelope_id, None)
        if envelope is None:
            return
        if envelope.answer is None:
            self._journal.drop("envelope", envelope_id)
        elif not envelope.answer.done():
            envelope.answer.set_result(answer)
