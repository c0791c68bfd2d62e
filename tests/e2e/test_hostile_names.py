"""Names of objects and values of lists as strangers choose them: exact, and nothing is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchrelay.domain.job_tags import tag_value
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.e2e.command_line import batchrelay, ended_runs, printed

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
NAMES = (
    "quote's", 'double"quote', "`id`", "$(id)", "a;id>owned;b", "-rf", "--help", "a%20b", "a+b c",
    "ümläut é", "{item.key}", "${run.id}", "back\\slash", "*", "a&b|c<d>", "$HOME",
)  # fmt: skip
DEFINITION = "{jobDefinitionName: shell, type: container, containerProperties: {image: i, command: ['true'], vcpus: 1, memory: 64}}"
BY_UPLOAD = f"""
pipeline: by-upload
params: {{key: "${{trigger.key}}"}}
defaults: {{jobQueue: Hostile, jobDefinition: shell}}
steps:
  - jobName: look
    containerOverrides: {{command: [sh, -c, 'printf "%s\\n" "$1"', sh, "${{params.key}}"]}}
    tags: {{upload: "${{params.key}}", "batchrelay:step": mine}}
triggers: [{{s3: {{bucket: hostile}}}}]
jobDefinitions: [{DEFINITION}]
"""
LISTED = f"""
pipeline: listed
params: {{source: {{type: s3uri}}}}
defaults: {{jobQueue: Hostile, jobDefinition: shell}}
steps:
  - jobName: look
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'printf "%s\\n" "$ITEM_NAME" "$1" "$(batchrelay-worker get "$2")"', sh, "{{item.name}}", "{{item.uri}}"]
    flow: {{forEach: {{prefix: "${{params.source}}"}}, chunk: 100}}
jobDefinitions: [{DEFINITION}]
"""
PASTED = f"""
pipeline: NAME
params: {{list: {{type: s3uri}}}}
steps:
  - jobName: look
    jobQueue: Hostile
    jobDefinition: shell
    containerOverrides: {{command: [sh, SCRIPT]}}
    flow: {{forEach: {{file: "${{params.list}}"}}, unsafeShell: ALLOWED}}
jobDefinitions: [{DEFINITION}]
"""


def test_an_uploaded_key_is_a_value_and_no_code(stays: LocalCloud, tmp_path: Path) -> None:
    s3 = client_of(stays, "s3")
    s3.create_bucket(Bucket="hostile")
    printed("deploy", write(tmp_path, BY_UPLOAD))
    for name in NAMES:
        s3.put_object(Bucket="hostile", Key=name, Body=b"x")
    runs = ended_runs("by-upload", len(NAMES))
    logs = {printed("logs", f"{run['runId']}/look") for run in runs}
    assert logs == {f"{name}\n" for name in NAMES}
    check_tags({run["runId"] for run in runs}, client_of(stays, "batch"))
    printed("undeploy", "by-upload")


def check_tags(run_ids: set[str], batch: Any) -> None:
    """Those of the file win; a key that a run was started by is made a tag."""
    filters = [{"name": "JOB_NAME", "values": ["br-*"]}]
    ids = [
        j["jobId"] for j in batch.list_jobs(jobQueue="Hostile", filters=filters)["jobSummaryList"]
    ]
    jobs = [
        job
        for job in batch.describe_jobs(jobs=ids)["jobs"]
        if job["tags"]["batchrelay:pipeline"] == "by-upload"
    ]
    assert {job["tags"]["batchrelay:run"] for job in jobs} == run_ids
    assert {job["tags"]["upload"] for job in jobs} == {tag_value(name) for name in NAMES}
    for job in jobs:
        assert (job["propagateTags"], job["tags"]["batchrelay:step"]) == (True, "mine")
        listed = batch.list_tags_for_resource(resourceArn=job["jobArn"])["tags"]
        assert job["tags"] == {**listed, "resourceArn": job["jobArn"]}


def test_an_uploaded_folder_is_listed_and_read_by_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"in {name}")
    printed("deploy", write(tmp_path, LISTED))
    printed("start", "listed", "--param", f"source={folder}")
    [run] = ended_runs("listed")
    lines = [
        line
        for line in printed("logs", f"{run['runId']}/look").splitlines()
        if not line.startswith("[batchrelay]")
    ]
    rows = {tuple(lines[at : at + 3]) for at in range(0, len(lines), 3)}
    assert rows == {(name, name, f"in {name}") for name in NAMES}
    printed("undeploy", "listed")


@pytest.mark.parametrize(
    ("allowed", "status", "log_text"),
    [
        ("false", "FAILED", "{item.sample} is in the code of sh: what it holds would run as code."),
        ("true", "SUCCEEDED", "S executed"),
    ],
)
def test_a_row_with_backticks_runs_only_if_the_file_allows_it(
    tmp_path: Path, allowed: str, status: str, log_text: str
) -> None:
    """In a script of the image, which lint cannot see: the worker refuses."""
    script, rows = tmp_path / "script.sh", tmp_path / "rows.csv"
    script.write_text("exec batchrelay-worker run -- sh -c 'echo S {item.sample}'\n")
    rows.write_text("sample\n`echo executed`\n")
    text = PASTED.replace("NAME", f"pasted-{allowed}").replace("SCRIPT", str(script))
    printed("deploy", write(tmp_path, text.replace("ALLOWED", allowed)))
    printed("start", f"pasted-{allowed}", "--param", f"list={rows}")
    [run] = ended_runs(f"pasted-{allowed}", statuses=[status])
    log = printed("logs", f"{run['runId']}/look")
    assert log_text in log
    assert ("executed\n" in log) is (allowed == "true"), log
    printed("undeploy", f"pasted-{allowed}")


def test_the_pipelines_that_ran_a_key_are_refused(tmp_path: Path) -> None:
    for text in (
        BY_UPLOAD.replace('"$1"\', sh, "${params.key}"', "${params.key}'"),
        LISTED.replace('"$ITEM_NAME"', "{item.name}"),
    ):
        for verb in ("lint", "run", "deploy"):
            result = batchrelay(verb, write(tmp_path, text))
            assert result.exit_code == 2, result.output
            assert "is in the code of sh: what it holds would run as code." in result.output
