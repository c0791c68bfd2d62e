"""Verbs against a stack that stays: deploy, start, look, cancel, take away."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from batchrelay.aws_lambda.wiring import store
from batchrelay_cli.client import Client
from batchrelay_cli.stack.client import Stack, find_stack
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, make_queue, write
from tests.e2e.command_line import batchrelay, document

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
QUICK = """
pipeline: quick
params: {word: {type: string, default: hello}}
steps:
  - jobName: say
    jobDefinition: say
    jobQueue: Words
    arrayProperties: {size: 2}
    containerOverrides:
      command: [sh, -c, 'echo "$1 $AWS_BATCH_JOB_ARRAY_INDEX"', sh, "${params.word}"]
  - {jobName: after, jobDefinition: say, jobQueue: Words, dependsOn: [{jobName: say}]}
jobDefinitions:
  - jobDefinitionName: say
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""
ENDLESS = QUICK.replace("quick", "endless").replace("echo", "exec sleep 100000 #")


def test_a_pipeline_is_deployed_started_looked_at_and_taken_away(tmp_path: Path) -> None:
    file = write(tmp_path, QUICK)
    planned = batchrelay("deploy", file, "--plan").stdout.splitlines()
    assert planned == [
        "job queue Words: new",
        "job definition say: new revision",
        "pipeline quick: new",
    ]
    assert batchrelay("deploy", file, "--plan").stdout.splitlines() == planned, "it changed nothing"
    assert batchrelay("deploy", file).stdout.splitlines() == planned
    assert batchrelay("deploy", file).stdout == "no change\n"
    run = document("start", "quick", "--key", "night", "--param", "word=ahoy")
    again = document("start", "quick", "--key", "night", "--param", "word=other")
    assert (run["runId"], run["version"]) == (again["runId"], 1)
    assert "nothing was started now" in batchrelay("start", "quick", "--key", "night").output
    shown = batchrelay("status", run["runId"], "--watch")
    assert shown.exit_code == 0, shown.output
    assert "SUCCEEDED" in shown.output
    lines = batchrelay("history", run["runId"]).output.splitlines()
    ends = [line for line in lines if line.endswith(("run SUCCEEDED", "on EventBridge SENT"))]
    assert ends[0].endswith("run SUCCEEDED")
    assert batchrelay("logs", f"{run['runId']}/say:1").output == "ahoy 1\n"
    assert run["runId"] in batchrelay("runs", "quick", "--status", "SUCCEEDED").output
    assert batchrelay("runs", "quick", "--status", "FAILED").output == "no runs\n"
    gone = batchrelay("undeploy", "quick").output.splitlines()
    assert gone == [
        "pipeline quick: gone; it was at version 1",
        "job definition say:1: deregistered",
    ]
    refused = batchrelay("start", "quick")
    assert (refused.exit_code, "there is no pipeline quick" in refused.output) == (2, True)
    assert batchrelay("status", run["runId"]).exit_code == 0, "it can still be looked at"


def test_a_start_whose_answer_is_lost_names_the_key_of_the_run_that_it_may_have_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batchrelay("deploy", write(tmp_path, QUICK.replace("quick", "lost")))
    invoke = Stack.invoke

    def deaf(stack: Stack, function: str, event: Any) -> Any:
        invoke(stack, function, event)
        raise ReadTimeoutError(endpoint_url="https://lambda")

    with monkeypatch.context() as patched:
        patched.setattr(Stack, "invoke", deaf)
        lost = batchrelay("start", "lost")
    assert lost.exit_code != 0
    [key] = re.findall(r"--key (\S+)", lost.output)
    before = document("runs", "lost")["runs"]
    again = document("start", "lost", "--key", key)
    assert [run["runId"] for run in before] == [again["runId"]], "one run, that of the lost answer"
    assert len(document("runs", "lost")["runs"]) == 1


def test_a_change_is_a_new_version_and_a_run_keeps_its_own(tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, ENDLESS))
    run = document("start", "endless")
    changed = write(tmp_path, ENDLESS.replace("hello", "bye"))
    assert batchrelay("deploy", changed).stdout == "pipeline endless: a new version instead of 1\n"
    assert batchrelay("deploy", changed).stdout == "no change\n"
    assert document("status", run["runId"])["version"] == 1
    newer = document("start", "endless")
    assert newer["version"] == 2
    assert document("start", "endless", "--version", "1")["version"] == 1
    open_ = batchrelay("undeploy", "endless")
    assert open_.exit_code == 2
    assert "3 runs of endless are open" in open_.output
    for entry in document("runs", "endless")["runs"]:
        assert batchrelay("cancel", entry["runId"], "--reason", "enough").exit_code == 0
        assert batchrelay("status", entry["runId"], "--watch").exit_code == 1
    ended = document("status", run["runId"])
    assert (ended["status"], ended["stopped"]) == ("CANCELLED", "enough")
    assert [step["stopped"] for step in ended["steps"]] == [2, 0]
    assert batchrelay("undeploy", "endless").exit_code == 0


