"""The page, as a person uses it, in headless Chromium."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Error, FilePayload, Page, async_playwright, expect

from bot.app import serving
from tests.e2e.slack import CSV, workspace
from tests.e2e.test_threads import PLOT, report, send, write_and_run
from tests.wire import Choose, Next, ScriptedModel

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
QUIET = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@asynccontextmanager
async def opened(folder: Path, *script: Next) -> AsyncIterator[Page]:
    """The page of a workspace with the bot at work in it, on a scripted model."""
    async with ScriptedModel(script) as model, opened_on(folder, model.url) as page:
        yield page


@asynccontextmanager
async def opened_on(folder: Path, model_url: str, model: str = "gpt-4.1") -> AsyncIterator[Page]:
    """The page of a workspace with the bot at work in it, on any model."""
    async with workspace(folder, model_url, "chat") as (_, settings):
        settings = settings.model_copy(update={"openai_model": model, "openai_proxy_model": model})
        async with serving(settings, pace=0.2), looking(settings.slack_api_url.removesuffix("api/")) as page:
            await expect(page.locator("#presence")).to_contain_text("is here", timeout=15_000)
            yield page


@asynccontextmanager
async def looking(url: str, scheme: Literal["light", "dark"] = "light", width: int = 1280) -> AsyncIterator[Page]:
    """The page from its first answer on, in which no script may fail."""
    async with async_playwright() as playwright:
        args = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        page = await browser.new_page(
            viewport={"width": width, "height": 860}, color_scheme=scheme, permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        async with asyncio.timeout(60):
            while True:
                try:
                    await page.goto(url)
                    break
                except Error:
                    await asyncio.sleep(0.05)
        yield page
        await browser.close()
        assert problems == []


async def ask(page: Page, words: str, *files: FilePayload) -> None:
    """Write to the channel, with files attached, and send it."""
    await page.locator("#composer input[type=file]").set_input_files(list(files)) if files else None
    await page.locator("#composer textarea").fill(words)
    await page.locator("#composer textarea").press("Enter")


async def test_a_person_drops_a_csv_asks_and_gets_the_plot_in_the_thread(tmp_path: Path) -> None:
    async with opened(tmp_path, send(), write_and_run(PLOT), report(files=["plot.png"])) as page:
        sales: FilePayload = {"name": "sales.csv", "mimeType": "text/csv", "buffer": CSV}
        await ask(page, "@workings plot revenue by month", sales)

        thread = page.locator("#replies")
        await expect(thread).to_contain_text("Here is the plot.", timeout=30_000)
        await expect(thread).to_contain_text("sales.csv")
        await expect(thread.locator("a[download='plot.png']")).to_be_visible(timeout=15_000)
        await expect(page.locator("#composer textarea")).to_have_value("")


async def test_runpy_has_a_hint_and_takes_the_file_that_is_attached(tmp_path: Path) -> None:
    async with opened(tmp_path) as page:
        await page.locator("#composer input[type=file]").set_input_files(
            {"name": "six.py", "mimeType": "text/x-python", "buffer": b"print(6 * 7)"}
        )
        await page.locator("#composer textarea").press_sequentially("/ru")
        await expect(page.locator("#composer .hints")).to_contain_text("/runpy")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        await expect(page.locator("#replies")).to_contain_text("42", timeout=30_000)
        await expect(page.locator("#replies")).to_contain_text("no model")
        await expect(page.locator("#messages .replies")).to_have_text("1 reply")


async def test_stop_stands_in_the_thread_while_work_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path, send(), write_and_run("import time\ntime.sleep(600)\n")) as page:
        await ask(page, "@workings sleep")
        await expect(page.locator("#replies")).to_contain_text("Running plot.py", timeout=30_000)

        await page.locator("#replies .actions button.danger").click()

        await expect(page.locator("#replies")).to_contain_text("Stopped.", timeout=15_000)


async def test_what_people_write_is_shown_and_never_acts(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=\"document.title='broken'\"> <script>document.title='broken'</script>"
    async with opened(tmp_path, Choose({"kind": "Respond", "text": f"You wrote: {hostile}"})) as page:
        await ask(page, f"@workings {hostile}")

        await expect(page.locator("#replies")).to_contain_text("You wrote:", timeout=30_000)
        await expect(page.locator("#replies")).to_contain_text("onerror")
        assert await page.title() == "Workings workspace"


async def test_a_mistake_is_said_and_what_was_typed_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as page:
        await page.locator("#composer textarea").fill("/nonsense now")
        await page.get_by_role("button", name="Send").first.click()

        await expect(page.locator("#composer .problem")).to_have_text("/nonsense is not a command here.")
        await expect(page.locator("#composer textarea")).to_have_value("/nonsense now")
