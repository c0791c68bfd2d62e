"""A page in a browser, and everything that it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Page

WIDE, PHONE = {"width": 1180, "height": 900}, {"width": 360, "height": 740}


@dataclass
class Opened:
    """A page, and everything that it did."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def fact(self, name: str) -> str:
        """What the facts of the child at the cursor say."""
        terms = self.page.locator("#facts dt").all_text_contents()
        return self.page.locator("#facts dd").nth(terms.index(name)).text_content() or ""

    def data(self, name: str) -> float:
        return float(self.page.evaluate(f"document.documentElement.dataset.{name}"))


Open = Callable[..., Opened]
