"""Turns an open request into entries: checks that the person may ask, fetches the files and the earlier messages."""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.agents.prompts import NOT_TAKEN
from bot.errors import ServiceError, UserError
from bot.ports import Chat, Sandbox, SharedScript, Store
from bot.thread.conversation import Conversation
from bot.thread.entries import Entry, Reply, UserMessage
from bot.thread.files import UNUSABLE, FileName, chunked, file_name
from bot.thread.request import Request, Upload
from bot.thread.text import PERSON, given_file, named, quoted
from bot.turns.access import Access
from bot.turns.open_turn import OpenTurn

log = logging.getLogger(__name__)
CONTEXT_MESSAGES = 50
MOMENT = 3.0  # seconds that a message waits for the names of people
CUT = "Of the {there} earlier messages of this thread, I read the last {read}."
HOW_TO = (
    "Mention me with what you need, and attach your files: I write Python, run it in this thread's own sandbox and post"
    " what comes out. For example: “plot revenue by month” with a CSV, “why did this log go wrong?” with a log, or a"
    " Python code block alone, which runs as it is. `/runpy` runs an uploaded script without a model. “stop” stops me."
)

AWAY = "I was away when you wrote this; send it again if it still matters."


class Intake:
    """Takes requests in: refuses with a reason, fetches the files, reads the earlier messages of the thread."""

    def __init__(self, chat: Chat, store: Store, access: Access, clock: Callable[[], float]) -> None:
        self._chat = chat
        self._store = store
        self._access = access
        self._clock = clock

    async def take(self, request: Request, beside: Iterable[str], turn: OpenTurn) -> None:
        """Append a request to the conversation with its files and close the requests `beside`, or refuse it and close all."""
        if request.direct:
            await self._chat.status(request.thread, "is reading…")
        # A command was admitted before its file was looked for.
        if request.kind == "command" or await self._admit(request):
            await turn.append(*await self._read(request, turn.conversation, turn.sandbox), close=beside)
        else:
            await self._chat.status(request.thread, "")
            await turn.append(close=[request.key, *beside])

    async def may_stop(self, request: Request) -> bool:
        """Whether the person may stop a turn here: who may not ask may not; nor may who cannot be looked up now."""
        try:
            return not await self._access.refusal(request, self._chat, self._store, self._clock)
        except ServiceError as error:
            log.warning("nobody knows whether %s may stop: %s", request.user, error)
            return False

    async def refuse(self, request: Request, why: str) -> None:
        """Tell the person why nothing comes of a request."""
        await self._chat.whisper(request, why)

    async def text(self, request: Request) -> str:
        """Return a request's text with the people it mentions by name."""
        return named(request.text, await self._names(PERSON.findall(request.text)))

    async def resolve(self, command: Request) -> Request | None:
        """Return a command under the thread of the file it names; None after telling the person what is wrong."""
        if not await self._admit(command):
            return None
        try:
            match = await self._chat.find_upload(command)
        except UserError as error:
            await self._chat.whisper(command, str(error))
            return None
        if not isinstance(match, SharedScript):
            names = "\n".join(f"• `{u.name}`: `/runpy {u.id}`" for u in match[:20])
            more = f"\nand {len(match) - 20} older ones" if len(match) > 20 else ""
            await self._chat.whisper(command, f"Several files fit. Which one?\n{names}{more}")
            return None
        others = tuple(u for u in match.uploads if u.id != match.script.id)
        return replace(command, thread=match.thread, uploads=(match.script, *others))

    async def _admit(self, request: Request) -> bool:
        """Whether the person may ask; one who may not is told why if the request addressed us."""
        refusal = await self._access.refusal(request, self._chat, self._store, self._clock)
        if refusal and request.direct:
            await self._chat.whisper(request, refusal)
        return not refusal

    async def _read(self, request: Request, conversation: Conversation, sandbox: Sandbox) -> list[Entry]:
        """Return the entries that a request adds to the conversation, after putting its files into the workspace."""
        names = await self._names([request.user, *PERSON.findall(request.text)])
        entries = await self._before(request, conversation, sandbox)
        script = bool(request.command and request.command.code is None)
        files, notes = await self._land(request.uploads, sandbox, script=script)
        text = named(request.text, names)
        if request.command and request.command.code is not None:
            files = [await self._snippet(named(request.command.code, names), sandbox), *files]
        elif request.command is None and (given := given_file(text)):
            name = landed_name(given[0], ())
            await sandbox.put(name, chunked(given[1].encode(errors="replace")))
            files.append(name)
        message = UserMessage(
            ts=request.ts, user=request.user, name=names.get(request.user, ""),
            text=text, files=tuple(files), notes=tuple(notes), direct=request.direct, command=request.command, key=request.key,
        )  # fmt: skip
        empty = conversation.opening is None and not (request.text.strip() or request.uploads or request.command)
        told = AWAY if request.missed else HOW_TO if empty else ""
        return [*entries, message, *([Reply(text=told)] if told else [])]

    async def _before(self, request: Request, conversation: Conversation, sandbox: Sandbox) -> list[UserMessage]:
        """Return the thread's messages that the conversation lacks, with their files; those of other bots too."""
        thread = request.thread
        if thread.ts == request.ts or thread.channel.startswith("D"):
            return []
        taken = {u.id for u in request.uploads}
        known = {e.ts for e in conversation.entries if isinstance(e, UserMessage)}
        try:
            history = await self._chat.history(thread, request.ts, since=_read_until(conversation))
        except ServiceError as error:
            return [UserMessage(ts=request.ts, user=request.user, text="", notes=(str(error),), context=True)]
        entries = []
        if len(history) > CONTEXT_MESSAGES:
            left = [u.name for m in history[:-CONTEXT_MESSAGES] for u in m.uploads]
            note = CUT.format(read=CONTEXT_MESSAGES, there=len(history)) + (f" Not read: {quoted(left)}." if left else "")
            last = history[-CONTEXT_MESSAGES - 1]
            entries.append(UserMessage(ts=last.ts, user=last.user, text="", notes=(note,), context=True))
        names = await self._names([i for m in history[-CONTEXT_MESSAGES:] for i in (m.user, *PERSON.findall(m.text))])
        for earlier in history[-CONTEXT_MESSAGES:]:
            if earlier.ts not in known and earlier.ts != request.ts:
                files, notes = await self._land([u for u in earlier.uploads if u.id not in taken], sandbox)
                name, text = names.get(earlier.user, ""), named(earlier.text, names)
                message = UserMessage(ts=earlier.ts, user=earlier.user, name=name, text=text, context=True)
                entries.append(replace(message, files=tuple(files), notes=tuple(notes)))
        return entries

    async def _names(self, users: Iterable[str]) -> dict[str, str]:
        """Return the names of people by id; who cannot be asked about soon keeps the id, as a name only adorns."""
        names: dict[str, str] = {}

        async def name(user: str) -> None:
            try:
                names[user] = (await self._chat.person(user)).name
            except ServiceError as error:
                log.info("nobody knows the name of %s: %s", user, error)

        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                await asyncio.gather(*map(name, dict.fromkeys(users)))
        return names

    async def _land(self, uploads: Sequence[Upload], sandbox: Sandbox, *, script: bool = False) -> tuple[list[FileName], list[str]]:
        """Stream uploads into the workspace; return their names there, and a note on each one that failed.

        If the first is the `script` to run and fails, nothing else is taken.
        """
        files: list[FileName] = []
        notes: list[str] = []
        for upload in uploads:
            called = upload.name
            try:
                called = await self._chat.file_name(upload)
                name = landed_name(called, files)
                await sandbox.put(name, self._chat.download(upload))
            except (UserError, ServiceError) as error:
                again = " Attach it again." if isinstance(error, ServiceError) else ""
                notes.append(NOT_TAKEN.format(name=quoted([called]), error=f"{error}{again}"))
                if script and upload is uploads[0]:
                    break
            else:
                files.append(name)
        return files, notes

    async def _snippet(self, code: str, sandbox: Sandbox) -> FileName:
        """Write a code block into the workspace under a new name; return that name."""
        taken = {f.name for f in await sandbox.list()}
        name = next(n for i in range(1, len(taken) + 2) if (n := FileName(f"snippet{i if i > 1 else ''}.py")) not in taken)
        await sandbox.put(name, chunked(code.encode(errors="replace")))
        return name


def _read_until(conversation: Conversation) -> str:
    """Return the ts of the last message before which the thread was read; "" where it was not, or could not be."""
    said = [e for e in conversation.entries if isinstance(e, UserMessage)]
    failed = {e.ts for e in said if e.context and e.notes and not e.text}
    read = [e.ts for e in said if not e.context and e.key.startswith("msg:") and e.ts not in failed]
    return max(read, key=float, default="")


def landed_name(raw: str, taken: Sequence[str]) -> FileName:
    """Return the name of an upload in the workspace: its own, made safe, and with a number if it is already `taken`."""
    base = unicodedata.normalize("NFC", raw.replace("\\", "/").rsplit("/", 1)[-1])
    base = UNUSABLE.sub("_", base)
    base = base if base.strip(" .") else "file"
    stem, dot, ending = base.rpartition(".") if "." in base else (base, "", "")
    while len(f"{stem}{dot}{ending}".encode()) > 200:
        stem, ending = (stem[:-1], ending) if len(stem) > 1 else (stem, ending[:-1])
    name, number = f"{stem}{dot}{ending}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}{dot}{ending}"
    return file_name(name)
