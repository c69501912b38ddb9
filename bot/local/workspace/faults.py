"""Failures on demand: what a test asks the Web API to do wrong, and how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """The next `times` calls of `method` fail: with an error, an HTTP status or a rate limit.

    With `after`, the call is performed first and only its answer is lost.
    """

    method: str
    times: int = 1
    error: str | None = None
    http: int | None = None
    retry_after: int | None = None
    after: bool = False


class Faults:
    """The faults still to come, the oldest of a method first, and how often each method was called."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.calls: Counter[str] = Counter()

    def plant(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def meet(self, method: str) -> Fault | None:
        """Count a call of `method` and return the fault that it meets, or None."""
        self.calls[method] += 1
        for index, fault in enumerate(self._waiting):
            if fault.method == method:
                if fault.times > 1:
                    self._waiting[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[index]
                return fault
        return None
