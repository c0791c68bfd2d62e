"""The page on notices and the code agree."""

from __future__ import annotations

import json
import re

from batchrelay.domain.notices import Link, notice_of
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.state_change import DETAIL_TYPE, SOURCE, state_change_of
from tests.builders import run_of, step
from tests.docs.snippets import snippet
from tests.stack import ROOT

PAGE = (ROOT / "docs/how-to/notices.md").read_text()
RULES = ("Start a pipeline when another has succeeded", "Slack")


def test_every_field_of_the_document_and_every_attribute_is_on_the_page() -> None:
    run = run_of(step("a"), notify=(NoticeRule(topic="t", on=frozenset()),))
    attributes = notice_of(run, 0, Link(uri="s3://b/k")).attributes
    document = json.loads(attributes["batchrelay.run"])
    table = PAGE.partition("## The run as JSON")[2].partition("\n\nIt has no")[0]
    names = set(re.findall(r"`(\w+)`", table))
    assert names == {*document, *document["steps"][0], *document["link"], "output"}
    on_the_page = set(re.findall(r"^\| `(batchrelay\.\w+)` \|", PAGE, re.MULTILINE))
    assert on_the_page == {"batchrelay.noticeId", *attributes}


def test_the_rules_match_the_event_and_name_fields_that_it_has() -> None:
    run = run_of(step("a"))
    fields = set(json.loads(state_change_of(run).detail))
    for heading in RULES:
        resources = snippet("notices.md", heading)["Resources"]
        [rule] = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Events::Rule"]
        pattern = rule["EventPattern"]
        assert (pattern["source"], pattern["detail-type"]) == ([SOURCE], [DETAIL_TYPE])
        assert set(pattern["detail"]) <= fields
        [target] = rule["Targets"]
        transformer = target["InputTransformer"]
        paths = transformer["InputPathsMap"].values()
        assert {re.split(r"[.\[]", path)[2] for path in paths} <= fields
        template = transformer["InputTemplate"]
        assert set(re.findall(r"<(\w+)>", template)) <= set(transformer["InputPathsMap"])
        json.loads(re.sub(r"(?<=: )<\w+>", '"x"', template))


def test_what_goes_into_a_chat_is_not_written_by_jobs() -> None:
    resources = snippet("notices.md", "Slack")["Resources"]
    [target] = resources["RunsToChat"]["Properties"]["Targets"]
    paths = set(target["InputTransformer"]["InputPathsMap"].values())
    assert paths == {"$.detail.summary", "$.detail.runId"}


def test_the_input_for_teams_is_json() -> None:
    template = snippet("notices.md", "Teams")["InputTemplate"]
    assert json.loads(template)["type"] == "message"
