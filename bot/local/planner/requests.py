"""What the planner can be asked: one table, from which its help, the examples of the page and the nearest requests are made."""

from __future__ import annotations

from typing import NamedTuple

from bot.tables import Column, Profile


class Request(NamedTuple):
    """A request: how it is phrased, what it does, and examples on the columns of the sample sales.csv."""

    phrase: str
    does: str
    examples: tuple[str, ...]


class Card(NamedTuple):
    """An example that a newcomer can send by a click: its title, its words, and the sample file that goes with it."""

    title: str
    text: str
    file: str


REQUESTS = (
    Request("describe", "shows what is in a table", ("describe", "summary")),
    Request("how many rows [WHERE]", "counts", ("how many rows", "how many rows in North", "number of rows by region")),
    Request(
        "how many different X", "counts values", ("how many different products", "different regions", "how many missing revenue")
    ),
    Request(
        "sum, mean, median, min, max of X [by Y]", "measures", ("sum of revenue by region", "highest revenue in 2025", "mean units")
    ),
    Request("top N Y by X", "ranks", ("top 3 products by revenue", "second highest revenue", "which region has the most revenue")),
    Request("plot X by Y [as bars]", "draws", ("plot revenue by month", "pie chart of revenue by region", "histogram of revenue")),
    Request(
        "share of X by Y, cumulative X by month", "sets in relation", ("share of revenue by region", "cumulative revenue by month")
    ),
    Request("X against Y", "draws points", ("plot revenue against units", "correlation between revenue and units")),
)
CARDS = (
    Card("Plot sales by month", "plot revenue by month", "sales.csv"),
    Card("Find what broke checkout.log", "why did checkout.log go wrong?", "checkout.log"),
    Card("Run broken.py and mend it", "run broken.py and mend it", "broken.py"),
)
SENTENCE = (
    "It understands requests about your own files in plain English, "
    + ", ".join(f"“{request.examples[0]}”" for request in REQUESTS[1:6])
    + ", and conditions such as “in 2025” or “without North”. What it does not understand it names, and does not answer."
)
HELP = (
    "I am the planner: a small program, no language model. I answer a request when I understand every word of it.\n"
    f"- Tables: {' · '.join(request.phrase for request in REQUESTS)}.\n"
    "- With conditions: in North, without North, in 2025, since March 2025, revenue above 100. Then: “as bars”, “only 2025”.\n"
    "- Files: run a script and mend it · save a code block as a file · why did this log go wrong? Set `OPENAI_API_KEY` for more."
)


def nearest(profile: Profile) -> str:
    """Return up to three requests about a table that are understood, with its own columns."""
    numbers = sorted((c for c in profile.columns if c.kind == "number" and c.adds != "none"), key=lambda c: not c.adds)
    texts = [column for column in profile.columns if column.kind == "text" and 1 < column.distinct <= max(profile.rows // 2, 1)]
    dates = [column for column in profile.columns if column.kind in {"date", "time"}]
    offers = []
    if numbers and (texts or dates):
        offers.append(f"{_how(numbers[0])} of {numbers[0].name} by {texts[0].name if texts else dates[0].name}")
    if numbers and dates:
        offers.append(f"plot {_how(numbers[0])} of {numbers[0].name} by month")
    elif texts:
        offers.append(f"number of rows by {texts[0].name}")
    offers.append("describe" if len(offers) > 1 or not numbers else f"highest {numbers[0].name}")
    return f"I understand, for example: {' · '.join(f'“{offer}”' for offer in offers[:3])}."


def _how(column: Column) -> str:
    return column.adds or "mean"
