"""The plan that a turn shows while it is worked on, made from its entries."""

from __future__ import annotations

from bot.agents.code_assistant import TOOLS
from bot.agents.log_tools import LogCard, LogTool
from bot.agents.specialist import parse
from bot.agents.table_tools import TableCard, TableProfile
from bot.agents.tools import EditFile, ExecutePyFile, File, ReadFile
from bot.ports import Task
from bot.thread.conversation import USER_PROXY, Conversation, Decide, Deliver, Judge, Perform
from bot.thread.entries import Step
from bot.thread.outcomes import Outcome

# What a tool does, and did.
WORDS = {
    File: ("Writing", "Wrote"), EditFile: ("Changing", "Changed"), ReadFile: ("Reading", "Read"), ExecutePyFile: ("Running", "Ran"),
}  # fmt: skip


def tasks(conversation: Conversation) -> tuple[Task, ...]:
    """Return the calls performed in the open turn, in order, and last what is being done now."""
    plan: list[Task] = []
    for entry in conversation.turn:
        if isinstance(entry, Step) and not entry.refused and (title := _title(conversation, entry, done=True)):
            outcome = entry.execution.outcome if entry.execution else Outcome.SUCCEEDED
            state = "done" if outcome is Outcome.SUCCEEDED else "failed"
            plan.append(Task(title=f"{title}: {outcome}" if entry.ran and entry.execution else title, state=state))
    return (*plan, Task(title=_now(conversation), state="running"))


def _now(conversation: Conversation) -> str:
    """Return what is being done now, in a few words."""
    match conversation.next:
        case Perform() as at:
            return _title(conversation, at, done=False) or "Working"
        case Decide(agent) if agent == USER_PROXY:
            return "Reading"
        case Decide():
            return "Thinking"
        case Judge():
            return "Checking the answer"
        case Deliver():
            return "Posting"
    return "Working"


def _title(conversation: Conversation, at: Perform | Step, *, done: bool) -> str:
    """Return what a call did or is doing, in a few words; "" for one that is not shown."""
    call = conversation.call(at)
    match tool := parse(call, (*TOOLS, LogCard, TableCard)):
        case TableProfile() | LogTool():
            names = [tool.file] if isinstance(tool, TableProfile) else tool.files
            return f"{'Read' if done else 'Reading'} {', '.join(names)}"
        case File(name=name) | EditFile(name=name) | ReadFile(name=name) | ExecutePyFile(name=name):
            return f"{WORDS[type(tool)][done]} {name}"
    if conversation.decision(at).agent == USER_PROXY or call.name in {tool.__name__ for tool in TOOLS}:
        return ""
    return f"{'Used' if done else 'Using'} {call.name}"  # a tool of another specialist
