"""Each failure of a model's service: whether it is transient, and what the user reads."""

from __future__ import annotations

import openai
import pytest

from bot.errors import ServiceError, SetupError
from bot.llm.failures import Unavailable, is_transient, reasoning_refused, retry_after, translate
from bot.llm.models import ModelChoice
from bot.llm.wire import Garbled
from tests.llm.errors import connection_error, status_error

CHOICE = ModelChoice(model="gpt-6", effort="max")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_a_busy_or_broken_service_is_transient(status: int) -> None:
    assert is_transient(status_error(status))


@pytest.mark.parametrize("error", [connection_error(), Garbled("it is not JSON"), TimeoutError()])
def test_no_answer_is_transient(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        status_error(400),
        status_error(401),
        status_error(404),
        status_error(429, code="insufficient_quota"),
        status_error(429, code="billing_hard_limit_reached"),
        openai.OpenAIError("the client is closed"),
    ],
)
def test_what_stays_wrong_is_not_transient(error: Exception) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "7"}, 1.5),
        ({"Retry-After": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_pause_that_a_service_asks_for_is_read_in_every_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(status_error(429, headers=headers), now=100.0) == seconds


def test_only_a_response_can_ask_for_a_pause() -> None:
    assert retry_after(connection_error(), now=100.0) is None


def test_only_refused_reasoning_is_sent_again_without_it() -> None:
    assert reasoning_refused(status_error(400, code="invalid_encrypted_content"))
    assert reasoning_refused(status_error(400, "The Encrypted Content for item rs_1 could not be verified."))
    assert not reasoning_refused(status_error(400, "Unknown parameter: 'top_k'."))
    assert not reasoning_refused(status_error(500, code="invalid_encrypted_content"))


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (TimeoutError(), Unavailable, "The language model (gpt-6) took too long to answer. Please try again."),
        (
            connection_error(),
            Unavailable,
            "The language model's service cannot be reached. Please try again in a while.",
        ),
        (
            Garbled("it is not JSON"),
            Unavailable,
            "The language model (gpt-6) sent an answer I cannot read. If this stays so, OPENAI_BASE_URL may not be the "
            "address of a compatible service.",
        ),
        (openai.OpenAIError(), ServiceError, "The language model (gpt-6) did not answer."),
        (
            status_error(401),
            SetupError,
            "The language model's service refused the key: set OPENAI_API_KEY to a valid one.",
        ),
        (
            status_error(402),
            SetupError,
            "The account behind OPENAI_API_KEY has no quota left: check its plan and billing.",
        ),
        (
            status_error(429, code="insufficient_quota"),
            SetupError,
            "The account behind OPENAI_API_KEY has no quota left: check its plan and billing.",
        ),
        (
            status_error(403, code="model_not_found"),
            SetupError,
            "The service does not offer the model 'gpt-6': set OPENAI_MODEL to another.",
        ),
        (
            status_error(404, "Not Found"),
            SetupError,
            "The service does not have this endpoint: check OPENAI_BASE_URL, or set OPENAI_API=chat (now 'responses').",
        ),
        (
            status_error(429),
            Unavailable,
            "The language model's service is over its rate limit. Please try again in 90 seconds.",
        ),
        (
            status_error(503),
            Unavailable,
            "The language model's service is in trouble (it answers 503). Please try again in a while.",
        ),
        (
            status_error(400, code="context_length_exceeded"),
            ServiceError,
            "This thread has become too long for gpt-6. Please go on in a new thread.",
        ),
        (
            status_error(400, "Use this in v1/chat/completions."),
            SetupError,
            "gpt-6 needs the other API: set OPENAI_API=chat. The service says: Use this in v1/chat/completions.",
        ),
        (
            status_error(400, "Not supported.", param="reasoning.effort"),
            SetupError,
            "gpt-6 does not accept this reasoning effort: change OPENAI_EFFORT (now 'max'). The service says: Not supported.",
        ),
        (
            status_error(400, "Unknown parameter: 'include'."),
            SetupError,
            "The service does not accept this request to gpt-6: try another OPENAI_API (now 'responses') or another "
            "OPENAI_MODEL. The service says: Unknown parameter: 'include'.",
        ),
        (
            status_error(400, "Please\nbehave."),
            ServiceError,
            "The language model (gpt-6) refused the request: Please behave.",
        ),
    ],
)
def test_each_failure_is_told_in_words_that_say_what_to_do(
    error: Exception, kind: type[ServiceError], text: str
) -> None:
    translated = translate(error, CHOICE, "responses", wait=90.0)

    assert (type(translated), str(translated)) == (kind, text)


def test_a_web_page_instead_of_a_message_is_cut() -> None:
    translated = translate(status_error(400, "<html>" + "x" * 5_000), CHOICE, "chat")

    assert str(translated) == "The language model (gpt-6) refused the request: <html>" + "x" * 294
