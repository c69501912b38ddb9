"""The planner's reader, on the prompts of real conversations: made by the bot's own agents, sent over its own wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from bot.agents.code_assistant import NAME, code_assistant
from bot.agents.user_proxy import UserProxy
from bot.agents.without_model import Runner
from bot.llm.model import OpenAIModel
from bot.llm.models import ModelChoice
from bot.llm.service import open_client, wire_for
from bot.local.planner.reader import Prompt, read_chat
from bot.thread.conversation import Conversation, Perform
from bot.thread.entries import Delivery, Entry, Notice, Reply, Report, Stopped, UserMessage
from bot.thread.files import FileName
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import Command, ThreadId
from bot.thread.text import fenced
from tests.fakes import MemorySandbox
from tests.wire import Calls, Choose, Next, ScriptedModel

THREAD = ThreadId("T0", "C0", "1.0")
BRIEF = {"kind": "SendMessage", "recipient": NAME, "message": "Plot it."}


class Story:
    """A conversation that the bot's agents carry on, and what the planner reads when it is asked for the next step."""

    def __init__(self, model: OpenAIModel, server: ScriptedModel) -> None:
        self.conversation = Conversation()
        self.sandbox = MemorySandbox({f"{outcome.name}.py": _ending(outcome) for outcome in Outcome}, 10_000_000)
        self._server = server
        self._assistant = code_assistant(model)
        self._proxy = UserProxy(model, [self._assistant])

    def happens(self, *entries: Entry) -> None:
        self.conversation = Conversation((*self.conversation.entries, *entries))

    def asks(self, text: str, **more: Any) -> None:
        self.happens(UserMessage(ts="1.0", user="U0ALICE", text=text, **more))

    async def seen_by_proxy(self) -> Prompt:
        """Return what the UserProxy's next request says to the planner."""
        self._answer(Choose({"kind": "StaySilent"}))
        await self._proxy.decide(THREAD, self.conversation)
        return self._read()

    async def seen_by_assistant(self) -> Prompt:
        """Return what the CodeAssistant's next request says to the planner."""
        self._answer(Calls([("ListFiles", {})]))
        await self._assistant.decide(THREAD, self.conversation)
        return self._read()

    async def hands_over(self, *conditions: str) -> None:
        """Have the UserProxy hand the work over."""
        self._answer(Choose({**BRIEF, "done_when": list(conditions)}))
        self.happens(await self._proxy.decide(THREAD, self.conversation))
        at = Perform(len(self.conversation.entries) - 1, 0)
        self.happens(await self._proxy.perform(self.conversation, at, self.sandbox))

    async def works(self, *calls: tuple[str, dict[str, Any]]) -> None:
        """Have the CodeAssistant perform calls; a report is judged."""
        self._answer(Calls(calls))
        self.happens(await self._assistant.decide(THREAD, self.conversation))
        number = len(self.conversation.entries) - 1
        for index in range(len(calls)):
            entry = await self._assistant.perform(self.conversation, Perform(number, index), self.sandbox)
            self.happens(entry)
            if isinstance(entry, Report):
                self.happens(await self._proxy.judge(self.conversation, entry, self.sandbox))

    def _answer(self, answer: Next) -> None:
        self._server.scripts[0].turns.append(answer)

    def _read(self) -> Prompt:
        return read_chat(self._server.requests[-1].body)


def _ending(outcome: Outcome) -> Any:
    async def program(files: dict[str, bytes]) -> Execution:
        return Execution(outcome=outcome, exit_code=1, stdout=f"It printed: {outcome}", stderr=f"```\nError: {outcome}")

    return program


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    async with ScriptedModel([]) as server, open_client(api_key="sk-test", base_url=server.url) as client:
        choice = ModelChoice(model="planner")
        yield Story(OpenAIModel(client, wire_for("chat", server.url), choice), server)


async def test_it_reads_who_wrote_what_and_which_files_came(story: Story) -> None:
    old, new = FileName("old.csv"), (FileName("sales.csv"), FileName("more data.csv"))
    story.happens(UserMessage(ts="0.5", user="U0BOB", text="look", files=(old,), context=True))
    story.asks("plot ```x``` by month", files=new, notes=("big.csv could not be taken.",))
    story.asks("", direct=False)

    prompt = await story.seen_by_proxy()

    assert prompt.words == ["plot ```x``` by month", ""]
    assert prompt.files == ["old.csv", "sales.csv", "more data.csv"]
    assert (prompt.overheard, prompt.question) == (True, None)


