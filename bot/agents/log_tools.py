"""The CodeAssistant's tools for logs: each is one command of the log toolkit, run in the thread's sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.agents import prompts
from bot.agents.specialist import Name, Tool, Work
from bot.errors import ServiceError
from bot.ports import Sandbox
from bot.thread.entries import Citation, Count, Step
from bot.thread.outcomes import Execution, Outcome
from bot.thread.text import bounded, fenced

LOG_TOKENS = 650

Level = Literal["", "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "FATAL"]
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


class LogTool(Tool):
    """The base of the tools for logs."""

    files: tuple[Name, ...] = Field(min_length=1, description="Files of the workspace: plain, gz, bz2, xz, zst or zip.")
    chart: Name | None = Field(default=None, description="A PNG file to draw a chart into; it is sent to the user.")

    for_logs: ClassVar[bool] = True
    command: ClassVar[str] = ""  # of the toolkit, where the tool's name does not say it
    insists: ClassVar[bool] = True  # whether to wait for what draws the chart

    def arguments(self) -> list[str]:
        """Return the toolkit's command line."""
        words = [self.command or type(self).__name__.removeprefix("Log").lower(), *map(as_argument, self.files)]
        words += ["--chart", as_argument(self.chart)] if self.chart else []
        for name, value in self.model_dump(exclude={"files", "chart"}).items():
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            elif value not in (False, "", None):
                words.append(f"{flag}={value}")
        return words

    async def perform(self, work: Work) -> Step:
        """Run the command; a failure becomes a result that tells the model what to correct."""
        words = self.arguments()
        insists = ["--insist"] if self.chart and self.insists else []  # waits for what draws it, if that is to come
        execution = await work.sandbox.toolkit("logs", [*words, *insists])
        if insists and "No module named 'matplotlib'" in execution.stderr:
            execution = await work.sandbox.toolkit("logs", words)
        if execution.outcome is not Outcome.SUCCEEDED:
            why = prompts.DID_NOT_WORK.format(tool=type(self).__name__, why=failure(execution))
            return work.step(result=why, refused=True)
        text = fenced(bounded(execution.stdout.strip(), LOG_TOKENS))
        text += "".join(prompts.DREW.format(name=f.name) for f in execution.files)
        note = execution.stderr.strip()
        return work.step(result=prompts.FROM_LOGS.format(text=f"{text}\n{note}" if note else text), execution=execution)


Window = Annotated[str, Field(description="FROM..TO on the log's own clock, TO excluded: 14:00..14:10, or with dates.")]


class LogProfile(LogTool):
    """What is in logs: size, format, times and zone, levels, gaps, most frequent and rarest templates, suspected incidents.

    Begin with it; then LogCompare around the onset, LogSearch and LogTrace. Do not read logs line by line. Say "most likely cause",
    name the time zone, say what you did not check. Cite each line you rely on in `citations` with file, line and text as printed,
    and each number of lines you state in `counts`: both are checked before the user reads them.
    """


class LogCard(LogProfile):
    """The profile of logs that came, with a chart where one can be drawn at once."""

    command: ClassVar[str] = "profile"
    insists: ClassVar[bool] = False


class LogTemplates(LogTool):
    """The kinds of lines of logs with counts, first and last line."""

    window: Window = ""
    level: Level = ""
    sort: Literal["count", "rare", "first"] = "count"
    top: int = Field(default=10, ge=1, le=50)


class LogCompare(LogTool):
    """What differs between a window and a baseline (the hour before, if none is given), or between two files.

    Kinds of lines are ranked; rare lines from just before trouble began are among them, since causes are seldom frequent.
    """

    window: Window = ""
    baseline: Window = ""


class LogSearch(LogTool):
    """Lines that hold `query` as it stands (or match it with `regex`), counted all, some shown as file:line."""

    query: str = Field(min_length=1)
    regex: bool = False
    ignore_case: bool = False
    window: Window = ""
    level: Level = ""
    before: int = Field(default=0, ge=0, le=20)
    after: int = Field(default=0, ge=0, le=20)
    top: int = Field(default=10, ge=1, le=50)


class LogTrace(LogTool):
    """Every line that holds one identifier, through all the files, in the order of time."""

    id: str = Field(min_length=1)


class LogFields(LogTool):
    """The values of each <*> of one template: how many differ, the most frequent, quantiles of numbers."""

    template: str = Field(min_length=3, description="A template as the other tools print it.")
    window: Window = ""


LOG_TOOLS: tuple[type[LogTool], ...] = (LogProfile, LogTemplates, LogCompare, LogSearch, LogTrace, LogFields)


def as_argument(name: str) -> str:
    """Return a file's name so that no command takes it for an option."""
    return f"./{name}" if name.startswith("-") else name


async def check_claims(sandbox: Sandbox, citations: Sequence[Citation], counts: Sequence[Count]) -> list[str]:
    """Read the cited lines and recount the numbers inside the sandbox; return what does not hold."""
    if not (citations or counts):
        return []
    claims = {"citations": [asdict(c) for c in citations], "counts": [asdict(c) for c in counts]}
    execution = await sandbox.toolkit("logs", ["check"], stdin=json.dumps(claims))
    if execution.outcome is not Outcome.SUCCEEDED:
        raise ServiceError(f"What the report says about the logs could not be checked: {failure(execution)}")
    return [str(wrong) for wrong in json.loads(execution.stdout)]


def failure(execution: Execution) -> str:
    """Return the one sentence that says why a command of a toolkit failed."""
    last = re.sub(r"^\w*(?:Error|Exception): ", "", (execution.stderr.strip().splitlines() or [""])[-1])
    return execution.message or last or f"it {execution.outcome}."
