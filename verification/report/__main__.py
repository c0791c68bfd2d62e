"""Make the example report of the docs and its pictures: `make report-example`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from batchrelay.report.document import report_document
from batchrelay.report.page import page
from verification.report.synthetic import variant_calls

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples/report.html"
PICTURES: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1180, "height": 1760}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1180, "height": 1760}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 1400}, "color_scheme": "light"},
}


def main() -> int:
    EXAMPLE.parent.mkdir(exist_ok=True)
    EXAMPLE.write_text(page(report_document(variant_calls().evidence())), encoding="utf-8")
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium: the pictures are as they were", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, options in PICTURES.items():
            tab = browser.new_context(**options).new_page()
            tab.goto(EXAMPLE.as_uri())
            path = DOCS / f"images/report-{name}.png"
            tab.screenshot(path=path)
            print(path.relative_to(DOCS.parent), path.stat().st_size)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