def test_a_run_that_goes_on_is_3_and_the_answers_are_the_apis(tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, ENDLESS))
    run_id = document("start", "endless")["runId"]
    stack = find_stack("batchrelay")
    assert batchrelay("status", run_id).exit_code == 3
    assert document("status", run_id) == Client(stack).status(run_id)
    assert document("history", run_id) == Client(stack).history(run_id)
    assert document("runs") == Client(stack).runs()
    cancelled = document("cancel", run_id)
    assert cancelled["status"] == "CANCELLING"
    began = time.monotonic()
    while document("status", run_id)["status"] != "CANCELLED":
        assert time.monotonic() - began < 20
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("status", "absent"), "there is no run absent"),
        (("history", "absent"), "there is no run absent"),
        (("cancel", "absent"), "there is no run absent"),
        (("failures", "absent"), "there is no run absent"),
        (("failures", "absent/a:1"), "write RUN or RUN/STEP"),
        (("logs", "absent"), "write RUN/STEP or RUN/STEP:INDEX"),
        (("logs", "absent/a:x"), "write RUN/STEP or RUN/STEP:INDEX"),
        (("undeploy", "absent"), "there is no pipeline absent"),
        (("start", "absent"), "there is no pipeline absent"),
        (("start", "absent", "--param", "x"), "write --param NAME=VALUE"),
        (("status", ""), "a name or an id is empty"),
        (("logs", "absent/a:²"), "write RUN/STEP or RUN/STEP:INDEX"),
        (("dlq", "--stack", "other"), "there is no stack other: deploy it with `sam deploy`"),
        (("runs", "--next", "x"), "next is not the value of an earlier page"),
        (("runs", "--stack", "other"), "there is no stack other: deploy it with `sam deploy`"),
    ],
)
def test_an_error_is_one_line(arguments: tuple[str, ...], sentence: str) -> None:
    result = batchrelay(*arguments)
    assert result.exit_code == 2, result.output
    assert sentence in result.output


def test_settings_that_make_no_sense_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    result = batchrelay("runs")
    assert (result.exit_code, "Invalid endpoint" in result.output) == (2, True)


def test_a_queue_that_is_a_parameter_is_its_default(tmp_path: Path) -> None:
    text = QUICK.replace("quick", "param").replace("jobQueue: Words", "jobQueue: '${params.q}'")
    text = text.replace("params: {", "params: {q: {default: R}, ")
    assert "job queue R: new" in batchrelay("deploy", write(tmp_path, text)).output
    run_id = document("start", "param")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 0
    batchrelay("undeploy", "param")


def test_a_revision_of_a_definition_of_the_file_is_refused(tmp_path: Path) -> None:
    text = QUICK.replace("jobDefinition: say,", "jobDefinition: 'say:7',")
    result = batchrelay("deploy", write(tmp_path, text))
    assert result.exit_code == 2
    assert "job definition say:7 names a revision, but this file defines say" in result.output


MIDDLE = """
pipeline: middle
steps:
  - jobName: align
    jobDefinition: say
    jobQueue: wide
    arrayProperties: {size: 4}
    retryStrategy: {attempts: 2}
    containerOverrides:
      command: [sh, -c, 'case $AWS_BATCH_JOB_ARRAY_INDEX in 0) ;; 1) echo "try $AWS_BATCH_JOB_ATTEMPT"; exit 7;; *) exec sleep 100000;; esac']
  - jobName: call
    jobDefinition: say
    jobQueue: wide
    dependsOn: [{jobName: align, type: N_TO_N}]
    containerOverrides: {command: [sh, -c, 'echo called']}
  - {jobName: merge, jobDefinition: say, jobQueue: wide, dependsOn: [{jobName: call}]}
jobDefinitions:
  - jobDefinitionName: say
    type: container
    containerProperties:
      image: i
      command: ["true"]
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]
"""  # noqa: E501  # a command is one line


