"""Scripts that people run without a model: `/runpy`, the shortcut and a lone code block."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from itertools import groupby
from zipfile import ZipFile

import pytest

from bot.ports import Overheard
from bot.thread.outcomes import Execution, Outcome
from bot.thread.request import Command
from tests.fakes import MemorySandboxes
from tests.turns.stories import breaks, plots
from tests.world import CSV, THREAD, mention, respond, runpy, world


async def test_a_runpy_runs_without_a_model_and_the_conversation_knows_it() -> None:
    async with world(respond("It has a KeyError.")) as w:
        script = w.file("plot.py", b"...")
        data = w.file("sales.csv", CSV)
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="my script", uploads=(script, data))]
        w.sandboxes.programs["plot.py"] = breaks

        await w.tell(runpy("", "a b"))
        [post] = w.chat.posts[THREAD].values()
        await w.tell(mention("why?", ts="6.0"))

        assert post.text == "`plot.py` failed (exit code 1) after 0.10 s."
        assert "KeyError" in post.output
        assert post.footer == "no model · 1 run · 0.0 s"
        assert len(w.model.prompts) == 1
        assert "KeyError: 'revnue'" in str(w.model.prompts[0].items)
        assert sorted(w.sandboxes.threads[THREAD].files) == ["plot.py", "sales.csv"]


@pytest.mark.parametrize("several", [True, False])
async def test_a_command_that_means_no_single_file_is_answered_to_its_user_alone(several: bool) -> None:
    async with world() as w:
        if several:
            uploads = (w.file("a.py", b""), w.file("b.py", b""))
            w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="two", uploads=uploads)]

        await w.tell(runpy("*.py"))

        [(user, text)] = w.chat.whispers
        assert user == "U1"
        assert ("F0" in text) is several
        assert w.chat.posts == {}


async def test_a_turn_after_another_begins_with_no_status_and_a_clock_of_its_own() -> None:
    async with world(respond("At noon.")) as w:
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="", uploads=(w.file("plot.py", b"..."),))]
        w.renewal = 0.0
        w.reborn()

        async def slow(files: dict[str, bytes]) -> Execution:
            await w.turns.accept(mention("lunch?", direct=False))
            w.now += 30
            return await plots(files)

        w.sandboxes.programs["plot.py"] = slow

        await w.tell(runpy())

        assert [post.footer.split(" · ")[-1] for post in w.chat.posts[THREAD].values()] == ["30.0 s", "0.0 s"]
        assert [status for status, _ in groupby(w.chat.statuses)] == [
            *("is reading…", "is thinking…", "is running plot.py…", "is thinking…", "is posting…", ""),
            *("is working…", "is posting…", ""),
        ]


async def test_a_lone_code_block_runs_as_it_is() -> None:
    async with world() as w:
        await w.tell(replace(mention("```print(1)```"), command=Command(code="print(1)")))

        assert w.texts() == ["`snippet.py` succeeded after 0.00 s. It printed nothing."]
        assert w.sandboxes.threads[THREAD].files == {"snippet.py": b"print(1)"}


@pytest.mark.parametrize("size", [3, 30_000_000], ids=["one zip", "too large for a zip"])
async def test_of_many_files_the_ten_most_useful_are_posted_and_the_others_in_one_zip_or_by_name(size: int) -> None:
    async with world() as w:
        w.sandboxes = MemorySandboxes(limit=10**9)
        w.reborn()
        names = [f"{n:03}.csv" for n in range(124)]

        async def many(files: dict[str, bytes]) -> Execution:
            files |= dict.fromkeys(names, b"123") | {"😀 a.png": b"PNG"} | {name: bytes(size) for name in names[-9:]}
            return Execution(outcome=Outcome.SUCCEEDED, exit_code=0)

        w.sandboxes.programs["plot.py"] = many
        w.chat.said[THREAD] = [Overheard(ts="1.0", user="U1", text="", uploads=(w.file("plot.py", b"..."),))]

        await w.serve(runpy())

        [post] = w.chat.posts[THREAD].values()
        listed = ", ".join(f"`{name}`" for name in names[9:29]) + " and 95 more."
        shown = [name for name, _ in post.files]
        if size > 3:
            assert post.text.endswith(f"115 more files are in the thread's workspace; ask for them by name: {listed}")
            assert shown == ["😀 a.png", *names[:9]]
        else:
            assert post.text.endswith(f"115 more files are in `more-files.zip`: {listed}")
            assert shown == ["😀 a.png", *names[:9], "more-files.zip"]
            with ZipFile(BytesIO(post.files[-1][1])) as archive:
                assert {name: archive.read(name) for name in archive.namelist()} == dict.fromkeys(names[9:-9], b"123") | {
                    name: bytes(3) for name in names[-9:]
                }
