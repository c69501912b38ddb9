"""What the planner can be asked, as requests.toml says: its help, the examples of the page and the nearest requests."""

from __future__ import annotations

from bot.local.planner import data
from bot.tables import Profile

REQUESTS = data("requests")["request"]
CARDS = data("requests")["card"]
_TEXTS = data("requests")["texts"]
SENTENCE: str = _TEXTS["sentence"].format(examples=", ".join(f"“{request['examples'][0]}”" for request in REQUESTS[1:6]))
HELP: str = _TEXTS["help"].format(phrases=" · ".join(request["phrase"] for request in REQUESTS))


def nearest(profile: Profile) -> str:
    """Return up to three requests about a table that are understood, with its own columns."""
    numbers = sorted((c for c in profile.columns if c.kind == "number" and c.adds != "none"), key=lambda c: not c.adds)
    measured = f"{numbers[0].adds or 'mean'} of {numbers[0].name}" if numbers else ""
    texts = [c.name for c in profile.columns if c.kind == "text" and 1 < c.distinct <= max(profile.rows // 2, 1)]
    dates = [c.name for c in profile.columns if c.kind in {"date", "time"}]
    offers = [f"{measured} by {group}" for group in [*texts, *dates][:1] if numbers]
    if numbers and dates:
        offers.append(f"plot {measured} by month")
    elif texts:
        offers.append(f"number of rows by {texts[0]}")
    offers.append("describe" if len(offers) > 1 or not numbers else f"highest {numbers[0].name}")
    return f"I understand, for example: {' · '.join(f'“{offer}”' for offer in offers)}."
