"""The CodeAssistant: writes files, runs them in the thread's sandbox, and reports."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from bot.agents.log_tools import LOG_TOOLS
from bot.agents.specialist import ReportCall, Specialist, Tool
from bot.agents.table_tools import TableProfile
from bot.agents.tools import EditFile, ExecutePyFile, File, ListFiles, ReadFile
from bot.ports import Model

NAME: Final = "code_assistant"
PURPOSE = "writes and edits files, runs Python in this thread's sandbox, plots, reads data and logs, fixes errors."
TOOLS: tuple[type[Tool], ...] = (
    File, EditFile, ReadFile, ListFiles, ExecutePyFile, TableProfile, *LOG_TOOLS, ReportCall,
)  # fmt: skip
PROMPT = files(__package__).joinpath("code_assistant.md").read_text(encoding="utf-8")


def code_assistant(model: Model) -> Specialist:
    """Return the specialist for code, data and logs."""
    return Specialist(name=NAME, purpose=PURPOSE, prompt=PROMPT, tools=TOOLS, model=model)
