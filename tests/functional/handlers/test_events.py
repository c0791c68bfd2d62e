"""Every file in events/ has a file with its expected result."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from batchrelay.adapters.eventbridge import parse
from batchrelay.domain.errors import InputError
from batchrelay.triggers.messages import parse_trigger
from batchrelay_local.launch import LocalCloud
from tests.builders import T0
from tests.conftest import client_of, physical_id
from tests.stack import ROOT, resource

EVENTS = ROOT / "events"
FUNCTIONS = {
    "on_job_event": "OnJobEvent",
    "prepare": "Prepare",
    "start_run": "StartRun",
    "reconcile": "Reconcile",
}


def files(folder: str) -> list[Path]:
    found = sorted((EVENTS / folder).glob("*.json"))
    return [path for path in found if not path.name.endswith(".expected.json")]


def duplicate(path: Path) -> Any:
    return json.loads(path.with_suffix(".expected.json").read_text())


def test_every_event_has_an_expectation_and_every_folder_a_reader() -> None:
    folders = {path.name for path in EVENTS.iterdir()}
    assert folders == {"batch", "triggers", *FUNCTIONS}
    for folder in folders:
        assert files(folder)
        for path in files(folder):
            assert path.with_suffix(".expected.json").is_file(), path


@pytest.mark.parametrize("path", files("batch"), ids=lambda path: path.stem)
def test_an_event_becomes_its_fact(path: Path) -> None:
    fact = parse(path.read_text(), T0)
    expected = duplicate(path)["fact"]
    if fact is None:
        assert expected is None
        return
    document = json.loads(json.dumps(asdict(fact), default=datetime.isoformat))
    assert document.pop("at") == T0.isoformat()
    assert {"type": type(fact).__name__, **document.pop("key"), **document} == expected


@pytest.mark.parametrize("job_id", ["", "job-1", "x" * 500_000, "{}0", "{}{}", "{}é"])
def test_a_job_whose_id_is_not_of_aws_batch_is_not_ours(job_id: str) -> None:
    """A run's state has room for UUIDs."""
    event = json.loads((EVENTS / "batch" / "parent-succeeded.json").read_text())
    known = event["detail"]["jobId"]
    assert parse(json.dumps(event), T0) is not None
    event["detail"]["jobId"] = job_id.replace("{}", known)
    assert parse(json.dumps(event), T0) is None


@pytest.mark.parametrize("path", files("triggers"), ids=lambda path: path.stem)
def test_a_trigger_becomes_its_wish(path: Path) -> None:
    expected = duplicate(path)
    if "error" in expected:
        with pytest.raises(InputError, match=expected["error"]):
            parse_trigger(path.read_text())
        return
    wish = parse_trigger(path.read_text())
    if wish is None:
        assert expected["wish"] is None
        return
    document = json.loads(json.dumps(asdict(wish), default=datetime.isoformat))
    assert {"type": type(wish).__name__, **document} == expected["wish"]


@pytest.mark.parametrize("name", ["arrayProperties", "container", "statusReason"])
@pytest.mark.parametrize("odd", [None, 3, "x", [], {"statusSummary": {"FAILED": None}}])
def test_odd_fields_do_not_hide_a_status(name: str, odd: object) -> None:
    event = json.loads((EVENTS / "batch/parent-failed.json").read_text())
    event["detail"][name] = odd
    assert type(parse(json.dumps(event), T0)).__name__ == "JobFailed"


@pytest.mark.parametrize("detail", [None, {}, {"jobId": 3, "jobName": "br-a-b-r0-p0"}])
def test_an_event_without_its_essentials_is_refused(detail: object) -> None:
    event = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
    with pytest.raises(InputError):
        parse(json.dumps(event), T0)


@pytest.mark.cloud
@pytest.mark.parametrize("path", files("batch"), ids=lambda path: path.stem)
def test_the_rules_let_pass_what_they_should(path: Path, cloud: LocalCloud) -> None:
    answers = [
        client_of(cloud, "events").test_event_pattern(
            EventPattern=json.dumps(resource(rule)["EventPattern"]), Event=path.read_text()
        )["Result"]
        for rule in ("JobEventRule", "JobBlockedRule")
    ]
    assert any(answers) is duplicate(path)["matches_rule"]


@pytest.mark.cloud
@pytest.mark.parametrize(
    "path",
    [path for folder in FUNCTIONS for path in files(folder)],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_a_deployed_function_answers_as_its_expectation_says(path: Path, cloud: LocalCloud) -> None:
    answer = client_of(cloud, "lambda").invoke(
        FunctionName=physical_id(cloud, FUNCTIONS[path.parent.name]),
        Payload=path.read_bytes(),
    )
    assert json.loads(answer["Payload"].read()) == duplicate(path)
