"""A newcomer's way through the demo's page in Chromium: by mouse and by keyboard alone, light, dark, and as wide as a phone."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from bot.sandbox.runtime import RuntimeBuild
from tests.e2e.test_page import CHROMIUM, looking
from tests.sandbox.test_fidelity import KEPT

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
expect.set_options(timeout=60_000)
WRITTEN = "@workings *what* is `a<b` & https://x.org/?a=1&b=2, @bob?\n```\nif x < 1 and y > 2: print('&amp;')\n```"


@dataclass
class Person:
    """Somebody at the page, with a mouse or with a keyboard alone."""

    page: Page
    hand: Literal["mouse", "keyboard"]

    async def press(self, what: Locator) -> None:
        """Click it; or go to it with Tab, and press Enter."""
        await expect(what).to_be_visible()
        if self.hand == "mouse":
            await what.click()
            return
        for _ in range(150):
            if await what.evaluate("element => element === document.activeElement"):
                await self.page.keyboard.press("Enter")
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {what}")

    async def write(self, text: str) -> None:
        """Write where the focus is, without going there first, and send it."""
        for number, line in enumerate(text.split("\n")):
            if number:
                await self.page.keyboard.press("Shift+Enter")
            await self.page.keyboard.type(line)
        await self.page.keyboard.press("Escape")  # no suggestion stays open over what was written
        await self.page.keyboard.press("Enter")

    async def attach(self, composer: str, *files: FilePayload) -> None:
        async with self.page.expect_file_chooser() as chooser:
            await self.press(self.page.locator(f"{composer} .attach"))
        await (await chooser.value).set_files(list(files))

    async def leave_thread(self) -> None:
        if self.hand == "mouse":
            await self.page.locator("#close").click()
        else:
            await self.page.keyboard.press("Escape")
        await expect(self.page.locator("#thread")).to_be_hidden()

    async def fits(self) -> None:
        """Nothing is wider than the window."""
        assert await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@asynccontextmanager
async def demo(data: Path) -> AsyncIterator[str]:
    """`workings demo` as a user starts it; yields the page's address at once, whether or not it answers yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "SLACK_", "BOT_"))}
    command = [sys.executable, "-m", "bot", "demo", "--port", str(port), "--no-browser", "--data", str(data)]
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=Path(__file__).parents[2])
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()


@pytest.fixture(scope="session")
def kept_runtime() -> Path:
    """A data folder with the libraries, which each demo here gets as links."""
    asyncio.run(RuntimeBuild(KEPT).build(print))
    return KEPT


def with_libraries(kept: Path, data: Path) -> Path:
    data.mkdir()
    for folder in kept.glob("*-3.*"):
        if folder.is_dir():
            (data / folder.name).symlink_to(folder)
    return data


