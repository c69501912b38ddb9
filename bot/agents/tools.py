"""The tools for files and runs; their docstrings and fields are what the model reads."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Annotated

from pydantic import AliasChoices, Field

from bot.agents import prompts
from bot.agents.specialist import Name, Tool, Work
from bot.errors import TooLarge, UserError
from bot.logs.secrets import without_secrets
from bot.ports import Sandbox
from bot.thread.entries import Step, UserMessage
from bot.thread.files import OUTPUT, FileName, chunked, lines
from bot.thread.text import bounded, code_blocks, fenced

OUTPUT_TOKENS = 2_000
KEPT_TOKENS = 5_333  # of each stream in the conversation, about 16 KB of UTF-8; a longer one is kept whole in a file

Path = Annotated[Name, Field(validation_alias=AliasChoices("name", "file_name", "path"))]  # models call it each of these


class File(Tool):
    """Create or overwrite a text file in the thread's workspace.

    Give the whole content as `body`, or, to keep a code block that the user wrote byte for byte, its number as `block`.
    """

    name: Path
    body: str = Field(default="", validation_alias=AliasChoices("body", "content", "code"))
    block: int | None = Field(default=None, description="Number of the user's code block to take instead of a body.")

    async def perform(self, work: Work) -> Step:
        """Write the file, whole or not at all."""
        messages = [e for e in work.conversation.turn if isinstance(e, UserMessage)]
        blocks = [block for message in messages for block in code_blocks(message.text)]
        fence = _FENCE.fullmatch(self.body) if self.name.endswith(".py") else None
        body = fence[1] if fence else self.body
        if self.block is not None:
            if not 1 <= self.block <= len(blocks):
                return work.step(result=prompts.BLOCKS_THERE.format(count=len(blocks)), refused=True)
            body = blocks[self.block - 1]
        else:
            # A code block that the model retyped with other spaces or quotes is written as the user wrote it.
            body = next((b for b in blocks if b.rstrip("\n") != body.rstrip("\n") and _normal(b) == _normal(body)), body)
        info = await work.sandbox.put(self.name, chunked(body.encode(errors="surrogatepass")))
        return work.step(result=prompts.WROTE_FILE.format(name=info.name, size=info.size), changed=(info.name,))


class EditFile(Tool):
    """Replace one passage of a file: `old` must occur exactly once."""

    name: Path
    old: str = Field(min_length=1)
    new: str

    async def perform(self, work: Work) -> Step:
        """Replace the passage; doing it again changes nothing."""
        text = await _whole_text(work.sandbox, self.name)
        count = text.count(self.old)
        if count == 0 and self.new and text.count(self.new) == 1:
            # An earlier process died after the write and before its step was appended.
            return work.step(result=prompts.READS_SO.format(name=self.name), changed=(self.name,))
        if count != 1:
            return work.step(result=prompts.OCCURS.format(count=count, name=self.name), refused=True)
        data = text.replace(self.old, self.new).encode(errors="surrogateescape")
        info = await work.sandbox.put(self.name, chunked(data))
        return work.step(result=prompts.CHANGED_FILE.format(name=info.name, size=info.size), changed=(info.name,))


class ReadFile(Tool):
    """Read lines of a text file, from line `start` (counted from 1). Long results are cut; read on from a later line."""

    name: Path
    start: int = Field(default=1, ge=1)
    lines: int = Field(default=200, ge=1, le=2_000)

    async def perform(self, work: Work) -> Step:
        """Return the lines, and read the file no further than them."""
        shown: list[str] = []
        number, length = 0, 0
        async for line in lines(work.sandbox.open(self.name)):
            number += 1
            if self.start <= number < self.start + self.lines and length < 4 * OUTPUT_TOKENS:
                shown.append(line[:1_000])
                length += len(shown[-1]) + 1
            if number >= self.start + self.lines:
                break
        if not shown:
            return work.step(result=prompts.LINES_THERE.format(name=self.name, count=number))
        body = "\n".join(shown)
        # Python is not masked, because EditFile must match it; every other file is.
        text = fenced(body if self.name.endswith(".py") else without_secrets(body))
        last = self.start + len(shown) - 1
        return work.step(result=prompts.LINES.format(name=self.name, first=self.start, last=last, text=text))


class ListFiles(Tool):
    """List the thread's files with their sizes in bytes."""

    async def perform(self, work: Work) -> Step:
        """List the files, as many as fit."""
        files = "\n".join(f"{f.name}  {f.size}" for f in await work.sandbox.list())
        return work.step(result=bounded(files, OUTPUT_TOKENS) or prompts.NO_FILES)


class ExecutePyFile(Tool):
    """Run a Python file of the workspace in its sandbox: no network, files of the thread in the working directory.

    Returns its outcome, output and the files it made, which are sent to the user by themselves.
    """

    name: Path
    args: tuple[str, ...] = ()
    stdin: str = ""
    timeout: float | None = Field(default=None, ge=0, description="Seconds; the sandbox's own limit is the highest.")

    async def perform(self, work: Work) -> Step:
        """Run it; a stream too long for the conversation is kept whole in a file beside the run's own."""
        execution = await work.sandbox.run(self.name, self.args, stdin=self.stdin, timeout=self.timeout)
        parts = [prompts.headline(self.name, execution)]
        streams = {"stdout": execution.stdout, "stderr": execution.stderr}
        kept = {stream: bounded(text, KEPT_TOKENS) for stream, text in streams.items()}
        whole: list[FileName] = []
        for stream, text in streams.items():
            where = ""
            if kept[stream] != text:
                name = FileName(f"{OUTPUT}{self.name.replace('/', '-')}.{stream}.txt")
                try:
                    await work.sandbox.put(name, chunked(text.encode(errors="replace")))
                except TooLarge:  # the run counts even if its output does not fit
                    where = prompts.KEPT_IN_PART
                else:
                    whole.append(name)
                    where = prompts.KEPT_WHOLE.format(name=name)
            if text.strip():
                shown = fenced(bounded(without_secrets(text), OUTPUT_TOKENS))
                parts.append(prompts.STREAM.format(stream=stream, kept=where, text=shown))
        execution = replace(execution, stdout=kept["stdout"], stderr=kept["stderr"])
        return work.step(result="\n".join(parts), execution=execution, ran=self.name, changed=tuple(whole))


async def _whole_text(sandbox: Sandbox, name: FileName, limit: int = 8_000_000) -> str:
    """Return the whole text of a file; raises NoSuchFile, and UserError past `limit` bytes."""
    data = b""
    async for chunk in sandbox.open(name):
        data += chunk
        if len(data) > limit:
            raise UserError(f"{name} is over {limit // 1_000_000} MB; work on it with a script.")
    return data.decode(errors="surrogateescape")


def _normal(text: str) -> str:
    """Return a text without what models change when they retype it: spaces at line ends, shapes of quotes, Unicode forms."""
    normal = unicodedata.normalize("NFKC", text).translate(_QUOTES).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in normal).strip()


_FENCE = re.compile(r"\s*```\w*\n((?:(?!```).)*\n)```\s*", re.S)  # around the whole of a body
_QUOTES = str.maketrans("‘’“”", "''\"\"")
