"""The UserProxy carries its choice out, and lets no report through that does not hold."""

import pytest
from pydantic import BaseModel

from bot.agents.code_assistant import NAME, code_assistant
from bot.agents.user_proxy import MAX_ROUNDS, UserProxy
from bot.thread.conversation import USER_PROXY, Conversation, Perform
from bot.thread.entries import Decision, Entry, Message, Reply, Report, UserMessage
from bot.thread.files import FileName
from tests.agents.test_tools import workspace
from tests.fakes import ScriptedModel
from tests.world import THREAD, brief, respond, silent

ASKED = UserMessage(ts="1.0", user="U1", text="plot it")


def proxy(*script: BaseModel) -> UserProxy:
    model = ScriptedModel(*script)
    return UserProxy(model, [code_assistant(model)])


def report(status: str = "complete", *files: str) -> Report:
    names = tuple(FileName(name) for name in files)
    return Report(decision=0, index=0, agent=NAME, status=status, answer="Which one?", files=names)  # type: ignore[arg-type]


async def test_its_choice_is_one_call_that_is_carried_out() -> None:
    done: list[Entry] = []
    for choice in (respond("hello"), brief("plot it", "the plot is there")):
        decision = await proxy(choice).decide(THREAD, Conversation((ASKED,)))
        conversation = Conversation((ASKED, decision))
        done.append(await proxy().perform(conversation, Perform(1, 0), workspace({"a.csv": ""})))

    said, handed = done
    assert said == Reply(text="hello")
    assert isinstance(handed, Message)
    assert (handed.sender, handed.recipient, handed.done_when) == (USER_PROXY, NAME, ("the plot is there",))
    assert handed.text.startswith("Brief from the UserProxy:\nplot it\n\nDone when:\n- the plot is there\n\n")
    assert handed.text.endswith("Files in the workspace now: a.csv")


async def test_silence_settles_the_turn() -> None:
    decision = await proxy(silent()).decide(THREAD, Conversation((ASKED,)))

    assert isinstance(decision, Decision)
    assert Conversation((ASKED, decision)).next is None


@pytest.mark.parametrize("rounds", range(MAX_ROUNDS + 1))
async def test_a_report_that_does_not_hold_goes_back_twice_and_then_the_user_gets_an_account(rounds: int) -> None:
    refused = [Message(sender=USER_PROXY, recipient=NAME, text="no", round=n + 1) for n in range(rounds)]

    judged = await proxy().judge(Conversation((ASKED, *refused)), report("complete", "plot.png"), workspace())

    objection = "You name the file 'plot.png', which is not in the workspace."
    if rounds < MAX_ROUNDS:
        text = f"Your report does not hold yet:\n- {objection}\nMend this and report again."
        assert judged == Message(sender=USER_PROXY, recipient=NAME, text=text, round=rounds + 1)
    else:
        assert isinstance(judged, Reply)
        assert judged.text.startswith(f"I could not make sure of the result.\n\nWhat does not hold:\n- {objection}\n")


async def test_a_report_that_holds_is_the_answer_and_a_question_is_not_judged() -> None:
    judge = proxy().judge
    asked = Conversation((ASKED,))

    assert await judge(asked, report(), workspace()) == Reply(text="Which one?")
    assert await judge(asked, report("needs_input", "gone.png"), workspace()) == Message(
        sender=NAME, recipient=USER_PROXY, text="Which one?"
    )
