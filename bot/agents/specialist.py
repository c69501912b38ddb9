"""Specialists, the agents that work on a brief with tools until they report, and the base of all tools."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.agents import prompts
from bot.errors import UserError
from bot.ports import Model, Prompt, Sandbox
from bot.thread.conversation import Conversation, Perform
from bot.thread.entries import Call, Citation, Count, Decision, Evidence, Report, Step
from bot.thread.files import FileName, file_name, workspace_name
from bot.thread.request import ThreadId

Name = Annotated[FileName, BeforeValidator(file_name)]


@dataclass(frozen=True, slots=True)
class Work:
    """One call that is being performed: its place in the conversation, and the thread's sandbox."""

    conversation: Conversation
    at: Perform
    sandbox: Sandbox

    @property
    def step(self) -> partial[Step]:
        """The constructor of the call's Step, with `decision` and `index` filled in."""
        return partial(Step, decision=self.at.decision, index=self.at.index)


class Tool(BaseModel, ABC):
    """The base of all tools; an unknown argument is passed over, and null, or 0 where the default is none, is no argument."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)
    for_logs: ClassVar[bool] = False  # whether it is offered only in a thread that has a log

    @model_validator(mode="before")
    @classmethod
    def _given(cls, data: Any) -> object:
        """Return the arguments that are given."""
        zero = {name for name, field in cls.model_fields.items() if field.default is not None}  # in which it is a value
        return {k: v for k, v in data.items() if v is not None and (v != 0 or k in zero)} if isinstance(data, dict) else data

    @abstractmethod
    async def perform(self, work: Work) -> Step | Report:
        """Perform the call; a UserError becomes a result that tells the model what to correct."""


class ReportCall(Tool):
    """End your work on the brief. Call it alone, after you have seen the results of everything it speaks of.

    `complete` needs evidence for each condition of the brief. `failed` says honestly what did not work and why.
    `needs_input` asks one precise question. `answer` is Markdown for the user, in the user's language. `files` are those to send.
    """

    model_config = ConfigDict(title="Report")

    status: Literal["complete", "failed", "needs_input"]
    answer: str = Field(min_length=1)
    evidence: tuple[Evidence, ...] = ()
    files: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    counts: tuple[Count, ...] = ()

    async def perform(self, work: Work) -> Step | Report:
        """End the work, unless the report stands beside calls whose results it cannot know."""
        decision = work.conversation.decision(work.at)
        if len(decision.calls) > 1:
            return work.step(result=prompts.REPORT_ALONE, refused=True)
        if not all(count.file for count in self.counts):
            return work.step(result=prompts.INVALID.format(tool="Report", errors=prompts.NO_FILE_COUNTED), refused=True)
        claims = {**dict(self), "files": tuple(workspace_name(name) for name in self.files)}
        return Report(decision=work.at.decision, index=work.at.index, agent=decision.agent, **claims)


ReportCall.__name__ = ReportCall.__qualname__ = "Report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Specialist:
    """An agent that works on a brief with its tools until it reports; it remembers the whole thread.

    `purpose` is what the UserProxy knows of it, `prompt` its system prompt; `tools` end with ReportCall.
    """

    name: str
    purpose: str
    prompt: str
    tools: tuple[type[Tool], ...]
    model: Model

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Decision:
        """Ask the model for its next calls."""
        items = prompts.for_specialist(conversation, self.name)
        prompt = Prompt(agent=self.name, thread=str(thread), system=self.prompt, items=items)
        return await self.model.decide(prompt, [tool for tool in self.tools if not tool.for_logs or conversation.has_log])

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Step | Report:
        """Perform one call; an invalid one gets the error as its result, for the model to correct."""
        return await perform(Work(conversation, at, sandbox), self.tools)


async def perform(work: Work, tools: Sequence[type[Tool]]) -> Step | Report:
    """Perform a call of one of the tools; an invalid call and a UserError become its result, never an exception."""
    call = work.conversation.call(work.at)
    tool = parse(call, tools)
    if isinstance(tool, str):
        return work.step(result=tool, refused=True)
    try:
        return await tool.perform(work)
    except UserError as error:
        return work.step(result=prompts.REFUSED.format(tool=call.name, error=error), refused=True)


def parse(call: Call, tools: Sequence[type[Tool]]) -> Tool | str:
    """Return the call's tool with validated arguments, or a sentence for the model on what is wrong with the call."""
    tool = next((tool for tool in tools if tool.__name__ == call.name), None)
    if tool is None:
        return prompts.NO_SUCH_TOOL.format(name=call.name, tools=", ".join(tool.__name__ for tool in tools))
    try:
        return tool.model_validate_json(call.arguments or "{}")
    except ValidationError as error:
        errors = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
        return prompts.INVALID.format(tool=call.name, errors=errors)
