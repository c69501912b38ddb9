"""Makes replies from the entries: the answer of a report that is certain, or an account of what was done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.agents.prompts import listed
from bot.logs.secrets import without_secrets
from bot.ports import Sandbox
from bot.thread.conversation import Conversation
from bot.thread.entries import Decision, Reply, Report, Step, UserMessage
from bot.thread.files import OUTPUT, FileName, is_hidden
from bot.thread.outcomes import Execution, Outcome
from bot.thread.text import bounded, counted, fenced, quoted

NOT_CHECKED = "_Not checked: the model ended without a report, so this was not compared with what ran._"
MAX_NOTES = 10
MAX_EVIDENCE = 10
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf")


async def answer(conversation: Conversation, report: Report, sandbox: Sandbox) -> Reply:
    """Return the report's answer with its evidence and the turn's files, and all runs if any of them failed."""
    there = {f.name: f.size for f in await sandbox.list()}
    files = [name for name in made_files(conversation, report.files) if name in there]
    text = re.sub(r"!?\[([^]\n]*)\]\(sandbox:[^)\s]*\)", r"\1", report.answer)  # such a link leads nowhere
    runs = conversation.runs
    if any(run.execution and run.execution.outcome is not Outcome.SUCCEEDED for run in runs):
        text += "\n\n" * bool(attempts := _attempts(runs, text))
        text += "\n".join(f"{n}. {attempt}" for n, attempt in enumerate(attempts, 1))
    if report.citations or report.counts:
        text += "\n\n" + _evidence(report)
    return Reply(text=text, output=_printed(conversation), files=tuple(files))


async def unchecked(conversation: Conversation, prose: str, sandbox: Sandbox) -> Reply:
    """Return what a specialist said in place of a report, marked as not checked, with the turn's files and failed runs."""
    said = Report(decision=0, index=0, agent="", status="complete", answer=f"{prose}\n\n{NOT_CHECKED}")
    return await answer(conversation, said, sandbox)


def _evidence(report: Report) -> str:
    """Return the lines and numbers that the gate has read and counted again."""
    lines = [f"{c.file}:{c.line}: {without_secrets(c.text)}" for c in report.citations[:MAX_EVIDENCE]]
    for count in report.counts[:MAX_EVIDENCE]:
        within = f" within {count.window}" if count.window else ""
        lines.append(f"{count.value:,} lines of {count.file}{within} hold {count.query}")
    if left := len(report.citations[MAX_EVIDENCE:]) + len(report.counts[MAX_EVIDENCE:]):
        lines.append(f"and {counted(left, 'more line')} that were read or counted again as well")
    checked = "Read and counted again before this was posted; that one led to the other was not checked."
    return f"{fenced(chr(10).join(lines))}\n{checked}"


def account(conversation: Conversation, why: str, missing: Sequence[str] = ()) -> Reply:
    """Return a reply that says `why`, and lists the turn's runs, what is missing, and its files; it claims nothing unchecked."""
    lines = [why]
    if attempts := _attempts(conversation.runs, why):
        more = [f"{counted(len(attempts) - 8, 'earlier run')}"] if len(attempts) > 8 else []
        lines.append("What was done:\n" + listed([*more, *attempts[-8:]]))
    if said := _last_said(conversation):
        lines.append(f"What was said last, and is not checked:\n{fenced(bounded(said, 1_000))}")
    if missing:
        more = [f"and {len(missing) - 8} more"] if len(missing) > 8 else []
        lines.append("What does not hold:\n" + listed([*missing[:8], *more]))
    if files := made_files(conversation):
        lines.append(f"Files in the workspace from this attempt: {quoted(files)}.")
    lines.append("Tell me how to go on, or ask again with more detail.")
    return Reply(text="\n\n".join(lines), output=_printed(conversation))


def _last_said(conversation: Conversation) -> str:
    """Return what a specialist last asked, or said in place of a call, in the open turn; no report that does not hold."""
    said = (e.answer if isinstance(e, Report) else e.text for e in reversed(conversation.turn)
            if (isinstance(e, Report) and e.status == "needs_input") or (isinstance(e, Decision) and not e.calls))  # fmt: skip
    return next((text.strip() for text in said if text.strip()), "")


