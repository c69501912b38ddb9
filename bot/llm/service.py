"""The service that hosts the models: its client, its wire, and the shutdown dates that it announces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openai
from openai import AsyncOpenAI

from bot.errors import SetupError
from bot.llm.chat import ChatWire
from bot.llm.failures import translate
from bot.llm.models import ModelChoice
from bot.llm.responses import ResponsesWire
from bot.llm.wire import Wire

OPENAI = "https://api.openai.com/v1"


@asynccontextmanager
async def open_client(*, api_key: str | None, base_url: str | None = None) -> AsyncIterator[AsyncOpenAI]:
    """Open the HTTP client of the service at `base_url`, by default OpenAI's; raises SetupError naming the wrong setting."""
    key = (api_key or "").strip()
    if not key and not base_url:
        raise SetupError("OPENAI_API_KEY is not set: get a key, or set OPENAI_BASE_URL to a compatible service.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SetupError("OPENAI_API_KEY has characters that no key has: copy it again.")
    if base_url and (urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname):
        raise SetupError("OPENAI_BASE_URL is not an address: it looks like https://models.example.com/v1.")
    # At DEBUG the vendors log whole prompts; instructor logs at ERROR what the model wrote.
    for vendor, level in (("openai", logging.INFO), ("httpx2", logging.WARNING), ("instructor", logging.CRITICAL)):
        logging.getLogger(vendor).setLevel(level)
    address, _, query = (base_url or OPENAI).partition("?")  # Azure's old kind has one, and wants its key in a header of its own
    more: Any = {"default_query": dict(parse_qsl(query)), "default_headers": {"api-key": key}} if query else {}
    async with AsyncOpenAI(api_key=key or "none", base_url=address, max_retries=0, timeout=None, **more) as client:
        # A second of imports, for which the first question, and everything else meanwhile, would have to wait.
        loading = asyncio.create_task(asyncio.to_thread(getattr, client, "responses"))
        try:
            yield client
        finally:
            await loading


def wire_for(api: str | None, base_url: str | None) -> Wire:
    """Return the wire that OPENAI_API names; by default Responses for OpenAI and Chat Completions for all others."""
    if (api or ("chat" if base_url else "responses")) == "responses":
        return ResponsesWire()
    return ChatWire(official=not base_url or (urlsplit(base_url).hostname or "").endswith(".openai.com"))


async def listed(
    client: AsyncOpenAI, names: Collection[str], *, timeout: float = 20.0
) -> dict[str, tuple[date | None, int | None]]:
    """Return the announced shutdown date and the window in tokens, or None, of each of the models `names` that the service lists.

    Raises ServiceError, and SetupError when only other settings would help.
    """
    try:
        models = {m.id: m.model_dump() async for m in client.models.list(timeout=timeout)}
    except openai.OpenAIError as error:
        raise translate(error, ModelChoice(model=next(iter(names), "")), "chat") from error
    words = ("context_length", "max_model_len", "context_window", "max_context_length")  # OpenRouter, vLLM, Groq, Mistral
    windows = {name: next((said[word] for word in words if said.get(word)), None) for name, said in models.items()}
    return {name: (_day(said.get("shutdown_date")), windows[name]) for name, said in models.items() if name in names}


def _day(raw: object) -> date | None:
    """Return a day from ISO 8601, with or without a time of day, or from Unix time; None if it is neither."""
    if isinstance(raw, int | float) or (isinstance(raw, str) and raw.isdigit()):
        return datetime.fromtimestamp(float(raw), UTC).date()
    try:
        return datetime.fromisoformat(str(raw)).date() if raw else None
    except ValueError:
        return None
