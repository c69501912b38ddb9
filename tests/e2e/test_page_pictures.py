"""The README's two pictures: what they show is made by the demo, and stale ones fail."""

import hashlib
import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.test_page import CHROMIUM, looking
from tests.e2e.test_page_walk import demo, kept_runtime, with_libraries

__all__ = ["kept_runtime"]
TOP = Path(__file__).parents[2]
SHOWN = TOP / ".github/pictures.txt"  # a digest of what the pictures show
AGAIN = "Make them anew: PICTURES=1 uv run pytest tests/e2e/test_page_pictures.py"


def digest() -> str:
    """A digest of the page, of the samples, and of the examples that are clicked."""
    folders = (TOP / "bot/local/workspace/static", TOP / "bot/local/samples")
    files = [*(path for folder in folders for path in folder.iterdir() if path.is_file()), TOP / "bot/local/planner/requests.toml"]
    named = sorted((path.relative_to(TOP).as_posix(), path.read_bytes()) for path in files)
    return hashlib.sha256(b"\0".join(part for name, content in named for part in (name.encode(), content))).hexdigest()


def test_the_readmes_pictures_show_the_page_as_it_is() -> None:
    assert SHOWN.read_text().strip() == digest(), AGAIN
    for name in ("table.png", "log.png"):
        assert (TOP / ".github" / name).stat().st_size < 200_000


@pytest.mark.skipif(CHROMIUM is None or "PICTURES" not in os.environ, reason=AGAIN)
async def test_the_readmes_pictures_are_taken_anew(kept_runtime: Path, tmp_path: Path) -> None:
    data = with_libraries(kept_runtime, tmp_path / "data")
    async with demo(data) as url, looking(url) as page:
        for card, words, name in ((0, "by month", "table.png"), (1, "Most likely cause: line 1152", "log.png")):
            await page.locator("#examples button").nth(card).click()
            await expect(page.locator("#replies .message", has=page.locator(".context")).last).to_contain_text(words)
            await expect(page.locator("#replies .message", has=page.locator(".context")).last.locator("img")).to_be_visible()
            await expect(page.locator("#progress")).to_be_hidden()
            await page.mouse.move(500, 560)
            await page.wait_for_timeout(1000)
            await page.screenshot(path=TOP / ".github" / name)
            await page.keyboard.press("Escape")
    SHOWN.write_text(f"{digest()}\n")
