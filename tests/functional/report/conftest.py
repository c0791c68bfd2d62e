"""One headless Chromium for the tests of the report page, and pages in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.functional.report.opened import WIDE, Open, Opened

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own; where there is no Chromium these tests are skipped, but never in CI."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = "NO CHROMIUM: the report page was NOT tested in a browser (apt install chromium)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from a file: nothing is served."""
    contexts: list[BrowserContext] = []

    def opened(html: str, viewport: dict[str, int] = WIDE, **options: Any) -> Opened:
        path = tmp_path / f"{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]  # a size
        contexts.append(context)
        context.set_default_timeout(5_000)
        result = Opened(context.new_page())
        result.page.on("console", lambda message: result.messages.append(message.text))
        result.page.on("pageerror", lambda error: result.messages.append(str(error)))
        result.page.on("request", lambda request: result.requests.append(request.url))
        result.page.on("websocket", lambda socket: result.requests.append(socket.url))
        result.page.on("dialog", lambda dialog: result.dialogs.append(dialog.message))
        result.page.goto(path.as_uri())
        return result

    yield opened
    for context in contexts:
        context.close()
