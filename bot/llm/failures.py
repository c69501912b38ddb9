"""How a model's service fails: which failures are transient, and the error that says each in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import openai

from bot.errors import ServiceError, SetupError
from bot.llm.models import ModelChoice
from bot.llm.wire import Garbled

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
    """Return the seconds that the service asks us to wait, from Retry-After or retry-after-ms; `now` is Unix time."""
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    for header, unit in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        value = headers.get(header, "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value) / unit
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now)
    except ValueError:
        return None


def reasoning_refused(error: Exception) -> bool:
    """Return whether the service cannot decrypt the reasoning we sent back: the key or the model may have changed."""
    return isinstance(error, openai.BadRequestError) and (
        error.code == "invalid_encrypted_content" or "encrypted content" in _message(error).lower()
    )


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
        case Garbled() | openai.APIResponseValidationError():
            return Unavailable(
                f"The language model ({choice.model}) sent an answer I cannot read. If this stays so, "
                "OPENAI_BASE_URL may not be the address of a compatible service."
            )
    return ServiceError(f"The language model ({choice.model}) did not answer.")


def _status(error: openai.APIStatusError, choice: ModelChoice, wire: str, wait: float | None) -> ServiceError:
    message = _message(error)
    lower = message.lower()
    if error.status_code == 402 or _out_of_money(error):
        return SetupError("The account behind OPENAI_API_KEY has no quota left: check its plan and billing.")
    if error.status_code in (401, 403) and not _about_the_model(error):
        return SetupError("The language model's service refused the key: set OPENAI_API_KEY to a valid one.")
    if error.status_code in (403, 404, 410):
        if _about_the_model(error):
            return _no_such_model(choice)
        return SetupError(
            f"The service does not have this endpoint: check OPENAI_BASE_URL, or set OPENAI_API={_other(wire)} (now {wire!r})."
        )
    if error.status_code == 429:
        when = f"in {wait:.0f} seconds" if wait else "in a while"
        return Unavailable(f"The language model's service is over its rate limit. Please try again {when}.")
    if is_transient(error):
        return Unavailable(
            f"The language model's service is in trouble (it answers {error.status_code}). Please try again in a while."
        )
    if error.code == "context_length_exceeded" or "context length" in lower or "context window" in lower:
        return ServiceError(f"This thread has become too long for {choice.model}. Please go on in a new thread.")
    return _refused(error, message, choice, wire)


def _refused(error: openai.APIStatusError, message: str, choice: ModelChoice, wire: str) -> ServiceError:
    """Return the error for any other 4xx: this model or server does not accept what we sent."""
    lower = f"{error.param or ''} {message}".lower()
    if "/v1/responses" in lower or "v1/chat/completions" in lower or "chat model" in lower:
        return SetupError(f"{choice.model} needs the other API: set OPENAI_API={_other(wire)}. The service says: {message}")
    if "effort" in lower or "reasoning" in lower or "encrypted" in lower:
        return SetupError(
            f"{choice.model} does not accept this reasoning effort: change {choice.effort_setting} "
            f"(now {choice.effort!r}). The service says: {message}"
        )
    if error.code in ("model_not_found", "invalid_model") or (_about_the_model(error) and error.param == "model"):
        return _no_such_model(choice)
    if re.search(r"unsupported|unknown|unrecognized|not (permitted|supported|allowed)|extra (inputs|fields)", lower):
        return SetupError(
            f"The service does not accept this request to {choice.model}: try another OPENAI_API (now {wire!r}) "
            f"or another {choice.model_setting}. The service says: {message}"
        )
    return ServiceError(f"The language model ({choice.model}) refused the request: {message}")


def _no_such_model(choice: ModelChoice) -> SetupError:
    return SetupError(f"The service does not offer the model {choice.model!r}: set {choice.model_setting} to another.")


def _out_of_money(error: openai.APIStatusError) -> bool:
    return "insufficient_quota" in (error.code, error.type) or error.code == "billing_hard_limit_reached"


def _other(wire: str) -> str:
    return "chat" if wire == "responses" else "responses"


def _about_the_model(error: openai.APIStatusError) -> bool:
    return error.code in ("model_not_found", "DeploymentNotFound") or "model" in _message(error).lower()


def _message(error: openai.APIStatusError) -> str:
    """Return the service's own message without the vendor's wrapping, cut to 300 characters in case it is a web page."""
    body = error.body
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    message = inner.get("message") if isinstance(inner, Mapping) else inner
    return " ".join(str(message or f"HTTP {error.status_code}").split())[:300]
