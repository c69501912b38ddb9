"""What comes next follows from the entries alone."""

from __future__ import annotations

from bot.thread.conversation import PROFILER, RUNNER, USER_PROXY, Conversation, Decide, Deliver, Judge, Perform, Show
from bot.thread.entries import Call, Decision, Delivery, Entry, Message, Notice, Reply, Report, Step, Stopped, Usage, UserMessage
from bot.thread.files import FileName
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import Command

ASKED = UserMessage(ts="1.0", user="U1", text="plot", key="msg:1")
CALL = Call(id="1", name="ListFiles", arguments="{}")
BRIEF = Message(sender=USER_PROXY, recipient="code_assistant", text="plot", done_when=("it is there",))
WORK = Decision(agent="code_assistant", calls=(CALL, CALL))
REPLY = Reply(text="Done.")
POSTED = Delivery(intent="reply", turn="1.0", result="delivered")
LOG = UserMessage(ts="1.0", user="U1", text="why?", files=(FileName("app.log"), FileName("a.csv"), FileName("app.log")))
READ = Decision(agent=PROFILER, calls=(CALL,))
NOTICE = Notice(text="profile")
SHOWN = Delivery(intent="notice", turn="1.0", result="shown")
SILENT = Decision(agent=USER_PROXY, calls=(Call(id="", name="StaySilent", arguments="{}"),))


def step(decision: int, index: int) -> Step:
    return Step(decision=decision, index=index, result="ok")


def report(decision: int) -> Report:
    return Report(decision=decision, index=0, agent="code_assistant", status="complete", answer="Done.")


def follows(*entries: Entry) -> object:
    return Conversation(entries).next


def test_each_call_is_performed_in_order_and_then_the_agent_decides_again() -> None:
    assert follows(ASKED) == Decide(USER_PROXY)
    assert follows(ASKED, BRIEF) == Decide("code_assistant")
    assert follows(ASKED, BRIEF, WORK) == Perform(2, 0)
    assert follows(ASKED, BRIEF, WORK, step(2, 0)) == Perform(2, 1)
    assert follows(ASKED, BRIEF, WORK, step(2, 0), step(2, 1)) == Decide("code_assistant")


def test_a_message_during_the_work_does_not_stand_in_its_way() -> None:
    late = UserMessage(ts="2.0", user="U1", text="in red")

    assert follows(ASKED, BRIEF, WORK, step(2, 0), late) == Perform(2, 1)
    assert follows(ASKED, late) == Decide(USER_PROXY)


def test_a_report_is_judged_a_reply_delivered_and_then_the_turn_is_settled() -> None:
    assert follows(ASKED, BRIEF, WORK, report(2)) == Judge(report(2))
    assert follows(ASKED, REPLY) == Deliver(REPLY)
    assert follows(ASKED, REPLY, Delivery(intent="reply", turn="1.0")) == Deliver(REPLY)
    assert follows(ASKED, REPLY, POSTED) is None
    assert follows(ASKED, SILENT) is None
    assert follows(ASKED, REPLY, POSTED, UserMessage(ts="2.0", user="U1", text="more")) == Decide(USER_PROXY)


def test_what_was_said_before_we_were_asked_asks_for_nothing_and_a_command_needs_no_model() -> None:
    assert follows(UserMessage(ts="0.5", user="U2", text="hm", context=True)) is None
    assert follows(UserMessage(ts="1.0", user="U1", text="", command=Command())) == Decide(RUNNER)


def test_logs_are_read_and_shown_before_anything_else() -> None:
    assert follows(LOG) == Decide(PROFILER)
    assert follows(LOG, READ) == Perform(1, 0)
    assert follows(LOG, READ, step(1, 0)) == Decide(PROFILER)
    assert follows(LOG, READ, step(1, 0), NOTICE) == Show(NOTICE)
    assert follows(LOG, READ, step(1, 0), NOTICE, SHOWN) == Decide(USER_PROXY)
    assert follows(LOG, READ, step(1, 0), Notice(text="")) == Decide(USER_PROXY)
    assert follows(ASKED, BRIEF, LOG) == Decide("code_assistant")
    assert Conversation((LOG,)).data == ("app.log", "a.csv")
    assert [Conversation(e).reading for e in ((LOG,), (LOG, READ, step(1, 0), NOTICE, SHOWN))] == [True, False]


def test_a_conversation_knows_the_open_turns_opening_keys_usage_runs_and_brief() -> None:
    ended = Execution(outcome=Outcome.FAILED, exit_code=1)
    ran = Step(decision=5, index=0, result="", ran=FileName("plot.py"), execution=ended)
    paid = Decision(agent="code_assistant", calls=(CALL,), usage=Usage(model="m", calls=1, input=10, output=2))
    more = UserMessage(ts="2.0", user="U1", text="more", key="msg:2")
    sent_back = Message(sender=USER_PROXY, recipient="code_assistant", text="no", round=1)
    stopped = Stopped(user="U1", ts="3.0", key="stop:3")
    conversation = Conversation((ASKED, paid, REPLY, POSTED, more, paid, ran, step(5, 0), BRIEF, sent_back, paid, stopped))

    assert conversation.start == 4
    assert conversation.opening == more
    assert conversation.keys == {"msg:1", "msg:2", "stop:3"}
    assert conversation.usage == Usage(model="m", calls=2, input=20, output=4)
    assert conversation.runs == (ran,)
    assert (conversation.decision(ran), conversation.call(Perform(1, 0))) == (paid, CALL)
    assert (conversation.brief("code_assistant"), conversation.brief("poet")) == (BRIEF, None)
