"""docs/llms.txt: the map of the documentation for language models, in the form of llmstxt.org."""

from __future__ import annotations

import re

from tests.stack import ROOT

FILE = ROOT / "docs/llms.txt"
LINK = re.compile(r"^- \[[^\]]+\]\(([^)]+)\): \S.*$", re.MULTILINE)


def test_it_begins_as_the_form_asks() -> None:
    title, _, summary = FILE.read_text().splitlines()[:3]
    assert title == "# batchrelay"
    assert summary.startswith("> Pipelines on AWS Batch with no server")


def test_every_link_is_a_file_and_is_there_once() -> None:
    links = LINK.findall(FILE.read_text())
    assert len(links) == FILE.read_text().count("]("), "each stands in a line with what it is"
    assert [link for link in links if not (FILE.parent / link).is_file()] == []
    assert len(links) == len(set(links))


def test_every_page_is_in_it() -> None:
    linked = {(FILE.parent / link).resolve() for link in LINK.findall(FILE.read_text())}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"}
    assert sorted(str(page) for page in pages - linked) == []
