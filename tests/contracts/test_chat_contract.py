"""What the core may rely on of Slack: our client against the local workspace, and the fake of the core's tests."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ServiceError, UserError
from bot.local.workspace.server import Options, running
from bot.ports import Attachment, Person, SharedScript, Task
from bot.slack.calls import Calls
from bot.slack.client import SlackChat
from bot.slack.files import SlackFiles
from bot.thread.entries import Reply
from bot.thread.files import FileName
from bot.thread.request import Command, Request, ThreadId
from tests.contracts.chats import Fake, Place, Real
from tests.e2e.slack import ALICE, BOB, ELSEWHERE, HERE, Slack, thread_of
from tests.fakes import MemorySandbox


@pytest.fixture(params=["fake", "real"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "fake":
        yield Fake()
        return
    async with (
        running(tmp_path, options=Options(rate_limits=False)) as local,
        aiohttp.ClientSession(base_url=local.base_url) as people,
        aiohttp.ClientSession() as session,
    ):
        client = AsyncWebClient(token=local.bot_token, base_url=local.api_url, session=session, retry_handlers=[])
        files = SlackFiles(client, session, token=local.bot_token, max_bytes=1_000_000, calls=Calls(pause=0.01))
        chat = SlackChat(client, files, bot_user="U0BOT", pace=0.02)
        yield Real(chat, Slack(people))
        await chat.close()


def attachment(name: str, *chunks: bytes) -> Attachment:
    async def streamed() -> AsyncIterator[bytes]:
        for chunk in chunks:
            await asyncio.sleep(0)
            yield chunk

    return Attachment(name=FileName(name), size=sum(map(len, chunks)), chunks=streamed)


def command(target: str = "", *, user: str = ALICE, channel: str = HERE) -> Request:
    thread = thread_of("cmd:1", channel)
    return Request(key="cmd:1", thread=thread, ts="1.0", user=user, kind="command", command=Command(target=target))


async def opened(place: Place) -> tuple[ThreadId, str]:
    """The thread of a person who said hi, and our message in it."""
    thread = thread_of(await place.say("hi"))
    return thread, await place.chat.open(thread, "one", again=False)


async def test_a_turn_has_one_message_however_often_it_is_opened_again(place: Place) -> None:
    thread, ts = await opened(place)

    same = await place.chat.open(thread, "one", again=True)
    other = await place.chat.open(thread, "two", again=True)

    assert same == ts != other
    assert len(await place.texts(thread)) == 2


async def test_a_message_whose_posting_went_unanswered_is_found_again(place: Place) -> None:
    thread = thread_of(await place.say("hi"))
    await place.breaks("open", after=True)
    with pytest.raises(ServiceError):
        await place.chat.open(thread, "one", again=False)

    ts = await place.chat.open(thread, "one", again=True)
    await place.chat.deliver(thread, "one", ts, Reply(text="hello"), [], again=False)

    assert await place.texts(thread) == ["hello"]


async def test_an_answer_takes_the_messages_place_and_no_later_update_undoes_it(place: Place) -> None:
    thread, ts = await opened(place)

    for title in ("Reading", "Running a.py"):
        await place.chat.show(thread, ts, [Task(title=title, state="running")])
    assert await place.chat.deliver(thread, "one", ts, Reply(text="hello"), [], again=False) == ""
    await asyncio.sleep(0.1)

    assert await place.texts(thread) == ["hello"]


async def test_files_come_with_the_answer_byte_for_byte(place: Place) -> None:
    thread, ts = await opened(place)
    made = {"plot.png": [b"\x89PNG", b"\0" * 70_000, b"end"], "é 😀.csv": [b"a,b\n", b"1,2\n"]}

    files = [attachment(name, *chunks) for name, chunks in made.items()]
    assert await place.chat.deliver(thread, "one", ts, Reply(text="hello"), files, again=False) == ""

    assert await place.files(thread, 2) == [(name, b"".join(chunks)) for name, chunks in made.items()]


@pytest.mark.parametrize("fault", [None, {"after": False}, {"after": True}])
async def test_an_answer_may_be_delivered_again_whatever_became_of_it_and_stands_there_once(
    place: Place, fault: dict[str, bool] | None
) -> None:
    thread, ts = await opened(place)
    answer = (thread, "one", ts, Reply(text="hello"), [attachment("a.txt", b"a")])
    if fault is None:
        await place.chat.deliver(*answer, again=False)
        await place.files(thread, 1)
    else:
        await place.breaks("deliver", **fault)
        with pytest.raises(ServiceError):
            await place.chat.deliver(*answer, again=False)

    assert await place.chat.deliver(*answer, again=True) == ""

    assert await place.texts(thread) == ["hello"]
    assert await place.files(thread, 1) == [("a.txt", b"a")]


async def test_an_answer_is_posted_anew_where_its_message_is_gone(place: Place) -> None:
    thread, ts = await opened(place)
    await place.delete(thread, ts)

    await place.chat.deliver(thread, "one", ts, Reply(text="hello"), [], again=False)

    assert await place.texts(thread) == ["hello"]


@pytest.mark.parametrize("what", ["refused", "empty", "gone"])
async def test_a_file_that_cannot_be_delivered_is_named_and_the_answer_stands(place: Place, what: str) -> None:
    thread, ts = await opened(place)
    bad = attachment("bad.txt", *([] if what == "empty" else [b"a"]))
    if what == "gone":
        bad = Attachment(name=FileName("bad.txt"), size=3, chunks=partial(MemorySandbox({}, 0).open, FileName("bad.txt")))
    if what == "refused":
        await place.breaks("upload")

    files = [bad, attachment("good.txt", b"good")]
    problem = await place.chat.deliver(thread, "one", ts, Reply(text="hello"), files, again=False)

    answer, note = await place.texts(thread)
    assert answer == "hello"
    assert "bad.txt" in problem
    assert "bad.txt" in note
    assert await place.files(thread, 1) == [("good.txt", b"good")]


async def test_a_message_with_nothing_to_answer_goes_away(place: Place) -> None:
    thread, ts = await opened(place)

    await place.chat.remove(thread, ts)
    await place.chat.remove(thread, ts)

    assert await place.texts(thread) == []


async def test_a_status_shows_until_it_is_cleared(place: Place) -> None:
    thread = thread_of(await place.say("hi"))

    await place.chat.status(thread, "is reading…")
    assert await place.status() == "is reading…"

    await place.chat.status(thread, "")
    assert await place.status() == ""


async def test_a_whisper_reaches_the_person_who_asked_and_nobody_else(place: Place) -> None:
    thread = thread_of(await place.say("hi", user=BOB))

    await place.chat.whisper(Request(key="k", thread=thread, ts=thread.ts, user=BOB), "not allowed")

    assert await place.whispers() == [(BOB, "not allowed")]
    assert await place.texts(thread) == []


async def test_what_only_adorns_the_work_never_fails_it(place: Place) -> None:
    thread, ts = await opened(place)
    for what in ("status", "show", "whisper"):
        await place.breaks(what)

    await place.chat.status(thread, "is reading…")
    await place.chat.show(thread, ts, [Task(title="Running", state="running")])
    await asyncio.sleep(0.1)
    await place.chat.whisper(Request(key="k", thread=thread, ts=thread.ts, user=ALICE), "psst")

    assert await place.status() == ""
    assert await place.whispers() == []
    assert len(await place.texts(thread)) == 1


async def test_what_was_said_before_is_read_without_our_own_words(place: Place) -> None:
    thread = thread_of(await place.say("CPU high", files={"app.log": b"x"}))
    await place.chat.open(thread, "one", again=False)
    await place.say("look", thread=thread.ts, user=BOB)
    asked = await place.say("why?", thread=thread.ts)

    said = await place.chat.history(thread, asked)

    assert [(o.user, o.text, [u.name for u in o.uploads]) for o in said] == [(ALICE, "CPU high", ["app.log"]), (BOB, "look", [])]
    assert await place.chat.history(thread, asked, since=said[0].ts) == said[1:]


async def test_history_that_cannot_be_read_is_an_error_in_words(place: Place) -> None:
    thread = thread_of(await place.say("hi"))
    await place.breaks("history")

    with pytest.raises(ServiceError, match="Slack"):
        await place.chat.history(thread, thread.ts)


async def test_an_upload_comes_byte_for_byte_and_one_that_is_gone_is_said(place: Place) -> None:
    data = bytes(range(256)) * 3_000
    thread = thread_of(await place.say("hi"))
    ts = await place.say("data", files={"a.bin": data}, thread=thread.ts)
    [upload] = [u for o in await place.chat.history(thread, "9999999999.0") for u in o.uploads]

    assert b"".join([chunk async for chunk in place.chat.download(upload)]) == data

    await place.delete(thread, ts)
    with pytest.raises(UserError):
        _ = [chunk async for chunk in place.chat.download(upload)]


async def test_a_command_means_the_newest_script_of_the_person_in_this_channel(place: Place) -> None:
    await place.say("<@U0BOT> run this", files={"a.py": b"old"})  # a newer one counts, though it was not said to us
    thread = thread_of(await place.say("new", files={"a.py": b"new", "a.csv": b"1"}))
    await place.say("mine", files={"b.py": b"b"}, user=BOB)

    found = await place.chat.find_upload(command())
    named = await place.chat.find_upload(command("a.py", user=BOB))

    assert isinstance(found, SharedScript)
    assert found == named
    assert (found.thread, found.script.name, [u.name for u in found.uploads]) == (thread, "a.py", ["a.py", "a.csv"])
    assert b"".join([chunk async for chunk in place.chat.download(found.script)]) == b"new"
    assert await place.chat.find_upload(command(found.script.id)) == found


async def test_a_command_that_means_several_files_gets_them_and_one_that_means_none_is_told(place: Place) -> None:
    await place.say("two", files={"a.py": b"a", "b.py": b"b"})

    several = await place.chat.find_upload(command("*.py"))

    assert not isinstance(several, SharedScript)
    assert sorted(u.name for u in several) == ["a.py", "b.py"]
    for nothing in (command("c.py"), command(user=BOB), command("a.py", channel=ELSEWHERE)):
        with pytest.raises(UserError):
            await place.chat.find_upload(nothing)


async def test_people_are_known_for_what_they_are(place: Place) -> None:
    people = [await place.chat.person(user) for user in (ALICE, "U0GUEST", "U0EXT", "U0ALERTS")]

    assert people == [
        Person(user=ALICE, name="alice"), Person(user="U0GUEST", name="guest", guest=True),
        Person(user="U0EXT", name="ext", external=True), Person(user="U0ALERTS", name="alerts", bot=True),
    ]  # fmt: skip
    await place.breaks("person")
    with pytest.raises(ServiceError):
        await place.chat.person(BOB)
