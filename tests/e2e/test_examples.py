"""Every example at its small size, by the command that its README names."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from batchrelay_local.launch import LocalCloud
from tests.e2e.command_line import batchrelay, document, printed
from tests.stack import ROOT

pytestmark = pytest.mark.cloud
EXAMPLES = ROOT / "examples"

EXPECTED = {
    "array-workflow": ([], "cleaned up; summary at s3://"),
    "manifest": (["--param", f"source={EXAMPLES}/manifest/texts"], '"a b+c%20é.txt"'),
    "chunked": (["--param", "files=210"], "210 of 210 items done by 3 children"),
    "dynamic-queue": ([], "pulled: 32 items"),
    "checkpoint": ([], "attempt 2 ended with 10 of 10 items done"),
    "incremental": (["--param", f"source={EXAMPLES}/incremental/texts"], "new.txt counted"),
    "sizes": ([], "SUCCEEDED"),
    "tree-aggregate": (["--param", "results=201"], "3 inputs, sum 2727101"),
    "sweep": ([], '"score": 1.0, "rate": 0.2, "depth": 4, "kind": "forest"'),
}
CHILDREN = {
    "array-workflow": {"JobA": 1, "JobB": 20, "JobC": 20, "JobD": 10, "JobE": 1},
    "manifest": {"list": 1, "process": 3, "aggregate": 1},
    "chunked": {"list": 1, "process": 3, "report": 1},
    "dynamic-queue": {"list": 1, "pulled": 8, "fixed": 8, "compare": 1},
    "checkpoint": {"process": 1, "report": 1},
    "incremental": {"first": 3, "arrive": 1, "second": 1, "third": 0},
    "sizes": {"list": 1, "process": 10},
    "tree-aggregate": {"list": 1, "square": 1, "sum": 1},
    "sweep": {"simulate": 12, "best": 1},
}


@cache
def run(name: str, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What it showed, and its report, of a run on the cloud of all tests: once each."""
    file = EXAMPLES / name / "pipeline.yaml"
    result = batchrelay("run", str(file), "--output", "json", *arguments)
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return result.stderr, report


@pytest.mark.usefixtures("run_on_cloud")
@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_its_result(name: str) -> None:
    arguments, last_log = EXPECTED[name]
    shown, report = run(name, *arguments)
    assert last_log in shown
    steps = report["run"]["steps"]
    assert {step["step"]: step["children"] for step in steps} == CHILDREN[name]
    assert report["run"]["status"] == "SUCCEEDED"


def test_every_example_is_tested_and_has_its_parts() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if (path / "pipeline.yaml").exists()}
    assert folders == {*EXPECTED, "word-count", "retry-failed"}, "test_run.py, test_failed_items.py"
    for name in folders:
        for part in ("README.md", "Dockerfile"):
            assert (EXAMPLES / name / part).is_file(), f"{name} has no {part}"


N_TO_N = """
pipeline: n-to-n
defaults: {jobQueue: Q}
notify: [{topicArn: "${env.topicArn}"}]
steps:
  - {jobName: a, jobDefinition: a, arrayProperties: {size: 6}}
  - {jobName: b, jobDefinition: b, dependsOn: [{jobName: a, type: N_TO_N}]}
  - {jobName: c, jobDefinition: b, dependsOn: [{jobName: b}]}
jobDefinitions:
  - {jobDefinitionName: a, type: container, containerProperties: {image: i, command: [sh, -c, 'test $AWS_BATCH_JOB_ARRAY_INDEX -gt 1'], resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "256"}]}}
  - {jobDefinitionName: b, type: container, containerProperties: {image: i, command: [sh, -c, 'test $AWS_BATCH_JOB_ARRAY_INDEX != 4'], resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "256"}]}}
"""


