"""How a model's service fails: which failures are transient, and the error that says each in our words."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final

import openai

from bot.errors import ServiceError, SetupError
from bot.llm.models import ModelChoice
from bot.llm.wire import Garbled, words

FAILURES: Final = (openai.OpenAIError, Garbled, TimeoutError)
_TRANSIENT: Final = (408, 409, 429)


class Unavailable(ServiceError):
    """The service gave no answer after every retry; another model might."""


def is_transient(error: Exception) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, openai.APIStatusError):
        return (error.status_code in _TRANSIENT and not _out_of_money(error)) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError | openai.APIResponseValidationError | Garbled | TimeoutError)


def retry_after(error: Exception, now: float) -> float | None:
    """Return the seconds that the service asks us to wait, in a header or as Google does in the body; `now` is Unix time."""
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    delay = re.search(r"['\"]retryDelay['\"]: *['\"]([\d.]+)s", str(error.body)) or [""] * 2
    for value, unit in ((headers.get("retry-after-ms", ""), 1_000), (headers.get("retry-after", ""), 1), (delay[1], 1)):
        if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
            return float(value) / unit
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now)
    except ValueError:
        return None


def reasoning_refused(error: Exception) -> bool:
    """Return whether the service cannot decrypt the reasoning we sent back: the key or the model may have changed."""
    return isinstance(error, openai.BadRequestError) and (
        error.code == "invalid_encrypted_content" or "encrypted content for" in words_of(error).lower()
    )


def words_of(error: openai.APIStatusError) -> str:
    """Return the service's own words; the status where it gave none."""
    return words(error.body) or f"HTTP {error.status_code}"


def translate(error: Exception, choice: ModelChoice, wire: str, wait: float | None = None) -> ServiceError:
    """Return the error to raise: SetupError when only other settings help, Unavailable when another model may.

    `wire` is the value of OPENAI_API in use, `wait` the seconds that the service asked us to wait.
    """
    match error:
        case openai.APIStatusError():
            return _status(error, choice, wire, wait)
        case openai.APITimeoutError() | TimeoutError():
            return Unavailable(f"The language model ({choice.model}) took too long to answer. Please try again.")
        case openai.APIConnectionError():
            return Unavailable("The language model's service cannot be reached. Please try again in a while.")
        case Garbled(words=said) if said:
            return Unavailable(f"The language model's service is in trouble. It says: {said}")
        case Garbled() | openai.APIResponseValidationError():
            return Unavailable(
                f"The language model ({choice.model}) sent an answer I cannot read. If this stays so, "
                "OPENAI_BASE_URL may not be the address of a compatible service."
            )
    return ServiceError(f"The language model ({choice.model}) did not answer.")


def _status(error: openai.APIStatusError, choice: ModelChoice, wire: str, wait: float | None) -> ServiceError:
    """Return the error for a status; what the service says stands in it wherever we cannot know better."""
    status, said = error.status_code, words(error.body)
    says = f" The service says: {said}" if said else ""
    if status == 402 or _out_of_money(error):
        return SetupError("The account behind OPENAI_API_KEY has no quota left: check its plan and billing.")
    if status == 413 or error.code == "context_length_exceeded" or _OVERFLOW.search(said):
        return ServiceError(f"This thread has become too long for {choice.model}. Please go on in a new thread.")
    if status == 401:
        return SetupError("The language model's service refused the key: set OPENAI_API_KEY to a valid one.")
    if error.code in _NO_MODEL or (status in (403, 404, 410) and re.search(r"\bmodel\b", said, re.I) and not _LACKS.search(said)):
        return SetupError(f"The service does not offer the model {choice.model!r}: set {choice.model_setting} to another.{says}")
    if _LACKS.search(said):
        return SetupError(f"{choice.model} cannot call tools, which I need: set {choice.model_setting} to a model that can.{says}")
    if status == 403:
        return SetupError(f"The language model's service does not let us in: check OPENAI_API_KEY and what it may do.{says}")
    if re.search(r"v1/(responses|chat/completions)|not a chat model", said):
        return SetupError(f"{choice.model} needs the other API: set OPENAI_API={_other(wire)}.{says}")
    if status in (404, 410):
        advice = f"check OPENAI_BASE_URL, or set OPENAI_API={_other(wire)} (now {wire!r})"
        return SetupError(f"The service does not have this endpoint: {advice}.{says}")
    if status == 429:
        when = f"in {wait:.0f} seconds" if wait else "in a while"
        return Unavailable(f"The language model's service is over its rate limit. Please try again {when}.")
    if is_transient(error):
        return Unavailable(f"The language model's service is in trouble (it answers {status}). Please try again in a while.")
    return ServiceError(f"The language model ({choice.model}) refused the request: {words_of(error)}")


# How services say that a request is longer than the model's window: OpenAI and Mistral, Anthropic, Google, llama.cpp, Bedrock.
_OVERFLOW = re.compile(
    r"context (length|window|size)|maximum context|prompt is too long|input token count|input is too long|too large for model", re.I
)
_LACKS = re.compile(r"support (tool use|tools|function calling)\b", re.I)
_NO_MODEL = ("model_not_found", "invalid_model", "DeploymentNotFound")


def _out_of_money(error: openai.APIStatusError) -> bool:
    return "insufficient_quota" in (error.code, error.type) or error.code == "billing_hard_limit_reached"


def _other(wire: str) -> str:
    return "chat" if wire == "responses" else "responses"
