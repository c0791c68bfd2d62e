"""The docs' example of a report is what the program makes today."""

from __future__ import annotations

from batchrelay.report.document import report_document
from batchrelay.report.page import page
from tests.stack import ROOT
from verification.report.synthetic import variant_calls


def test_the_example_in_the_docs_is_made_by_todays_page() -> None:
    """Its run, its prices and its time are made up, so nothing changes but the program."""
    made = page(report_document(variant_calls().evidence()))
    example = (ROOT / "docs/examples/failing.html").read_text(encoding="utf-8")
    assert made == page(report_document(variant_calls().evidence())), "made twice, it is the same"
    differing = [
        number
        for number, (line, other) in enumerate(
            zip(made.splitlines(), example.splitlines(), strict=False), start=1
        )
        if line != other
    ]
    assert made == example, f"make report-examples writes it; lines that differ: {differing[:5]}"
