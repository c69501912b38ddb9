"""The wires over which every story is told."""

import pytest

from tests.e2e.slack import Wire


@pytest.fixture(params=["responses", "chat"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param  # type: ignore[no-any-return]
