"""The gate: checks the typed fields of a report against the conversation and the workspace, never its free text."""

from __future__ import annotations

from collections.abc import Sequence

from bot.agents.log_tools import PACKED, check_claims
from bot.errors import NoSuchFile, UnsafeFileName
from bot.logs.evidence import miscitation
from bot.ports import Sandbox
from bot.thread.conversation import Conversation
from bot.thread.entries import Citation, Evidence, Report, Step
from bot.thread.files import FileName, file_name, lines, workspace_name
from bot.thread.outcomes import Outcome


async def objections(conversation: Conversation, report: Report, sandbox: Sandbox) -> list[str]:
    """Return what does not hold about a report, in words the specialist can act on; empty when it is certain."""
    there = {f.name for f in await sandbox.list()}
    named = [*report.files, *(e.file for e in report.evidence if e.file), *(c.file for c in report.citations)]
    gone = dict.fromkeys(_missing(named, there))  # each is said once, wherever it is named
    wrong = [f"You name the file {name!r}, which is not in the workspace." for name in gone]
    cited = [c for c in report.citations if c.file not in gone]
    if report.status == "complete":
        wrong += _without_evidence(conversation, report)
        for evidence in report.evidence:
            wrong += _doubts(conversation, evidence)
        places = [(e.file, e.line) for e in report.evidence if e.file and e.line and not e.run]
        cited += [Citation(file=file, line=line, text="") for file, line in places if not _missing([file], there)]
        wrong += _unexplained_failure(conversation, report)
    packed = [c for c in cited if "!" in c.file or c.file.lower().endswith(PACKED)]
    wrong += await _miscited([c for c in cited if c not in packed], sandbox)
    wrong += await check_claims(sandbox, packed, report.counts)
    return list(dict.fromkeys(wrong))


def _without_evidence(conversation: Conversation, report: Report) -> list[str]:
    brief = conversation.brief(report.agent)
    conditions = brief.done_when if brief else ()
    if len(report.evidence) >= len(conditions):
        return []  # as many as conditions: matching their words would block a true report that paraphrases one
    claimed = {_key(e.condition) for e in report.evidence}
    unshown = [c for c in conditions if _key(c) not in claimed]
    return [f"There is no evidence for the condition: {c}" for c in unshown[: len(conditions) - len(report.evidence)]]


def _doubts(conversation: Conversation, evidence: Evidence) -> list[str]:
    """Object to a run that never was, ended otherwise than claimed, or was followed by a change of its script.

    A script that rewrites itself is no such change: running it again would only rewrite it again.
    """
    if not evidence.run:
        return [] if evidence.file else [f"The evidence for {evidence.condition!r} names neither a run nor a file."]
    name = workspace_name(evidence.run)
    steps = [e for e in conversation.entries if isinstance(e, Step)]
    runs = [(number, e.execution) for number, e in enumerate(steps) if e.ran == name and e.execution]
    if not runs:
        return [f"There was no run of {evidence.run!r}."]
    number, execution = runs[-1]
    if execution.outcome != evidence.outcome:
        return [f"The last run of {name} {execution.outcome}; your evidence says it {evidence.outcome}."]
    if any(name in later.changed_files for later in steps[number + 1 :]):
        return [f"{name} was changed after its last run. Run it again."]
    return []


def _unexplained_failure(conversation: Conversation, report: Report) -> list[str]:
    """Object to a complete report if the turn's last run failed and no evidence names a run."""
    last = conversation.runs[-1] if conversation.runs else None
    if last is None or last.execution is None or last.execution.outcome is Outcome.SUCCEEDED:
        return []
    if any(e.run for e in report.evidence):
        return []
    return [f"The last run ({last.ran}) {last.execution.outcome}, and your evidence accounts for no run."]


async def _miscited(citations: Sequence[Citation], sandbox: Sandbox) -> list[str]:
    wrong = []
    for citation in citations:
        try:
            real = await _line(sandbox, citation.file, citation.line)
        except (NoSuchFile, UnsafeFileName):
            wrong.append(f"You cite {citation.file!r}, which is not in the workspace.")
            continue
        if fault := miscitation(citation.file, citation.line, citation.text, real):
            wrong.append(fault)
    return wrong


async def _line(sandbox: Sandbox, name: str, number: int) -> str | None:
    """Return a line of a workspace file, counted from 1; None when the file is shorter."""
    at = 0
    async for line in lines(sandbox.open(file_name(workspace_name(name)))):
        at += 1
        if at == number:
            return line
    return None


def _missing(names: Sequence[str], there: set[FileName]) -> list[str]:
    return [name for name in names if workspace_name(name).partition("!")[0] not in there]


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