def counts(run: Any, name: str) -> tuple[int, int, int]:
    [shown] = [step for step in run["steps"] if step["step"] == name]
    return shown["succeeded"], shown["failed"], shown["running"]


@pytest.fixture
def middle(tmp_path: Path, stays: LocalCloud) -> Iterator[str]:
    """A run whose array is in the middle: a child each is done and has failed, two run."""
    batch = client_of(stays, "batch")
    if not batch.describe_job_queues(jobQueues=["wide"])["jobQueues"]:
        make_queue(batch, "wide", slots=8)
    batchrelay("deploy", write(tmp_path, MIDDLE))
    run_id = document("start", "middle")["runId"]
    began = time.monotonic()
    while counts(document("status", run_id), "call") != (1, 1, 0):
        assert time.monotonic() - began < 40, document("status", run_id)
        time.sleep(0.5)
    yield run_id
    batchrelay("cancel", run_id)
    batchrelay("status", run_id, "--watch")


def test_an_array_in_the_middle_shows_its_counts_without_reconcile(middle: str) -> None:
    run = document("status", middle)
    assert counts(run, "align") == (1, 1, 2)
    asked = datetime.fromisoformat(run["asOf"])
    assert abs((datetime.now(UTC) - asked).total_seconds()) < 30
    stack = find_stack("batchrelay")
    stored = store(stack.outputs["TableName"], stack.make_client).load(middle).state("align")
    assert stored.counted_at is None or stored.counted_at < asked, "it is not from reconcile"
    text = batchrelay("status", middle).output
    assert "2/4 (2 running, 1 failed)" in text
    assert "2/4 (1 failed, 1 of them upstream)" in text


def test_logs_say_which_child_and_attempt_they_are_of(middle: str) -> None:
    failed = batchrelay("logs", f"{middle}/align")
    assert failed.stdout == "try 2\n"
    assert failed.stderr == f"{middle}/align:1: attempt 2 of 2, FAILED, exit code 7\n"
    done = batchrelay("logs", f"{middle}/align:0")
    assert done.stdout == ""
    assert done.stderr.endswith("is SUCCEEDED and has printed nothing\n")
    at_work = batchrelay("logs", f"{middle}/align:2")
    assert "is RUNNING and has printed nothing" in at_work.stderr
    shown = document("logs", f"{middle}/align:1")
    assert [shown[name] for name in ("index", "attempt", "status", "isCut", "lines")] == [
        1,
        2,
        "FAILED",
        False,
        ["try 2"],
    ]


def test_the_log_of_a_child_that_never_ran_names_the_one_that_failed(middle: str) -> None:
    for place in ("call:1", "call"):
        casualty = batchrelay("logs", f"{middle}/{place}")
        assert casualty.stdout == ""
        assert casualty.stderr.splitlines()[-1] == (
            f"{middle}/call:1: it never ran, because align:1 failed, on which it depends: "
            f"batchrelay logs {middle}/align:1"
        )
    for place in ("merge", "merge:0"):
        assert (
            "step merge is WAITING: it has no job" in batchrelay("logs", f"{middle}/{place}").stderr
        )
    assert "step align has no child 4: 0 to 3" in batchrelay("logs", f"{middle}/align:4").stderr


def test_a_log_that_is_long_is_cut_and_says_so(tmp_path: Path) -> None:
    counted = "seq 1 $((1000 + $AWS_BATCH_JOB_ARRAY_INDEX))"
    text = QUICK.replace("quick", "long").replace('echo "$1 $AWS_BATCH_JOB_ARRAY_INDEX"', counted)
    batchrelay("deploy", write(tmp_path, text))
    run_id = document("start", "long")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 0
    whole = batchrelay("logs", f"{run_id}/say:0")
    assert (len(whole.stdout.splitlines()), whole.stderr) == (1_000, "")
    cut = batchrelay("logs", f"{run_id}/say:1")
    assert cut.stdout.splitlines()[::999] == ["2", "1001"]
    assert cut.stderr.startswith("the last 1,000 lines; all of them: aws logs filter-log-events ")


def test_a_region_is_read_as_other_sdks_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert "there is no stack batchrelay" in batchrelay("runs").output, "it is in another region"
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert find_stack("batchrelay").batch.meta.region_name == "us-east-1"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert batchrelay("runs").exit_code == 0
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/absent")
    result = batchrelay("runs")
    assert result.exit_code == 2
    assert result.stderr == (
        "batchrelay: You must specify a region: set AWS_REGION and AWS_PROFILE, or "
        "AWS_ENDPOINT_URL of a cloud that is up, or start a local cloud with `batchrelay local up` "
        "and paste the export lines that it prints\n"
    )


