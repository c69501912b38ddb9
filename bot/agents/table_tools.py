"""The CodeAssistant's tool for tables: the profile that the table toolkit makes of one in the thread's sandbox."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field

from bot.agents import prompts
from bot.agents.log_tools import as_argument, failure
from bot.agents.specialist import Name, Tool, Work
from bot.tables import Column, Profile
from bot.tables.command import NO_PANDAS
from bot.tables.profiles import short
from bot.thread.entries import Step
from bot.thread.outcomes import Outcome
from bot.thread.text import bounded, counted, fenced, quoted

TABLE_TOKENS = 3_000
CARD_COLUMNS = 8
Phrase = Annotated[str, Field(min_length=1, max_length=200)]


class TableProfile(Tool):
    """What is in a table, read as scripts read it by `import tables`: rows, columns, types, ranges, missing and unreadable cells.

    CSV in any dialect, workbooks, JSON and parquet, packed or not. `find` says in which columns words stand as values. `adds` is
    how a column of numbers is totalled, where that is sure.
    """

    file: Name = Field(description="A file of the workspace.")
    sheet: str | None = Field(default=None, description="A sheet of a workbook; by default the first that holds a table.")
    find: tuple[Phrase, ...] = Field(default=(), max_length=200, description="Words to look up among the values of all columns.")

    flags: ClassVar[tuple[str, ...]] = ("--insist",)  # waits for a library that is being installed

    async def perform(self, work: Work) -> Step:
        """Profile the table; a failure becomes a result that tells the model what is wrong with the file."""
        words = ["profile", as_argument(self.file), "--libraries", *self.flags, *(f"--find={phrase}" for phrase in self.find)]
        execution = await work.sandbox.toolkit("tables", [*words, *([f"--sheet={self.sheet}"] if self.sheet else [])])
        if execution.outcome is not Outcome.SUCCEEDED:
            why = prompts.DID_NOT_WORK.format(tool=type(self).__name__, why=failure(execution))
            return work.step(result=why, refused=True)
        text = fenced(bounded(execution.stdout.strip(), TABLE_TOKENS))
        note = f"\n{NO_PANDAS}" if NO_PANDAS in execution.stderr else ""
        return work.step(result=prompts.FROM_TABLE.format(text=text) + note, execution=execution)


class TableCard(TableProfile):
    """The profile of a file that came, unless it is a log; one that needs a library which is still to come is not made."""

    flags: ClassVar[tuple[str, ...]] = ("--unless-log",)


def card(profile: Profile) -> str:
    """Return what a person reads of a table that came: its size, its columns, what was decided and what could not be read."""
    unread = sum(column.unreadable for column in profile.columns)
    cells = profile.rows * len(profile.columns)
    head = f"{quoted([profile.file])}: {counted(profile.rows, 'row')}, {counted(len(profile.columns) + profile.hidden, 'column')}"
    head += f", {counted(unread, 'cell')} of {cells:,} unreadable" if unread else ""
    lines = [f"{head} ({profile.form})."]
    lines += [re.sub(r"([\\*_~`\[\]<>|])", r"\\\1", f"{note[0].upper()}{note[1:]}.") for note in profile.notes[:4]]
    if len(profile.notes) > 4:
        lines.append(f"And {counted(len(profile.notes) - 4, 'more note')}.")
    lines += [f"- {_about(column)}" for column in profile.columns[:CARD_COLUMNS]]
    if (more := len(profile.columns) + profile.hidden - CARD_COLUMNS) > 0:
        lines.append(f"- and {counted(more, 'more column')}")
    return "\n".join(lines)


def _about(column: Column) -> str:
    match column.kind:
        case "text" | "true or false":
            listed = ", ".join(_harmless(short(value)) for value in column.values[:4])
            facts = [f"{counted(column.distinct, 'value')} ({listed}{', …' if column.distinct > 4 else ''})"]
        case "empty":
            facts = ["nothing"]
        case _:
            unit = f" {_harmless(column.unit)}" if column.unit else ""
            facts = [f"{column.least} to {column.most}{unit}"]
    facts += [f"{column.missing:,} missing"] if column.missing else []
    if column.unreadable:
        facts.append(f"{column.unreadable:,} unreadable, like “{_harmless(short(column.unread[0]))}”")
    return f"{quoted([short(column.name)])}: {', '.join(facts)}"


def _harmless(text: str) -> str:
    """Return text of a table so that nothing in it is taken for markup, a link or a mention."""
    return text if re.fullmatch(r"[\w .,;:%€$£'’()/+&-]*", text) and not re.search(r"://|\b_|_\b", text) else quoted([text])
