"""The everyday lines of invented services: many templates, each with its own slots."""

from __future__ import annotations

import random
from collections.abc import Callable

VERBS = [
    "accepted",
    "archived",
    "batched",
    "cached",
    "cleaned",
    "closed",
    "committed",
    "compacted",
    "created",
    "delivered",
    "drained",
    "enqueued",
    "expired",
    "fetched",
    "flushed",
    "indexed",
    "joined",
    "loaded",
    "merged",
    "opened",
    "parsed",
    "persisted",
    "polled",
    "prefetched",
    "processed",
    "published",
    "purged",
    "queried",
    "read",
    "rebuilt",
    "received",
    "refreshed",
    "registered",
    "released",
    "rendered",
    "replicated",
    "resolved",
    "retried",
    "rotated",
    "routed",
    "saved",
    "scanned",
    "scheduled",
    "sent",
    "served",
    "sharded",
    "skipped",
    "spilled",
    "stored",
    "streamed",
    "synced",
    "trimmed",
    "updated",
    "uploaded",
    "validated",
    "warmed",
    "written",
]
NOUNS = [
    "account",
    "address",
    "basket",
    "batch",
    "bucket",
    "campaign",
    "cart",
    "channel",
    "chunk",
    "claim",
    "contract",
    "coupon",
    "cursor",
    "customer",
    "digest",
    "document",
    "draft",
    "event",
    "export",
    "feed",
    "folder",
    "gateway",
    "image",
    "import",
    "index",
    "invoice",
    "item",
    "job",
    "journal",
    "key",
    "label",
    "lease",
    "ledger",
    "listing",
    "manifest",
    "message",
    "metric",
    "notification",
    "offer",
    "order",
    "page",
    "partition",
    "payment",
    "plan",
    "playlist",
    "price",
    "profile",
    "promotion",
    "quota",
    "receipt",
    "refund",
    "region",
    "report",
    "review",
    "rule",
    "schedule",
    "segment",
    "session",
    "shard",
    "shipment",
    "snapshot",
    "stream",
    "subscription",
    "tag",
    "task",
    "tenant",
    "ticket",
    "token",
    "topic",
    "track",
    "transfer",
    "upload",
    "voucher",
    "webhook",
]
PEOPLE = [
    "anna",
    "ben",
    "carla",
    "dmitri",
    "elif",
    "farid",
    "greta",
    "hugo",
    "ines",
    "jonas",
    "kira",
    "lena",
    "marek",
    "nadia",
    "omar",
    "petra",
]
Slot = Callable[[random.Random], str]
SLOTS: dict[str, Slot] = {
    "id": lambda r: str(r.randint(1, 999_999)),
    "ms": lambda r: str(r.randint(1, 900)),
    "n": lambda r: str(r.randint(0, 60)),
    "hex": lambda r: f"{r.getrandbits(64):016x}",
    "uuid": lambda r: (
        f"{r.getrandbits(32):08x}-{r.getrandbits(16):04x}-4{r.getrandbits(12):03x}-a{r.getrandbits(12):03x}-{r.getrandbits(48):012x}"
    ),
    "ip": lambda r: f"10.{r.randint(0, 3)}.{r.randint(0, 255)}.{r.randint(1, 254)}",
    "user": lambda r: r.choice(PEOPLE),
    "path": lambda r: f"/var/lib/app/{r.choice(NOUNS)}/{r.randint(1, 99_999)}.dat",
    "pct": lambda r: f"{r.randint(5, 60)}%",
    "float": lambda r: f"{r.random() * 100:.2f}",
}
TAILS = (
    "id={id} took {ms}ms", "in {ms} ms", "for user={user}", "key={hex}", "request={uuid} status=ok", "from {ip}:{n}", "at {path}",
    "size={id} bytes", "lag={ms}", "attempt {n}", "ratio={float}", "worker-{n} load {pct}", "page {n} of {n}", "offset={id}{id}",
)  # fmt: skip
WORRIES = (
    ("WARN", "slow {noun} query took {ms}00 ms id={id}"),
    ("WARN", "retrying {noun} delivery attempt={n} id={hex}"),
    ("WARN", "{noun} cache miss ratio {pct} above target"),
    ("ERROR", "could not decode {noun} token for user={user}: signature mismatch"),
    ("ERROR", "{noun} upstream answered late after {ms}0 ms id={hex}"),
)


def background(rng: random.Random, many: int) -> list[tuple[str, str]]:
    """Return `many` different templates as (level, text with {slots}), the frequent ones first."""
    found: dict[str, str] = {}
    while len(found) < many:
        text = f"{rng.choice(NOUNS)} {rng.choice(VERBS)} {rng.choice(TAILS)}"
        found.setdefault(text, rng.choices(("INFO", "DEBUG"), (9, 1))[0])
    return [(level, text) for text, level in found.items()]


def worries(rng: random.Random) -> list[tuple[str, str]]:
    """Return the warnings and errors that a healthy service writes all along."""
    return [(level, text.replace("{noun}", rng.choice(NOUNS))) for level, text in WORRIES]


def filled(rng: random.Random, text: str) -> str:
    """Fill every slot of a template."""
    while "{" in text:
        before, _, rest = text.partition("{")
        name, _, after = rest.partition("}")
        text = before + SLOTS[name](rng) + after
    return text