def test_a_cloud_that_is_gone_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    result = batchrelay("runs")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "start a local cloud with `batchrelay local up`" in result.stderr


SHARED = """
pipeline: shared
defaults:
  jobDefinition: say
  jobQueue: Shared
  SHARE
steps:
  - {jobName: one}
  - {jobName: two, dependsOn: [{jobName: one}]}
jobDefinitions:
  - jobDefinitionName: say
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
""".replace("SHARE", "shareIdentifier: team\n  schedulingPriorityOverride: 5")


def test_a_queue_of_jobs_with_a_share_is_made_a_fair_share_queue(
    stays: LocalCloud, tmp_path: Path
) -> None:
    assert batchrelay("deploy", write(tmp_path, SHARED)).exit_code == 0
    run = document("start", "shared")
    assert batchrelay("status", run["runId"], "--watch").exit_code == 0
    [queue] = client_of(stays, "batch").describe_job_queues(jobQueues=["Shared"])["jobQueues"]
    assert ":scheduling-policy/share-Shared-" in queue["schedulingPolicyArn"]
    plain = SHARED.replace("shareIdentifier: team\n  schedulingPriorityOverride: 5", "")
    refused = batchrelay("deploy", write(tmp_path, plain))
    assert refused.exit_code == 2
    assert "pipeline.yaml:9:5: job queue Shared is a fair-share queue: write shareIdentifier" in (
        refused.output
    )


def test_deploy_uses_queues_and_definitions_made_by_other_clients(
    stays: LocalCloud, tmp_path: Path
) -> None:
    """By boto3 or by the aws CLI: a job queue, and job definitions that the file does not have."""
    batch = client_of(stays, "batch")
    make_queue(batch, "theirs", slots=2)
    container = {"image": "i", "command": ["true"], "vcpus": 1, "memory": 64}
    arn = batch.register_job_definition(
        jobDefinitionName="theirs", type="container", containerProperties=container
    )["jobDefinitionArn"]
    text = f"""
pipeline: of-theirs
params: {{name: theirs}}
defaults: {{jobQueue: theirs}}
steps:
  - {{jobName: by-name, jobDefinition: theirs}}
  - {{jobName: by-revision, jobDefinition: "theirs:1"}}
  - {{jobName: by-arn, jobDefinition: "{arn}"}}
  - {{jobName: by-param, jobDefinition: "${{params.name}}"}}
"""
    planned = batchrelay("deploy", write(tmp_path, text), "--plan")
    assert planned.stdout == "pipeline of-theirs: new\n"
    here = f"sam deploy --stack-name batchrelay --parameter-overrides JobDefinitionArns={arn[:-2]}"
    queue = f"JobQueueArns={arn.partition(':job-def')[0]}:job-queue/theirs"
    assert planned.stderr.endswith(f"to allow it: {here},{arn} {queue}\n")  # in AWS
    assert batchrelay("deploy", write(tmp_path, text)).exit_code == 0
    run = document("start", "of-theirs")
    assert batchrelay("status", run["runId"], "--watch").exit_code == 0
    for wrong in ("nobodys", "theirs:7"):
        changed = text.replace("jobDefinition: theirs}", f'jobDefinition: "{wrong}"}}')
        refused = batchrelay("deploy", write(tmp_path, changed))
        assert refused.exit_code == 2
        assert (
            f":6:39: job definition {wrong} is not in this file's jobDefinitions" in refused.output
        )
    shared = text.replace("jobQueue: theirs", "jobQueue: theirs, shareIdentifier: team")
    refused = batchrelay("deploy", write(tmp_path, shared))
    assert "job queue theirs is not a fair-share queue: leave shareIdentifier out" in refused.output


NEEDS = (
    QUICK.replace("quick", "needs").replace("jobQueue: Words", "jobQueue: MainQueue")
    + """
notify: [{topicArn: "arn:aws:sns:us-east-1:000000000000:other"}]
""".lstrip()
)


