"""Which model is asked, and what it takes: a table of OpenAI's families, and care with everybody else's."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """A model by name with its reasoning effort ("" for its own), and the settings both come from."""

    model: str
    effort: str = ""
    model_setting: str = "OPENAI_MODEL"
    effort_setting: str = "OPENAI_EFFORT"

    @property
    def reasons(self) -> bool | None:
        """Whether the model reasons before it answers; None when we do not know it."""
        if _PLAIN.match(self._family):
            return False
        return True if _REASONING.match(self._family) else None

    @property
    def sent_effort(self) -> str | None:
        """The effort to send, or None: models that do not reason refuse it, and some that do refuse `none`."""
        if not self.effort or self.reasons is False:
            return None
        if self.effort != "none":
            return self.effort
        if self.reasons is None:
            return None
        return "low" if _NEVER_WITHOUT.match(self._family) else "none"

    @property
    def most_output(self) -> int:
        """Tokens of one answer, thinking included: enough for a long script, and within the model's own limit."""
        return 16_384 if self.reasons is False else 32_000

    @property
    def _family(self) -> str:
        return self.model.rsplit("/")[-1].removeprefix("ft:").lower()


_PLAIN = re.compile(r"gpt-(3\.5|4)|chatgpt-4")
_REASONING = re.compile(r"gpt-([5-9]|\d\d)|o\d(-|$)|codex")
_NEVER_WITHOUT = re.compile(r"gpt-6\.1|gpt-5(-|$)|o\d(-|$)|codex")
