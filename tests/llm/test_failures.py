"""Each failure of a model's service: whether it is transient, and what the user reads."""

import tomllib
from pathlib import Path

import openai
import pytest

from bot.errors import ServiceError, SetupError
from bot.llm.failures import Unavailable, is_transient, reasoning_refused, retry_after, translate
from bot.llm.models import ModelChoice
from bot.llm.wire import Garbled
from tests.llm.errors import connection_error, status_error

FAILURES = tomllib.loads(Path(__file__).with_name("failures.toml").read_text())["failures"]
KINDS = {kind.__name__: kind for kind in (ServiceError, SetupError, Unavailable)}
CHOICE = ModelChoice(model="gpt-6", effort="max")


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


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (TimeoutError(), Unavailable, "The language model (gpt-6) took too long to answer. Please try again."),
        (connection_error(), Unavailable, "The language model's service cannot be reached. Please try again in a while."),
        (
            Garbled("it is not JSON"),
            Unavailable,
            "The language model (gpt-6) sent an answer I cannot read. If this stays so, OPENAI_BASE_URL may not be the "
            "address of a compatible service.",
        ),
        (openai.OpenAIError(), ServiceError, "The language model (gpt-6) did not answer."),
        *((status_error(**f["answer"]), KINDS[f["raises"]], f["text"]) for f in FAILURES),
    ],
)  # fmt: skip
def test_each_failure_is_told_in_words_that_say_what_to_do(error: Exception, kind: type[ServiceError], text: str) -> None:
    translated = translate(error, CHOICE, "responses", wait=90.0)

    assert (type(translated), str(translated)) == (kind, text)


def test_a_web_page_instead_of_a_message_is_cut() -> None:
    translated = translate(status_error(400, "<html>" + "x" * 5_000), CHOICE, "chat")

    assert str(translated) == "The language model (gpt-6) refused the request: <html>" + "x" * 294
