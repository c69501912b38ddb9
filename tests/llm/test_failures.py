"""Each failure of a model's service: whether it is transient, and what the user reads."""

from typing import Any

import openai
import pytest

from bot.errors import ServiceError, SetupError
from bot.llm.failures import Unavailable, is_transient, reasoning_refused, retry_after, translate
from bot.llm.models import ModelChoice
from bot.llm.wire import Garbled
from tests.llm.errors import connection_error, status_error


@pytest.mark.parametrize(
    ("errors", "transient"),
    [
        pytest.param([status_error(status) for status in (408, 409, 429, 500, 503, 529)], True, id="it is busy or broken"),
        pytest.param([connection_error(), Garbled("it is not JSON"), TimeoutError()], True, id="there is no answer"),
        pytest.param([status_error(status) for status in (400, 401, 404)], False, id="it stays wrong"),
        pytest.param(
            [status_error(429, code=c) for c in ("insufficient_quota", "billing_hard_limit_reached")], False, id="no money"
        ),
        pytest.param([openai.OpenAIError("the client is closed")], False, id="it is ours"),
    ],
)
def test_only_what_may_pass_is_transient(errors: list[Exception], transient: bool) -> None:
    assert [is_transient(error) for error in errors] == [transient] * len(errors)


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
def test_the_pause_that_a_service_asks_for_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(status_error(429, headers=headers), now=100.0) == seconds
    assert retry_after(connection_error(), now=100.0) is None


def test_only_refused_reasoning_is_sent_again_without_it() -> None:
    assert reasoning_refused(status_error(400, code="invalid_encrypted_content"))
    assert reasoning_refused(status_error(400, "The Encrypted Content for item rs_1 could not be verified."))
    assert not reasoning_refused(status_error(400, "Unknown parameter: 'top_k'."))
    assert not reasoning_refused(status_error(500, code="invalid_encrypted_content"))


# What a service answers to gpt-6 on the API `responses`, and what the user reads.
SAID: tuple[tuple[dict[str, Any], type[ServiceError], str], ...] = (
    ({"status": 401}, SetupError, "The language model's service refused the key: set OPENAI_API_KEY to a valid one."),
    ({"status": 402}, SetupError, "The account behind OPENAI_API_KEY has no quota left: check its plan and billing."),
    ({"status": 403, "code": "model_not_found"}, SetupError,
     "The service does not offer the model 'gpt-6': set OPENAI_MODEL to another."),
    ({"status": 403, "message": "Not here."}, SetupError,
     "The language model's service does not let us in: check OPENAI_API_KEY and what it may do. The service says: Not here."),
    ({"status": 404}, SetupError,
     "The service does not have this endpoint: check OPENAI_BASE_URL, or set OPENAI_API=chat (now 'responses')."),
    ({"status": 400, "message": "phi does not support tools"}, SetupError,
     "gpt-6 cannot call tools, which I need: set OPENAI_MODEL to a model that can. The service says: phi does not support tools"),
    ({"status": 429}, Unavailable, "The language model's service is over its rate limit. Please try again in 90 seconds."),
    ({"status": 503}, Unavailable, "The language model's service is in trouble (it answers 503). Please try again in a while."),
    ({"status": 400, "code": "context_length_exceeded"}, ServiceError,
     "This thread has become too long for gpt-6. Please go on in a new thread."),
    ({"status": 400, "message": "Use this in v1/chat/completions."}, SetupError,
     "gpt-6 needs the other API: set OPENAI_API=chat. The service says: Use this in v1/chat/completions."),
    ({"status": 400, "message": "Please\nbehave."}, ServiceError, "The language model (gpt-6) refused the request: Please behave."),
    ({"status": 400, "message": "<html>" + "x" * 5_000}, ServiceError,
     "The language model (gpt-6) refused the request: <html>" + "x" * 294),
)  # fmt: skip


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (TimeoutError(), Unavailable, "The language model (gpt-6) took too long to answer. Please try again."),
        (connection_error(), Unavailable, "The language model's service cannot be reached. Please try again in a while."),
        (Garbled("it failed", "It broke."), Unavailable, "The language model's service is in trouble. It says: It broke."),
        (openai.OpenAIError(), ServiceError, "The language model (gpt-6) did not answer."),
        *((status_error(**answer), kind, text) for answer, kind, text in SAID),
    ],
)
def test_each_failure_is_told_in_words_that_say_what_to_do(error: Exception, kind: type[ServiceError], text: str) -> None:
    translated = translate(error, ModelChoice(model="gpt-6"), "responses", wait=90.0)

    assert (type(translated), str(translated)) == (kind, text)
