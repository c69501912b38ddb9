"""What a turn shows while it works, read off its entries."""

from __future__ import annotations

from bot.agents.code_assistant import TOOLS
from bot.agents.log_tools import LogTool
from bot.agents.specialist import parse
from bot.agents.tools import EditFile, ExecutePyFile, File, ReadFile
from bot.ports import Task
from bot.thread.conversation import USER_PROXY, Conversation, Decide, Deliver, Judge, Perform
from bot.thread.entries import Call, Step
from bot.thread.outcomes import Outcome


def tasks(conversation: Conversation) -> tuple[Task, ...]:
    """Return the calls performed in the open turn, in order, and the one thing that comes now."""
    shown: list[Task] = []
    for entry in conversation.turn:
        if isinstance(entry, Step) and not entry.refused:
            title = _title(conversation.call(entry), "done")
            failed = entry.execution is not None and entry.execution.outcome is not Outcome.SUCCEEDED
            if title and entry.ran and entry.execution is not None:
                title = f"{title}: {entry.execution.outcome}"
            if title:
                shown.append(Task(title=title, state="failed" if failed else "done"))
    return (*shown, Task(title=_now(conversation), state="running"))


def _now(conversation: Conversation) -> str:
    match conversation.next:
        case Perform() as at:
            return _title(conversation.call(at), "now") or "Working"
        case Decide(agent) if agent == USER_PROXY:
            return "Reading"
        case Decide():
            return "Thinking"
        case Judge():
            return "Checking the answer"
        case Deliver():
            return "Posting"
    return "Working"


def _title(call: Call, when: str) -> str:
    done = when == "done"
    match parse(call, TOOLS):
        case File(name=name):
            return f"{'Wrote' if done else 'Writing'} {name}"
        case EditFile(name=name):
            return f"{'Changed' if done else 'Changing'} {name}"
        case ReadFile(name=name):
            return f"{'Read' if done else 'Reading'} {name}"
        case LogTool(files=files):
            return f"{'Read' if done else 'Reading'} {', '.join(files)}"
        case ExecutePyFile(name=name):
            return f"{'Ran' if done else 'Running'} {name}"
    return ""