@pytest.mark.usefixtures("run_on_cloud")
def test_a_failed_n_to_n_part_fails_its_own_children_and_is_distinguished(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(N_TO_N)
    result = batchrelay("run", str(file))
    assert result.exit_code == 1
    assert "a: FAILED, 4 of 6 children succeeded" in result.output
    assert "b: FAILED, 3 of 6 children succeeded, 1 failed, 2 failed upstream" in result.output
    assert "c: SKIPPED (needs b, which is FAILED)" in result.output


def prices_file(folder: Path, cloud: LocalCloud) -> Path:
    """A price in the region of the local cloud."""
    region = cloud.environment["AWS_DEFAULT_REGION"]
    kind = {"m5.xlarge": {"hour": 0.192, "vcpus": 4, "mib": 16_384}}
    file = folder / "prices.json"
    file.write_text(json.dumps({"ec2": {"regions": {region: kind}}}))
    return file


HELD_MIB = 300
HOLD = f"held = bytearray(b'x') * ({HELD_MIB} << 20)"
KNOWN = f"""
# a comment that stays
pipeline: known
defaults: {{jobQueue: Q}}
steps:
  - jobName: hold # so does this one
    jobDefinition: hold
    flow: {{forEach: {{items: [1, 2, 3]}}}}
jobDefinitions:
  - jobDefinitionName: hold
    type: container
    containerProperties:
      image: i
      command: [batchrelay-worker, run, --, python3, -c, "{HOLD}"]
      resourceRequirements: [{{type: VCPU, value: "2"}}, {{type: MEMORY, value: "4096"}}]
"""


@pytest.mark.usefixtures("run_on_cloud")
def test_tune_advises_what_known_items_need_and_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(KNOWN)
    run_id = document("run", str(file))["run"]["runId"]
    result = batchrelay("tune", f"{run_id}/hold", "--output", "json", "--write", str(file))
    assert result.exit_code == 0, result.output
    [entry] = json.loads(result.stdout)
    python_mib = 10
    needed = (HELD_MIB + python_mib) * 1.2
    assert needed * 0.95 < entry["advice"]["memoryMiB"] < needed * 1.05 + 32
    assert entry["advice"]["killedShare"] == 0
    assert f"{file}: step hold is changed" in result.stderr
    text = file.read_text()
    written = f'{{type: MEMORY, value: "{entry["advice"]["memoryMiB"]}"}}'
    assert written in text
    assert "# a comment that stays" in text
    assert "- jobName: hold # so does this one\n" in text
    lines = [line for line in text.splitlines() if "containerOverrides" not in line]
    kept = [re.sub(r"chunk: \d+, ", "", line) for line in lines]
    assert kept == KNOWN.splitlines(), "one line more, and the chunk"


@pytest.mark.usefixtures("run_on_cloud")
def test_tune_recommends_by_what_items_took(stays: LocalCloud, tmp_path: Path) -> None:
    """On a cloud that stays up, with the AWS settings of the environment."""
    _, report = run("sizes")
    run_id = report["run"]["runId"]
    priced = ["--instance-type", "m5.xlarge", "--prices", str(prices_file(tmp_path, stays))]
    words = ["tune", f"{run_id}/process", *priced]
    large, small = document(*words)
    assert (large["items"], large["vcpus"], large["memoryMiB"]) == (2, 2.0, 16_384)
    assert (small["items"], small["vcpus"], small["memoryMiB"]) == (8, 1.0, 2_048)
    assert large["costPerItem"] > 0
    assert 0 < small["advice"]["peakMiB"] < 200
    shown = printed(*words)
    assert "recommended: flow.chunk: " in shown
    assert "of the items would have been killed with that memory" in shown
    whole = document("tune", run_id)
    assert [entry["step"] for entry in whole] == ["process"] * 2
    assert whole[0]["costPerItem"] is None, "EC2 without an instance type"
    wrong = batchrelay("tune", f"{run_id}/absent")
    assert wrong.exit_code == 2
    assert "has no step absent: it has list, process" in wrong.output
    wrong = batchrelay("tune", f"{run_id}/list")
    assert "there are no result records" in wrong.output
