"""The service that models come from: opening it, choosing its wire, and asking it which models it will shut down."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI

from bot.errors import SetupError
from bot.llm.chat import ChatWire
from bot.llm.failures import in_our_words
from bot.llm.models import ModelChoice
from bot.llm.responses import ResponsesWire
from bot.llm.wire import Wire

OPENAI = "https://api.openai.com/v1"


@asynccontextmanager
async def open_client(*, api_key: str | None, base_url: str | None = None) -> AsyncIterator[AsyncOpenAI]:
    """Open the HTTP client of a service; `base_url` None is OpenAI's own. Raises SetupError naming the setting."""
    key = (api_key or "").strip()
    if not key and not base_url:
        raise SetupError("OPENAI_API_KEY is not set: get a key, or set OPENAI_BASE_URL to a compatible service.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SetupError("OPENAI_API_KEY has characters that no key has: copy it again.")
    if base_url and (urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname):
        raise SetupError("OPENAI_BASE_URL is not an address: it looks like https://models.example.com/v1.")
    # On DEBUG the vendors log whole prompts, and instructor logs what the model wrote as an error.
    for vendor, level in (("openai", logging.INFO), ("httpx2", logging.WARNING), ("instructor", logging.CRITICAL)):
        logging.getLogger(vendor).setLevel(level)
    async with AsyncOpenAI(api_key=key or "none", base_url=base_url or OPENAI, max_retries=0, timeout=None) as client:
        yield client


def wire(api: str | None, base_url: str | None) -> Wire:
    """Return the wire that OPENAI_API names; without it, Responses for OpenAI and Chat Completions for all others."""
    if (api or ("chat" if base_url else "responses")) == "responses":
        return ResponsesWire()
    return ChatWire(official=not base_url or (urlsplit(base_url).hostname or "").endswith(".openai.com"))


async def models_shutdown(
    client: AsyncOpenAI, names: Collection[str], *, timeout: float = 20.0
) -> dict[str, date | None]:
    """Return the announced shutdown date of each of `names` that the service lists, None where there is none.

    Names that the service does not list are left out. Raises ServiceError, and SetupError when only settings help.
    """
    try:
        listed = {m.id: m.shutdown_date async for m in client.models.list(timeout=timeout)}
    except openai.OpenAIError as error:
        raise in_our_words(error, ModelChoice(model=next(iter(names), "")), "chat") from error
    return {name: _day(listed[name]) for name in names if name in listed}


def _day(raw: object) -> date | None:
    """The day as services write it: ISO 8601, with or without a time, or Unix time."""
    if isinstance(raw, int | float) or (isinstance(raw, str) and raw.isdigit()):
        return datetime.fromtimestamp(float(raw), UTC).date()
    try:
        return datetime.fromisoformat(str(raw)).date() if raw else None
    except ValueError:
        return None
