"""Each assumption stands in the docs once, with a number; what has a probe is asked by doctor."""

from __future__ import annotations

import json
import re
from dataclasses import fields

from batch_local.embedding import Assumptions
from batchrelay_cli.doctor.permissions import Account, Permission, needed
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.registry import PROBES, WITHOUT_PROBE
from tests.stack import ROOT

PAGE = ROOT / "docs/reference/aws-batch.md"
NUMBER = re.compile(r"\bQ\d+\b")
ROW = re.compile(r"^\| (Q\d+) \| (.+?) \| .+ \| (.+) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    """Question and probe, by number."""
    found = ROW.findall(PAGE.read_text())
    assert len({number for number, _, _ in found}) == len(found)
    return {number: (question, probe) for number, question, probe in found}


def test_every_question_has_a_probe_or_a_reason_and_every_probe_a_question() -> None:
    modules = {p.number: f"`{p.run.__module__.rpartition('.')[2]}`" for p in PROBES}
    reasons = {number: f"none: {why}" for number, why in WITHOUT_PROBE.items()}
    assert modules.keys().isdisjoint(reasons)
    assert {number: probe for number, (_, probe) in rows().items()} == modules | reasons
    assert list(rows()) == [f"Q{number}" for number in range(1, len(rows()) + 1)]


def test_a_probe_asks_the_question_of_the_page() -> None:
    questions = {number: question for number, (question, _) in rows().items()}
    assert {p.number: p.question for p in PROBES}.items() <= questions.items()


def test_no_page_names_a_question_that_is_not_there_and_only_one_asks_them() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text()
        assert set(NUMBER.findall(text)) <= rows().keys(), page
        assert page == PAGE or not ROW.search(text), page


def test_what_is_assumed_has_a_link_to_its_number() -> None:
    sections = PAGE.read_text().partition("## Open questions")[0]
    assert len(re.findall(r"\[Q\d+(?: to Q\d+)?\]\(#open-questions\)", sections)) > 10
    assert "assumed" not in sections.lower()


def test_every_switch_of_the_local_batch_is_of_a_question() -> None:
    page = (ROOT / "docs/reference/local-batch.md").read_text()
    numbers = dict(re.findall(r"^\| `(\w+)` \|.*\| (Q\d+) \|", page, re.MULTILINE))
    assert numbers.keys() == {field.name for field in fields(Assumptions)}


def test_the_policy_of_the_page_is_what_doctor_needs() -> None:
    page = (ROOT / "docs/how-to/check-your-account.md").read_text()
    [block] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    granted = {
        Permission(action=action, resource=resource)
        for statement in json.loads(block)["Statement"]
        for action in statement["Action"]
        for resource in (
            statement["Resource"]
            if isinstance(statement["Resource"], list)
            else [statement["Resource"]]
        )
    }
    anyone = Account(partition="aws", number="*", region="*")
    assert granted == set(needed(Place(id="*", is_local=False), anyone))
