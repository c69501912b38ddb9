"""The chosen model and the parameters that it accepts: known for OpenAI's families, assumed with care for all others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """A model's name, its reasoning effort ("" for its default), and the setting that its name comes from."""

    model: str
    effort: str = ""
    model_setting: str = "OPENAI_MODEL"

    @property
    def reasons(self) -> bool | None:
        """Whether the model reasons before it answers; None for an unknown model."""
        if _NOT_REASONING.match(self._family):
            return False
        return True if _REASONING.match(self._family) else None

    @property
    def sent_effort(self) -> str | None:
        """The effort to send, or None to send none: models that do not reason refuse any, and some that do refuse `none`."""
        if not self.effort or self.reasons is False:
            return None
        if self.effort != "none":
            return self.effort
        if self.reasons is None:
            return None
        return "low" if _ALWAYS_REASONING.match(self._family) else "none"

    @property
    def eased(self) -> ModelChoice:
        """The same model with less effort, so that more of its answer is left for what it says."""
        return self if self.sent_effort in (None, "none") else replace(self, effort="low")

    @property
    def most_output(self) -> int:
        """The most tokens of one answer, reasoning included: enough for a long script, and within the model's own limit."""
        return 16_384 if self.reasons is False else 32_000

    @property
    def _family(self) -> str:
        return self.model.rsplit("/")[-1].removeprefix("ft:").lower()


_NOT_REASONING = re.compile(r"gpt-(3\.5|4)|chatgpt-4")
_REASONING = re.compile(r"gpt-([5-9]|\d\d)|o\d(-|$)|codex")
_ALWAYS_REASONING = re.compile(r"gpt-6\.1|gpt-5(-|$)|o\d(-|$)|codex")
