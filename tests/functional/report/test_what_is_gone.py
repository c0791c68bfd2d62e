"""Reports of real runs of which something is gone: the lists in S3, or the prices of a region."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from batchrelay.report.collector import collected_report
from batchrelay_cli.stack.client import find_stack
from batchrelay_local.launch import LocalCloud
from tests.e2e.command_line import batchrelay
from tests.functional.report.runs import FAILING, ITEMS, started

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]


GONE = FAILING.replace("pipeline: failing", "pipeline: gone")
RUNS: list[str] = []
"""Of this module's cloud: the tests look at one run."""


@pytest.fixture
def failed_run(stays: LocalCloud, tmp_path: Path) -> str:
    if not RUNS:
        RUNS.append(started(tmp_path, GONE, "gone"))
        assert batchrelay("status", RUNS[0], "--watch").exit_code == 4
    return RUNS[0]


def document_of(*words: str) -> dict[str, Any]:
    result = batchrelay("report", *words, "--json", "-o", "-")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_a_run_whose_lists_are_gone_keeps_times_counts_and_causes(
    failed_run: str, stays: LocalCloud, tmp_path: Path, browser: Browser
) -> None:
    """Manifests, results and failures: as if they had expired."""
    before = document_of(failed_run)
    stack = find_stack("batchrelay")
    s3, bucket = stack.make_client("s3"), stack.outputs["BucketName"]
    kept: dict[str, bytes] = {}
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"runs/{failed_run}/")["Contents"]:
        kept[entry["Key"]] = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        s3.delete_object(Bucket=bucket, Key=entry["Key"])
    assert any(key.endswith(".jsonl") for key in kept)
    try:
        after = document_of(failed_run)
        path = tmp_path / "gone.html"
        assert batchrelay("report", failed_run, "-o", str(path)).exit_code == 0
    finally:
        for key, body in kept.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    work, before_work = after["steps"][0], before["steps"][0]
    assert {child["item"] for child in before_work["measured"]["failed"]} <= set(ITEMS)
    assert {child["item"] for child in work["measured"]["failed"]} == {None}
    assert work["columns"] == before_work["columns"]
    assert (work["failed"], work["status"]) == (before_work["failed"], before_work["status"])
    counted = [(c["class"], c["exitCode"], c["count"]) for c in work["causes"]]
    assert sorted(counted) == [("ExitCode", 65, 2), ("ExitCode", 75, 1), ("Killed", 137, 1)]
    assert after["next"] == before["next"]
    page = browser.new_page()
    page.goto(path.as_uri())
    page.keyboard.press("f")
    assert page.locator(".cause").count() == 3
    page.close()


@pytest.fixture
def unlisted_region(monkeypatch: pytest.MonkeyPatch) -> str:
    """The local cloud, as if it stood in a region without prices."""
    region = "sa-east-1"

    def collected(*arguments: Any, **options: Any) -> dict[str, Any]:
        return collected_report(*arguments, **{**options, "region": region})

    monkeypatch.setattr("batchrelay_cli.client.report.collected_report", collected)
    return region


def test_a_cost_without_a_price_of_its_region_is_unknown_and_not_0(
    failed_run: str, unlisted_region: str, tmp_path: Path
) -> None:
    document = document_of(failed_run)
    assert document["region"] == unlisted_region
    assert document["cost"] is None
    assert {step["costUsd"] for step in document["steps"]} == {None}
    path = tmp_path / "unknown.html"
    assert batchrelay("report", failed_run, "-o", str(path)).exit_code == 0
    html = path.read_text()
    assert '<h3>Cost</h3><p class="value unknown">unknown</p>' in html
    assert "$0" not in html
    shown = batchrelay("status", failed_run, "--cost")
    assert "cost: unknown: " in shown.stdout
