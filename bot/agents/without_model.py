"""The agents without a model: the Runner performs commands, the Profiler profiles uploaded logs and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bot.agents.log_tools import LogCard, LogProfile
from bot.agents.replies import ended, made_files
from bot.agents.specialist import Tool, Work, perform
from bot.agents.table_tools import TableCard, card
from bot.agents.tools import ExecutePyFile
from bot.errors import ServiceError
from bot.logs import is_log
from bot.ports import Sandbox
from bot.tables import is_table, parsed
from bot.tables.command import IS_LOG
from bot.thread.conversation import PROFILER, RUNNER, Conversation, Perform
from bot.thread.entries import Call, Decision, Entry, Notice, Reply, Step
from bot.thread.files import OUTPUT, FileName
from bot.thread.request import ThreadId
from bot.thread.text import fenced, quoted

LAST_LINES, LAST_CHARACTERS = 8, 1_000  # of an output that is in a file
MAX_PROFILED: Final = 4  # files of one turn


class Runner:
    """The agent that performs `/runpy`, the shortcut and a lone code block: one run, without a model."""

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Entry:
        """Decide on the one run, then on the reply that shows it."""
        opening = conversation.opening
        assert opening is not None
        assert opening.command is not None
        for step in reversed(conversation.turn):
            if isinstance(step, Step):
                return _reply(step, conversation)
        if not opening.files:
            return Reply(text="There is no script to run.")
        run = ExecutePyFile(name=opening.files[0], args=opening.command.args)
        call = Call(id="", name="ExecutePyFile", arguments=run.model_dump_json())
        return Decision(agent=RUNNER, calls=(call,))

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Run the script."""
        return await perform(Work(conversation, at, sandbox), [ExecutePyFile])


class Profiler:
    """The agent that profiles uploaded logs and tables, without a model."""

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Entry:
        """Decide on profiles of what came, then on those of tables that are logs, then on the notice that shows all."""
        entries = conversation.entries
        turn = range(conversation.start, len(entries))
        numbers = [n for n in turn if isinstance(entry := entries[n], Decision) and entry.agent == PROFILER]
        steps = [step for number in numbers for step in conversation.results(number).values() if isinstance(step, Step)]
        if not numbers:
            came = conversation.data[:MAX_PROFILED]
            tables = [name for name in came if not is_log(name) or is_table(name)]
            return _decision(tables, [name for name in came if name not in tables])
        astray = [step for step in steps if step.refused and step.result.endswith(IS_LOG.partition("}")[2])]
        if astray and len(numbers) == 1:
            return _decision([], [TableCard.model_validate_json(conversation.call(step).arguments).file for step in astray])
        return _notice(steps, conversation.data[MAX_PROFILED:])

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Make one profile; what only adorns the answer fails no turn."""
        work = Work(conversation, at, sandbox)
        try:
            return await perform(work, [LogCard, LogProfile, TableCard])
        except ServiceError as error:
            return work.step(result=str(error), refused=True)


def _decision(tables: Sequence[FileName], logs: Sequence[FileName]) -> Decision:
    """Return the decision to profile each table by itself, and all logs together."""
    tools: list[Tool] = [TableCard(file=name) for name in tables]
    if logs:
        tools.append(LogCard(files=tuple(logs), chart=FileName(f"{logs[0].rsplit('/', 1)[-1]}.png")))
    calls = (Call(id=str(n), name=type(t).__name__, arguments=t.model_dump_json()) for n, t in enumerate(tools))
    return Decision(agent=PROFILER, calls=tuple(calls))


def _notice(steps: Iterable[Step], left: Sequence[FileName]) -> Notice:
    """Return the notice of the profiles and the files `left` out; one that failed is not shown, as the user did not ask for it."""
    texts: list[str] = []
    files: list[FileName] = []
    for step in steps:
        if step.refused or not step.execution or not (said := step.execution.stdout.strip()):
            continue
        table = parsed(said)
        texts.append(card(table) if table else fenced(said))
        files += [file.name for file in step.execution.files]
    if texts and left:
        texts.append(f"Not profiled, as I profile {MAX_PROFILED} files at once: {quoted(left)}.")
    return Notice(text="\n\n".join(texts), files=tuple(files))


def _reply(step: Step, conversation: Conversation) -> Reply:
    execution = step.execution
    if execution is None:
        return Reply(text=step.result)
    streams = [s for s in (execution.stdout, execution.stderr) if s.strip()]
    more = "" if streams else " It printed nothing."
    output = "\n".join(s.rstrip("\n") for s in streams)
    if step.changed:  # the execution's output is cut, and whole in these files
        files = " and ".join(f"`{name.removeprefix(OUTPUT)}`" for name in step.changed)
        more = f" Its last lines are here, and all that it printed is in {files}."
        output = "\n".join(output.splitlines()[-LAST_LINES:])[-LAST_CHARACTERS:]
    return Reply(text=ended(step.ran, execution) + more, output=output, files=tuple(made_files(conversation, step.changed)))
