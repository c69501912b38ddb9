"""Failures of the Web API that a test asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """The next `times` calls of `method` fail: with an error, an HTTP status or a rate limit; with `text`, as a balancer says it.

    With `after`, the call is performed first and only its answer is lost; before anything, `seconds` pass.
    """

    method: str
    times: int = 1
    error: str | None = None
    http: int | None = None
    text: str | None = None
    retry_after: int | None = None
    after: bool = False
    seconds: int = 0


class Faults:
    """The planted faults, used in the order they were planted, and the number of calls of each method."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.calls: Counter[str] = Counter()

    def plant(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def meet(self, method: str) -> Fault | None:
        """Count a call of `method` and use up its next fault; return that or None."""
        self.calls[method] += 1
        for index, fault in enumerate(self._waiting):
            if fault.method == method:
                if fault.times > 1:
                    self._waiting[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[index]
                return fault
        return None