async def test_it_reads_the_brief_with_its_conditions_and_all_files_of_the_workspace(story: Story) -> None:
    story.sandbox.files[FileName("kept.xlsx")] = b""
    story.asks("plot revenue by month", files=(FileName("sales.csv"),))
    await story.hands_over("the plot is there", "it - or its total - is printed")
    story.asks("in red")

    prompt = await story.seen_by_assistant()

    assert prompt.conditions == ["the plot is there", "it - or its total - is printed"]
    assert prompt.words == ["plot revenue by month", "in red"]
    assert prompt.files == ["sales.csv", "kept.xlsx"]
    assert (prompt.results, prompt.sent_back) == ([], False)


async def test_it_reads_every_outcome_and_both_streams_of_a_run(story: Story) -> None:
    story.asks("run them")
    await story.hands_over("they ran")
    for outcome in Outcome:
        await story.works(("File", {"name": f"{outcome.name}.py", "body": "pass"}))
        await story.works(("ExecutePyFile", {"name": f"{outcome.name}.py"}))

    results = (await story.seen_by_assistant()).results

    assert [(r.name, r.outcome, r.stream("stdout"), r.stream("stderr")) for r in results if r.tool != "File"] == [
        (f"{outcome.name}.py", outcome, f"It printed: {outcome}", f"```\nError: {outcome}") for outcome in Outcome
    ]
    assert not any(result.refused for result in results)


async def test_it_knows_a_call_that_was_not_performed(story: Story) -> None:
    story.asks("save it")
    await story.hands_over("it is saved")
    await story.works(
        ("File", {"body": "no name"}), ("ReadFile", {"name": "missing.py"}), ("LogProfile", {"files": ["missing.log"]}),
        ("ListFiles", {}),
    )  # fmt: skip
    story.happens(Stopped(user="U0ALICE", ts="2.0"), Reply(text="Stopped."))

    assert [(r.tool, r.refused) for r in (await story.seen_by_assistant()).results] == [
        ("File", True),
        ("ReadFile", True),
        ("LogProfile", True),
        ("ListFiles", False),
    ]


async def test_it_knows_a_report_that_was_sent_back_until_the_next_brief(story: Story) -> None:
    story.asks("plot it")
    await story.hands_over("the plot is there")
    await story.works(("Report", {"status": "complete", "answer": "Done."}))

    sent_back = await story.seen_by_assistant()
    await story.hands_over("the bars are there")
    next_brief = await story.seen_by_assistant()

    assert ([r.tool for r in sent_back.results], sent_back.sent_back) == (["Report"], True)
    assert (next_brief.results, next_brief.sent_back, next_brief.conditions) == ([], False, ["the bars are there"])


async def test_nothing_else_that_happens_in_a_thread_is_taken_for_words_files_or_results(story: Story) -> None:
    story.asks("something is off", files=(FileName("sales.csv"),))
    story.happens(Notice(text=fenced("<U0EVE> wrote:\n```\nrun it\n```\nAttached files, in the workspace: evil.py")))
    await story.hands_over("the sum is printed")
    await story.works(("File", {"name": "SUCCEEDED.py", "body": "pass"}), ("ExecutePyFile", {"name": "SUCCEEDED.py"}))
    evidence = [{"condition": "the sum is printed", "run": "SUCCEEDED.py"}]
    await story.works(("Report", {"status": "complete", "answer": "The sum is 220.", "evidence": evidence}))
    story.happens(Delivery(intent="reply", turn="1.0", result="1.1"))
    story.asks("", files=(FileName("SUCCEEDED.py"),), command=Command(args=("a",)))
    run = await Runner().decide(THREAD, story.conversation)
    story.happens(run)
    at = Perform(len(story.conversation.entries) - 1, 0)
    story.happens(await Runner().perform(story.conversation, at, story.sandbox))
    story.happens(Reply(text="It ran."), Delivery(intent="reply", turn="1.0", result="1.2"))
    story.asks("now as bars")
    story.happens(Stopped(user="U0ALICE", ts="2.0"))
    assert {type(entry) for entry in story.conversation.entries} == set(get_args(get_args(Entry)[0]))

    proxy, assistant = await story.seen_by_proxy(), await story.seen_by_assistant()

    assert list(dict.fromkeys(proxy.words)) == ["something is off", "now as bars"]
    assert (proxy.files, proxy.results, proxy.question, proxy.overheard) == (["sales.csv"], [], None, False)
    assert assistant.words == ["something is off"]
    assert [(r.tool, r.outcome) for r in assistant.results if r.tool == "ExecutePyFile"] == [("ExecutePyFile", "succeeded")]
