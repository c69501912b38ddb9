"""What was said and done in a thread, in order, and what comes next.

A `Conversation` is the only state of a turn. Its entries are appended and never changed, so a new process can go on
after any entry at which an earlier one died.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.logs import is_log
from bot.tables import is_table, may_hold_table
from bot.thread.entries import Call, Decision, Delivery, Entry, Message, Notice, Reply, Report, Step, Stopped, Usage, UserMessage
from bot.thread.files import FileName


@dataclass(frozen=True, slots=True)
class Perform:
    """The next thing is one call: `decision` is the number of its entry, `index` the call's place in it."""

    decision: int
    index: int


@dataclass(frozen=True, slots=True)
class Decide:
    """The next thing is a decision of this agent."""

    agent: str


@dataclass(frozen=True, slots=True)
class Judge:
    """The next thing is the gate's judgement of this report."""

    report: Report


@dataclass(frozen=True, slots=True)
class Deliver:
    """The next thing is to deliver this reply."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Show:
    """The next thing is to show this notice."""

    notice: Notice


USER_PROXY = "user_proxy"
PROFILER = "profiler"  # the agent that reads uploaded logs, without a model
RUNNER = "runner"  # the agent that performs commands, without a model


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything said and done in a thread, in order."""

    entries: tuple[Entry, ...] = ()

    @property
    def start(self) -> int:
        """The number of the open turn's first entry, which follows the last entry that settled a turn."""
        for number in range(len(self.entries) - 1, -1, -1):
            if self._settles(number):
                return number + 1
        return 0

    @property
    def turn(self) -> tuple[Entry, ...]:
        """The entries of the open turn, empty when the conversation is settled."""
        return self.entries[self.start :]

    @property
    def opening(self) -> UserMessage | None:
        """The message that opened the turn; its ts names the turn."""
        return next((e for e in self.turn if isinstance(e, UserMessage) and not e.context), None)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the requests that became entries."""
        return frozenset(e.key for e in self.entries if isinstance(e, UserMessage | Stopped) and e.key)

    @property
    def next(self) -> Perform | Decide | Judge | Deliver | Show | None:
        """What comes next; it follows from the entries alone. None when the conversation is settled."""
        if self.opening is None:
            return None
        if first := self._notice():
            return first
        for number in range(len(self.entries) - 1, self.start - 1, -1):
            match entry := self.entries[number]:
                case Decision(agent=agent) if agent == PROFILER:
                    continue
                case Reply():
                    return Deliver(entry)
                case Report():
                    return Judge(entry)
                case Message():
                    return Decide(entry.recipient)
                case Decision():
                    return self._after(number, entry)
                case UserMessage(context=False) if not self._working(number):
                    return Decide(RUNNER if entry.command else USER_PROXY)
        return None

    @property
    def usage(self) -> Usage:
        """What the open turn has cost so far, over all agents and models."""
        return sum((e.usage for e in self.turn if isinstance(e, Decision)), Usage())

    @property
    def runs(self) -> tuple[Step, ...]:
        """The runs of the open turn, in order."""
        return tuple(e for e in self.turn if isinstance(e, Step) and e.execution and e.ran)

    def brief(self, agent: str) -> Message | None:
        """Return the open turn's brief for a specialist: its last message with conditions, or its last one if none has any."""
        messages = [e for e in self.turn if isinstance(e, Message) and e.recipient == agent]
        return next((m for m in reversed(messages) if m.done_when), messages[-1] if messages else None)

    @property
    def data(self) -> tuple[FileName, ...]:
        """The logs and tables that came with the open turn's messages, by their names, and what may be one by its name."""
        messages = [e for e in self.turn if isinstance(e, UserMessage)]
        if any(e.command for e in messages):
            return ()  # a run without a model waits for nothing
        files = [f for e in messages for f in e.files]
        return tuple(dict.fromkeys(f for f in files if is_log(f) or is_table(f) or may_hold_table(f)))

    @property
    def has_log(self) -> bool:
        """Whether a file that came or was made may be a log."""
        came = [f for e in self.entries if isinstance(e, UserMessage) for f in e.files]
        names = came + [f for e in self.entries if isinstance(e, Step) for f in e.changed_files]
        return any(is_log(f) or (may_hold_table(f) and not is_table(f)) for f in names)

    @property
    def reading(self) -> bool:
        """Whether the files of the turn are being profiled, which comes before everything else."""
        return self._notice() is not None

    def decision(self, at: Perform | Step) -> Decision:
        """Return the decision that holds the call at `at`."""
        decision = self.entries[at.decision]
        assert isinstance(decision, Decision)
        return decision

    def call(self, at: Perform | Step) -> Call:
        """Return the call at `at`: the one to perform, or the one whose result is this step."""
        return self.decision(at).calls[at.index]

    def noticed(self, step: Step) -> bool:
        """Whether the Profiler made this step; its files are posted with the notice, not with the reply."""
        return self.decision(step).agent == PROFILER

    def results(self, number: int) -> dict[int, Step | Report]:
        """Return the results so far of the decision at entry `number`, by the call's place in it."""
        return {e.index: e for e in self.entries[number + 1 :] if isinstance(e, Step | Report) and e.decision == number}

    def _notice(self) -> Perform | Decide | Show | None:
        """Return the next thing to do for the notice on the turn's data, or None if nothing is left to do for it."""
        for number in range(len(self.entries) - 1, self.start - 1, -1):
            match entry := self.entries[number]:
                case Reply() | Delivery(intent="notice", result=str()) | Notice(text=""):
                    return None
                case Notice():
                    return Show(entry)
                case Decision(agent=agent) if agent == PROFILER:
                    return self._after(number, entry)
        return Decide(PROFILER) if self.data and not self._working(len(self.entries)) else None

    def _after(self, number: int, decision: Decision) -> Perform | Decide:
        """Return the decision's first call without a result, else the next decision of its agent."""
        done = self.results(number)
        for index in range(len(decision.calls)):
            if index not in done:
                return Perform(number, index)
        return Decide(decision.agent)

    def _working(self, number: int) -> bool:
        """Whether an agent was already at work before entry `number`; it reads a message there in its next decision."""
        return any(
            isinstance(e, Message) or (isinstance(e, Decision) and e.agent != PROFILER) for e in self.entries[self.start : number]
        )

    def _settles(self, number: int) -> bool:
        """Whether the entry ends a turn: the reply was delivered, or the UserProxy stays silent."""
        match self.entries[number]:
            case Delivery(intent="reply", result=str()):
                return True
            case Decision(agent="user_proxy", calls=calls):
                return len(calls) == 1 and calls[0].name == "StaySilent"
        return False
