"""A specialist performs the calls of its own tools, and a report ends its work."""

import json

from bot.agents.code_assistant import TOOLS, code_assistant
from bot.agents.specialist import ReportCall, Specialist, Tool, Work
from bot.agents.user_proxy import UserProxy, choice_among
from bot.thread.conversation import Conversation, Perform
from bot.thread.entries import Call, Count, Decision, Entry, Evidence, Message, Report, Step, UserMessage
from bot.thread.files import FileName
from tests.agents.test_tools import workspace
from tests.fakes import ScriptedModel
from tests.world import THREAD, respond


class Words(Tool):
    """Count the words of the user."""

    async def perform(self, work: Work) -> Step:
        [text] = [e.text for e in work.conversation.turn if isinstance(e, UserMessage)]
        return work.step(result=str(len(text.split())))


def counter(model: ScriptedModel) -> Specialist:
    return Specialist(name="counter", purpose="counts.", prompt="You count.", tools=(Words, ReportCall), model=model)


async def reports(*beside: str, **claims: object) -> Entry:
    """Perform the last of the calls, a Report."""
    arguments = json.dumps({"status": "complete", "answer": "Done.", **claims})
    calls = [*(Call(id="", name=name, arguments="{}") for name in beside), Call(id="", name="Report", arguments=arguments)]
    conversation = Conversation((Decision(agent="code_assistant", calls=tuple(calls)),))
    return await code_assistant(ScriptedModel()).perform(conversation, Perform(0, len(beside)), workspace())


async def test_a_report_keeps_what_is_claimed_and_passes_over_what_nobody_asked_for() -> None:
    claim = {"condition": "it is there", "file": "./plot.png", "confidence": 0.9}

    count = {"file": "a", "query": "b", "value": 1}

    report = await reports(evidence=[claim], files=["/mnt/data/plot.png"], counts=[count], certain=True)

    assert report == Report(
        decision=0, index=0, agent="code_assistant", status="complete", answer="Done.",
        evidence=(Evidence(condition="it is there", file="./plot.png"),), files=(FileName("plot.png"),),
        counts=(Count(file="a", query="b", value=1),),
    )  # fmt: skip


async def test_a_report_that_cannot_be_judged_is_refused_as_its_own_result() -> None:
    beside = await reports("ListFiles")
    countless = await reports(counts=[{"file": "", "query": "b", "value": 1}])

    assert [(e.result, e.refused) for e in (beside, countless) if isinstance(e, Step)] == [
        ("You called Report beside other tools, before you saw their results. Read them, then call Report alone.", True),
        ("Report was not performed. Mend its arguments: counts: each needs the file whose lines it counts", True),
    ]  # fmt: skip


async def test_a_specialist_knows_its_own_tools_and_no_other() -> None:
    asked = UserMessage(ts="1.0", user="U1", text="count my words")
    brief = Message(sender="user_proxy", recipient="counter", text="Count.")
    model = ScriptedModel([("Words", "{}"), ("File", "{}")])

    decision = await counter(model).decide(THREAD, Conversation((asked, brief)))
    conversation = Conversation((asked, brief, decision))
    first, second = [await counter(model).perform(conversation, Perform(2, n), workspace()) for n in range(2)]

    assert (model.prompts[0].agent, model.prompts[0].system, len(model.prompts[0].items)) == (
        "counter", "You count.", 1,
    )  # fmt: skip
    assert first == Step(decision=2, index=0, result="3")
    assert second == Step(decision=2, index=1, result="There is no tool 'File'. Use one of: Words, Report.", refused=True)


async def test_the_user_proxy_can_hand_work_to_each_specialist_and_to_nobody_else() -> None:
    model = ScriptedModel(respond("hi"))
    proxy = UserProxy(model, [code_assistant(model), counter(model)])

    await proxy.decide(THREAD, Conversation((UserMessage(ts="1.0", user="U1", text="hi"),)))

    assert "\n- counter: counts.\n" in model.prompts[0].system
    schema = json.dumps(proxy.choice.model_json_schema())
    assert '"enum": ["code_assistant", "counter"]' in schema
    assert schema == json.dumps(choice_among(("code_assistant", "counter")).model_json_schema())


def test_every_tool_says_what_it_does_and_reports_end_the_list() -> None:
    assert [tool.__name__ for tool in TOOLS if not tool.__doc__] == []
    assert TOOLS[-1] is ReportCall
