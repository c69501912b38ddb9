"""The UserProxy: interprets the user, hands work to specialists, and answers once a report is certain."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, create_model, model_validator

from bot.agents import prompts
from bot.agents.gate import objections
from bot.agents.replies import account, answer
from bot.agents.specialist import Specialist
from bot.ports import Model, Prompt, Sandbox
from bot.thread.conversation import USER_PROXY, Conversation, Perform
from bot.thread.entries import Call, Decision, Entry, Message, Reply, Report, UserMessage
from bot.thread.request import ThreadId
from bot.thread.text import code_blocks

_ANNOUNCES = re.compile(r"^\(to \w+\)|\b(I'll|I will|let me|I'm going to|I am going to)\b", re.I)
MAX_ROUNDS = 2  # how often a report goes back before the user gets an honest account

PROMPT = files(__package__).joinpath("user_proxy.md").read_text(encoding="utf-8")


class SendMessage(BaseModel):
    """Hand the work to a specialist."""

    kind: Literal["SendMessage"]
    recipient: str
    message: str = Field(min_length=1, description="The brief: what the user wants, interpreted.")
    done_when: list[str] = Field(min_length=1, max_length=5, description="Conditions that can be checked.")


class Respond(BaseModel):
    """Answer the user, or ask one precise question."""

    kind: Literal["Respond"]
    text: str = Field(min_length=1, description="Markdown, in the user's language.")


class StaySilent(BaseModel):
    """Say nothing: this is not for you."""

    kind: Literal["StaySilent"]


class UserProxy:
    """The agent that speaks with the user, and the gate that a specialist's report passes."""

    def __init__(self, model: Model, specialists: Sequence[Specialist]) -> None:
        self._model = model
        self._prompt = PROMPT.format(specialists=prompts.listed([f"{s.name}: {s.purpose}" for s in specialists]))
        self._first = specialists[0].name
        self.choice = choice_among(tuple(s.name for s in specialists))

    async def decide(self, thread: ThreadId, conversation: Conversation) -> Decision:
        """Choose between a specialist, an answer, and silence: one model call."""
        prompt = Prompt(agent=USER_PROXY, thread=str(thread), system=self._prompt, items=prompts.for_user_proxy(conversation))
        chosen, usage = await self._model.choose(prompt, self.choice)
        action = self._meant(chosen, conversation) if isinstance(chosen, str) else cast(Any, chosen).action
        call = Call(id="", name=action.kind, arguments=action.model_dump_json())
        return Decision(agent=USER_PROXY, calls=(call,), usage=usage)

    def _meant(self, prose: str, conversation: Conversation) -> SendMessage | Respond:
        """Return what prose in place of a choice means: work, if the request has files or code or the prose announces it."""
        work = any(e.files or code_blocks(e.text) for e in conversation.turn if isinstance(e, UserMessage))
        if work or not prose.strip() or _ANNOUNCES.search(prose):
            return SendMessage(
                kind="SendMessage", recipient=self._first, message=prompts.THEIR_WORDS, done_when=[prompts.WHAT_THEY_ASK]
            )
        return Respond(kind="Respond", text=prose)

    async def perform(self, conversation: Conversation, at: Perform, sandbox: Sandbox) -> Entry:
        """Return the brief, with the user's own words attached, or the reply that was chosen."""
        call = conversation.call(at)
        if call.name == "Respond":
            return Reply(text=Respond.model_validate_json(call.arguments).text)
        chosen = SendMessage.model_validate_json(call.arguments)
        files = [f.name for f in await sandbox.list()]
        text = prompts.brief(conversation, chosen.message, chosen.done_when, files)
        return Message(sender=USER_PROXY, recipient=chosen.recipient, text=text, done_when=tuple(chosen.done_when))

    async def judge(self, conversation: Conversation, report: Report, sandbox: Sandbox) -> Entry:
        """Let a report through when it is certain; else send it back, and after two rounds give an honest account."""
        if report.status == "needs_input":
            if any(isinstance(e, Message) and e.recipient == USER_PROXY for e in conversation.turn):
                return Reply(text=report.answer)  # the UserProxy had its chance to answer from the thread
            return Message(sender=report.agent, recipient=USER_PROXY, text=report.answer)
        wrong = await objections(conversation, report, sandbox)
        if not wrong:
            return await answer(conversation, report, sandbox)
        rounds = max((e.round for e in conversation.turn if isinstance(e, Message)), default=0)
        if rounds >= MAX_ROUNDS:
            return account(conversation, "I could not make sure of the result.", wrong)
        text = prompts.DOES_NOT_HOLD.format(objections=prompts.listed(wrong))
        return Message(sender=USER_PROXY, recipient=report.agent, text=text, round=rounds + 1)


def choice_among(specialists: tuple[str, ...]) -> type[BaseModel]:
    """Return the response model whose SendMessage knows just these recipients."""
    recipient: Any = Literal[specialists]
    send = create_model("SendMessage", __base__=SendMessage, __doc__=SendMessage.__doc__, recipient=(recipient, ...))
    action = Annotated[send | Respond | StaySilent, Field(discriminator="kind")]  # type: ignore[valid-type]
    return create_model("Choice", __base__=_Choice, __doc__="What the UserProxy decides.", action=(action, ...))


class _Choice(BaseModel):
    @model_validator(mode="before")
    @classmethod
    def _in_shape(cls, data: Any) -> object:
        """Return a choice whose wrapper or kind a model left out or wrote elsewhere, where the fields say what it means."""
        action = data.get("action", data) if isinstance(data, dict) else data
        action = json.loads(action) if isinstance(action, str) else action
        if not isinstance(action, dict) or "kind" in action:
            return {"action": action}
        name, fields = next(iter(action.items()), ("", None))
        if not isinstance(fields, dict):
            name, fields = "Respond" if "text" in action else "SendMessage", action
        return {"action": {"kind": name, **fields}}
