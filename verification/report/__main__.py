"""Make the example reports of the docs and their pictures: `make report-examples`.

`python -m verification.report NAME…` makes some of them: each real one takes minutes.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from batchrelay.report.page import page
from verification.report.examples import EXAMPLES

DOCS = Path(__file__).parents[2] / "docs"
WIDE = {"viewport": {"width": 1180, "height": 1760}}
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "report-light": ("failing", {**WIDE, "color_scheme": "light"}),
    "report-dark": ("failing", {**WIDE, "color_scheme": "dark"}),
    "report-phone": (
        "failing",
        {"viewport": {"width": 360, "height": 1400}, "color_scheme": "light"},
    ),
    "report-word-count": ("word-count", WIDE),
    "report-array-workflow": ("array-workflow", WIDE),
    "report-running": ("running", WIDE),
}
"""Each of an example, as a browser shows it that is so wide and likes light or dark."""


def main(names: list[str]) -> int:
    for name in names or EXAMPLES:
        path = DOCS / f"examples/{name}.html"
        path.write_text(page(EXAMPLES[name]()), encoding="utf-8")
        print(path.relative_to(DOCS.parent), path.stat().st_size)
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium: the pictures are as they were", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for picture, (name, options) in PICTURES.items():
            if not names or name in names:
                _draw(browser, picture, name, options)
        browser.close()
    return 0


def _draw(browser: Browser, picture: str, name: str, options: dict[str, Any]) -> None:
    tab = browser.new_context(**options).new_page()
    tab.goto((DOCS / f"examples/{name}.html").as_uri())
    path = DOCS / f"images/{picture}.png"
    tab.screenshot(path=path)
    print(path.relative_to(DOCS.parent), path.stat().st_size)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
