"""What every test of runs has: sandboxes that its module keeps serving, emptied before each test."""

from collections.abc import Iterator

import pytest

from bot.sandbox.linux import LinuxSandboxes
from tests.sandbox.tiers import Serving, emptied


@pytest.fixture
def sandboxes(serving: Serving) -> Iterator[LinuxSandboxes]:
    data, sandboxes = serving
    with emptied(data):
        yield sandboxes