async def plots_the_sales(person: Person) -> None:
    """One click from where one lands to the plot, which has an address, stands above its figures, and can be looked at."""
    page = person.page
    await expect(page.locator("#examples")).to_have_class("cards")
    await person.fits()
    await person.press(page.get_by_role("button", name="Plot sales by month"))
    picture = page.locator("#replies .body img[alt$='.png']")
    await expect(picture).to_be_visible()
    await expect(page.locator("#replies")).to_contain_text(" 0 tokens")  # no language model was asked
    await expect(page.locator("#replies .day")).to_have_text("Today")
    await expect(page.locator("#replies time").first).to_have_attribute("title", re.compile(r"\d{4}"))
    await expect(page.locator("#answer textarea")).to_be_focused()
    above, figures = await picture.bounding_box(), await page.locator("#replies .body pre").last.bounding_box()
    assert above
    assert figures
    assert 0 <= above["y"] < above["y"] + above["height"] <= figures["y"]
    assert above["y"] + above["height"] <= 860  # all of the chart is in the window
    await person.press(picture)
    await expect(page.locator("#large")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#large")).to_be_hidden()
    await expect(page.locator("#thread")).to_be_visible()
    code = page.locator("#replies .code").last
    await code.hover() if person.hand == "mouse" else None
    await person.press(code.locator(".copy"))
    await expect(code.locator(".copy")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == await code.locator("pre").text_content()


async def comes_back_to_it(person: Person) -> None:
    """The thread's address survives a reload and the back button."""
    page = person.page
    address = page.url
    assert re.search(r"#/D0ALICE/\d+\.\d+$", address)
    await page.reload()
    await expect(page.locator("#replies .body img")).to_be_visible()
    await expect(page.locator("#answer textarea")).to_be_focused()
    await person.leave_thread()
    await page.go_back()
    await expect(page.locator("#replies .body img")).to_be_visible()
    assert page.url == address
    await person.fits()
    await person.leave_thread()


async def finds_the_cause_and_mends(person: Person) -> None:
    page = person.page
    await person.press(page.get_by_role("button", name="Find what broke checkout.log"))
    await expect(page.locator("#replies")).to_contain_text("Most likely cause: line 1152")
    await expect(page.locator("#replies img")).to_have_count(2)
    await person.fits()
    await person.leave_thread()
    await person.press(page.get_by_role("button", name="Run broken.py and mend it"))
    await expect(page.locator("#replies")).to_contain_text("I mended broken.py")
    await expect(page.locator("#replies img")).to_be_visible()
    await person.leave_thread()


async def invites_the_bot(person: Person) -> None:
    """Fixtures of tests are not shown; where the bot is mentioned and is not, it is invited; what was written can be edited."""
    page = person.page
    for hidden in ("lobby", "partner", "private"):
        await expect(page.locator("#channels")).not_to_contain_text(hidden)
    await person.press(page.get_by_role("button", name="# ideas"))
    await expect(page.locator("#composer textarea")).to_be_focused()
    await person.write(WRITTEN)
    await expect(page.locator("#messages")).to_contain_text("who is not in this channel")
    await person.press(page.get_by_role("button", name="Invite them"))
    await expect(page.locator("#messages")).to_contain_text("has joined the channel")
    await expect(page.locator("#messages")).not_to_contain_text("who is not in this channel")
    await expect(page.locator("#invite")).to_be_hidden()
    message = page.locator("#messages .message", has_text="a<b")
    await message.hover() if person.hand == "mouse" else None
    await person.press(message.get_by_role("button", name="Edit"))
    await expect(message.locator("textarea")).to_have_value(WRITTEN)
    await page.keyboard.press("ControlOrMeta+End")
    await page.keyboard.type("!")
    await page.keyboard.press("Enter")
    await expect(message).to_contain_text("(edited)")
    await expect(message.locator("pre")).to_contain_text("if x < 1 and y > 2: print('&amp;')")


async def runs_a_file(person: Person) -> None:
    """`/runpy` takes the file that is attached, whatever its name."""
    page = person.page
    await person.attach(
        "#composer", {"name": "six 🚀.py", "mimeType": "text/x-python", "buffer": b"import sys\nprint(6 * 7, *sys.argv[1:])"}
    )
    await person.press(page.locator("#composer textarea")) if person.hand == "mouse" else await page.keyboard.press("Shift+Tab")
    await person.write("/runpy a 'b c'")
    await expect(page.locator("#replies")).to_contain_text("42 a b c")
    await expect(page.locator("#replies")).to_contain_text("no model")
    await person.fits()


@pytest.mark.parametrize(
    ("hand", "scheme", "width"),
    [("mouse", "light", 1280), ("keyboard", "dark", 1280), ("mouse", "dark", 390), ("keyboard", "light", 390)],
)
async def test_a_newcomer_walks_the_page(
    kept_runtime: Path, tmp_path: Path, hand: Literal["mouse", "keyboard"], scheme: Literal["light", "dark"], width: int
) -> None:
    data = with_libraries(kept_runtime, tmp_path / "data")
    async with demo(data) as url, looking(url, scheme, width) as page:
        person = Person(page, hand)
        await plots_the_sales(person)
        await comes_back_to_it(person)
        await finds_the_cause_and_mends(person)
        await invites_the_bot(person)
        await runs_a_file(person)
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


async def test_the_first_click_of_the_first_start_ends_in_a_picture(tmp_path: Path) -> None:
    async with demo(tmp_path / "data") as url, looking(url) as page:
        await page.locator("#examples button").first.click()

        await expect(page.locator("#replies .body img")).to_be_visible(timeout=300_000)
        await expect(page.locator("#replies")).not_to_contain_text("fail")