def test_deploy_says_what_aws_would_not_allow(tmp_path: Path) -> None:
    each = 'jobName: after, flow: {forEach: {file: "s3://payroll/l"}}'
    file = write(tmp_path, NEEDS.replace("jobName: after", each))
    result = batchrelay("deploy", file)
    assert (result.exit_code, "pipeline needs: new" in result.stdout) == (0, True)
    lead = "warning: in AWS, stack batchrelay does not allow"
    allow = (
        "to allow it: sam deploy --stack-name batchrelay --parameter-overrides "
        "ItemsBucketArn=arn:aws:s3:::payroll TopicArns=arn:aws:sns:us-east-1:000000000000:other"
    )
    topic = "topic arn:aws:sns:us-east-1:000000000000:other (TopicArns)"
    warnings = [
        f"{file}:11:45: {lead} bucket payroll (ItemsBucketArn)",
        f"{file}:16:21: {lead} {topic}",
        allow,
    ]
    assert result.stderr.splitlines() == warnings
    assert document("deploy", str(file)) == {
        "changed": [],
        "warnings": warnings,
        "checked": ["job queues and their compute environments: MainQueue"],
        "notChecked": [],
    }


def test_what_an_account_does_not_have_is_found_when_it_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local cloud stands for an account here."""
    monkeypatch.setattr("batchrelay_cli.client.registration.is_local", lambda _: False)
    text = QUICK.replace("quick", "elsewhere").replace("after, jobDefinition: say", "after, "
                         "jobDefinition: nobodys")  # fmt: skip
    refused = batchrelay("deploy", write(tmp_path, text))
    assert refused.exit_code == 2
    assert "there is no job definition nobodys in this file, nor in this account" in refused.output


RETRIED = QUICK.replace("quick", "retried").replace(
    "arrayProperties: {size: 2}",
    "flow: {forEach: {items: [a, b]}, retryFailed: {rounds: 1, jobQueue: RETRY}}",
)


def test_a_job_queue_that_takes_no_jobs_is_refused_at_its_line(
    stays: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of the rounds of failed items, which would come too late to say so."""
    batch = client_of(stays, "batch")
    make_queue(batch, "on-demand", slots=1)
    make_queue(batch, "closed", slots=1)
    batch.update_job_queue(jobQueue="closed", state="DISABLED")
    closed = write(tmp_path, RETRIED.replace("RETRY", "closed"))
    sentence = ":8:73: job queue closed is DISABLED: enable it, or name another one"
    refused = batchrelay("deploy", closed)
    assert (refused.exit_code, sentence in refused.output) == (2, True), refused.output
    monkeypatch.setattr("batchrelay_cli.client.registration.is_local", lambda _: False)
    assert sentence in batchrelay("deploy", closed).output
    refused = batchrelay("deploy", write(tmp_path, RETRIED.replace("RETRY", "On_demnd")))
    sentence = ":8:73: there is no job queue On_demnd in this account and region: did you mean "
    assert (refused.exit_code, sentence + "on-demand?" in refused.output) == (2, True)
    assert "retried" not in batchrelay("runs", "--output", "json").output


def test_a_job_queue_in_which_no_job_would_begin_is_refused_before_anything_is_registered(
    stays: LocalCloud, tmp_path: Path
) -> None:
    batch = client_of(stays, "batch")
    make_queue(batch, "asleep", slots=1)
    batch.update_compute_environment(computeEnvironment="slots-asleep", state="DISABLED")
    file = write(tmp_path, QUICK.replace("quick", "never").replace("Words", "asleep"))
    sentence = (
        ":7:15: no job of job queue asleep would begin: compute environment slots-asleep is "
        "DISABLED: enable it"
    )
    for arguments in (("deploy", file, "--plan"), ("deploy", file)):
        refused = batchrelay(*arguments)
        assert (refused.exit_code, sentence in refused.output) == (2, True), refused.output
    batch.update_compute_environment(computeEnvironment="slots-asleep", state="ENABLED")
    large = write(tmp_path, Path(file).read_text().replace("vcpus: 1", "vcpus: 2"))
    refused = batchrelay("deploy", large)
    assert "a job of say asks for 2 vCPUs, and no compute environment of" in refused.output
    file = write(tmp_path, Path(large).read_text().replace("vcpus: 2", "vcpus: 1"))
    planned = batchrelay("deploy", file, "--plan")
    first = planned.stderr.splitlines()[0]
    assert first == "checked job queues and their compute environments: asleep"
    assert "pipeline never: new" in planned.stdout


def test_a_text_with_the_name_of_a_folder_stays_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batchrelay("deploy", write(tmp_path, QUICK.replace("quick", "folder")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    started = batchrelay("start", "folder", "--param", "word=texts", "--output", "json")
    assert json.loads(started.stdout)["params"] == {"word": "texts"}
    assert "parameter word is 'texts', as it is" in started.stderr
