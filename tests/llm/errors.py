"""Errors of a model's service, as the openai package raises them."""

from collections.abc import Mapping

import httpx2
import openai

URL = "https://models.example.com/v1/responses"


def status_error(
    status: int, message: str = "", *, code: str | None = None, param: str | None = None, headers: Mapping[str, str] | None = None
) -> openai.APIStatusError:
    """Return the error for a response with this status."""
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("POST", URL))
    kind = openai.BadRequestError if status == 400 else openai.APIStatusError
    return kind(message, response=response, body={"message": message, "code": code, "param": param})


def connection_error() -> openai.APIConnectionError:
    """Return the error for a service that cannot be reached."""
    return openai.APIConnectionError(request=httpx2.Request("POST", URL))