def with_notes(reply: Reply, conversation: Conversation) -> Reply:
    """Return the reply after what the open turn could not take, read or keep, which the user must know before the answer."""
    notes = [note for e in conversation.turn if isinstance(e, UserMessage) for note in e.notes]
    runs = [(run.ran, run.execution.left_out) for run in conversation.runs if run.execution and run.execution.left_out]
    notes += [f"Not kept of what `{ran}` left: {quoted(left_out)}." for ran, left_out in runs]
    more = [f"and {counted(len(notes) - MAX_NOTES, 'more note')}"] if len(notes) > MAX_NOTES else []
    return replace(reply, text="\n\n".join(filter(None, ["\n".join([*notes[:MAX_NOTES], *more]), reply.text])))


def _printed(conversation: Conversation) -> str:
    """Return what the last run printed if a limit or Stop ended it: whatever else is said, that is in the answer."""
    last = conversation.runs[-1].execution if conversation.runs else None
    if last is None or last.outcome in {Outcome.SUCCEEDED, Outcome.FAILED}:
        return ""
    return "\n".join(s.rstrip("\n") for s in (last.stdout, last.stderr) if s.strip())


def made_files(conversation: Conversation, named: Iterable[FileName] = ()) -> list[FileName]:
    """Return the turn's files, the most useful first: those named, images, other results, scripts."""
    steps = [e for e in conversation.turn if isinstance(e, Step) and not conversation.noticed(e)]
    changed = [name for step in steps for name in sorted(step.changed_files)]
    scripts = {step.ran for step in steps if step.ran}

    def rank(name: FileName) -> int:
        return 2 if name in scripts or name.endswith(".py") else 0 if name.lower().endswith(IMAGES) else 1

    results = [name for name in changed if not name.startswith(OUTPUT) and not is_hidden(name)]
    return list(dict.fromkeys([*named, *sorted(results, key=rank)]))


def footer(conversation: Conversation, seconds: float | None) -> str:
    """Return the open turn's models, calls, tokens (cached apart) and time, over all agents."""
    spent = [e.usage for e in conversation.turn if isinstance(e, Decision) and e.usage.calls]
    parts = []
    if spent:
        models = " + ".join(dict.fromkeys(u.model for u in reversed(spent) if u.model))
        total = conversation.usage
        cached = f" ({total.cached:,} cached)" if total.cached else ""
        parts += [models, counted(total.calls, "call"), f"{total.tokens:,} tokens{cached}"]
    else:
        parts.append("no model")
    if runs := conversation.runs:
        parts.append(counted(len(runs), "run"))
    if seconds is not None:
        parts.append(f"{seconds:.1f} s")
    return " · ".join(p for p in parts if p)


def ended(name: str | None, execution: Execution) -> str:
    """Return one line on how a run ended, in the user's words."""
    return _line(name, execution, execution.message)


def _line(name: str | None, execution: Execution, why: str) -> str:
    if why.startswith("It "):  # what ended it says how it ended
        return f"`{name}` {why.removeprefix('It ')}"
    code = f" (exit code {execution.exit_code})" if execution.outcome is Outcome.FAILED else ""
    return f"`{name}` {execution.outcome}{code} after {execution.duration:.2f} s. {why}".strip()


def _attempts(runs: Sequence[Step], said: str) -> list[str]:
    """Return a line for each run, in which nothing stands that an earlier one or the text `said` says; none for one such run."""
    lines: list[str] = []
    known = False
    for step in runs:
        assert step.execution is not None
        execution = step.execution
        last = execution.stderr.strip().splitlines()[-1:] if execution.outcome is Outcome.FAILED else []
        error = "".join(last)
        why = execution.message or "".join(f"`{bounded(line, 60).replace('`', '´')}`" for line in last)
        message = execution.message.removeprefix("It ").removeprefix("was ")
        facts = [message[:100]] if message else [why[:100], error[:100], error.partition(": ")[2][:100]]
        before = "\n".join([said, *lines]).casefold()
        known = any(len(fact) > 7 and fact.casefold() in before for fact in facts)
        lines.append(_line(step.ran, execution, "" if known else why))
    return [] if known and len(lines) == 1 else lines
