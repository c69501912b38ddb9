"""The agents without a model: the Runner performs commands, the Profiler profiles uploaded logs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.agents.log_tools import LogProfile
from bot.agents.replies import ended
from bot.agents.specialist import Work, perform
from bot.agents.tools import ExecutePyFile
from bot.ports import Sandbox
from bot.thread.conversation import PROFILER, RUNNER, Conversation, Perform
from bot.thread.entries import Call, Decision, Entry, Notice, Reply, Report, Step
from bot.thread.files import FileName
from bot.thread.request import ThreadId
from bot.thread.text import fenced

MAX_PROFILED: Final = 4  # logs of one turn


class Runner:
    """The agent that performs `/runpy`, the shortcut and a lone code block: one run, without a model."""

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Entry:
        """Decide on the one run, then on the reply that shows it."""
        opening = conversation.opening
        assert opening is not None
        assert opening.command is not None
        for step in reversed(conversation.turn):
            if isinstance(step, Step):
                return _reply(step)
        if not opening.files:
            return Reply(text="\n".join(opening.notes) or "There is no script to run.")
        run = ExecutePyFile(name=opening.files[0], args=opening.command.args)
        call = Call(id="", name="ExecutePyFile", arguments=run.model_dump_json())
        return Decision(agent=RUNNER, calls=(call,))

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Run the script."""
        return await perform(Work(conversation, at, sandbox), [ExecutePyFile])


class Profiler:
    """The agent that profiles uploaded logs, without a model."""

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Entry:
        """Decide on one profile of the turn's logs, then on the notice that shows it."""
        for number in range(len(conversation.entries) - 1, conversation.start - 1, -1):
            entry = conversation.entries[number]
            if isinstance(entry, Decision) and entry.agent == PROFILER:
                return _notice(conversation.results(number).values())
        files = conversation.logs[:MAX_PROFILED]
        profile = LogProfile(files=files, chart=FileName(f"{files[0].rsplit('/', 1)[-1]}.png"))
        return Decision(agent=PROFILER, calls=(Call(id="", name="LogProfile", arguments=profile.model_dump_json()),))

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Profile the logs."""
        return await perform(Work(conversation, at, sandbox), [LogProfile])


def _notice(results: Iterable[Step | Report]) -> Notice:
    """Return the notice of a profile; one that failed is not shown, since the user did not ask for it."""
    for step in results:
        if isinstance(step, Step) and step.execution and step.execution.stdout.strip():
            return Notice(text=fenced(step.execution.stdout.strip()), files=tuple(f.name for f in step.execution.files))
    return Notice(text="")


def _reply(step: Step) -> Reply:
    execution = step.execution
    if execution is None:
        return Reply(text=step.result)
    streams = [s for s in (execution.stdout, execution.stderr) if s.strip()]
    more = "" if streams else " It printed nothing."
    if step.changed:  # the execution's output is cut, and whole in these files
        more = f" All that it printed is in {' and '.join(f'`{name}`' for name in step.changed)}."
    return Reply(
        text=ended(step.ran, execution) + more,
        output="\n".join(s.rstrip("\n") for s in streams),
        files=tuple(dict.fromkeys([*step.changed, *(f.name for f in execution.files)])),
    )
