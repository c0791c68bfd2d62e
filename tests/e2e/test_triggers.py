"""Uploads and schedules start runs, on the local cloud: rules, queue and function as deployed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from batchrelay_cli.stack.client import find_stack
from batchrelay_cli.stack.event_rules import TriggerRules
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.e2e.command_line import batchrelay, document, ended_runs, printed

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
PATIENCE_S = 30
UPLOADS = """
pipeline: uploads
params:
  source: {type: s3uri, default: "s3://${trigger.bucket}/${trigger.key}"}
steps:
  - jobName: look
    jobDefinition: look
    jobQueue: Q
    containerOverrides: {command: [echo, "${params.source}", "in ${trigger.folder}"]}
triggers:
  - s3: {bucket: inbox, prefix: incoming/, suffix: .csv}
jobDefinitions:
  - jobDefinitionName: look
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""
KEYS = ("incoming/a b+c%20é.csv", "incoming/deep/x.csv", "incoming/=&'.csv")
NO_KEYS = ("incoming/a.txt", "other/a.csv", "incoming/folder.csv/")


def test_an_upload_starts_one_run_whatever_its_key_and_however_often_it_comes(
    stays: LocalCloud, tmp_path: Path
) -> None:
    file = write(tmp_path, UPLOADS)
    assert "trigger s3://inbox/incoming/*.csv: new" in printed("deploy", file)
    assert printed("deploy", file) == "no change\n"
    s3 = client_of(stays, "s3")
    for key in (*KEYS, *NO_KEYS):
        s3.put_object(Bucket="inbox", Key=key, Body=b"" if key.endswith("/") else b"1,2\n")
    runs = ended_runs("uploads", len(KEYS))
    logs = {printed("logs", f"{run['runId']}/look") for run in runs}
    assert logs == {f"s3://inbox/{key} in s3://inbox/{key.rpartition('/')[0]}/\n" for key in KEYS}
    for _ in range(10):
        deliver(stays, "incoming/ten-times.csv")
    s3.put_object(Bucket="inbox", Key=KEYS[0], Body=b"3,4\n")  # an overwrite is an upload
    ended_runs("uploads", len(KEYS) + 2)
    removed = printed("undeploy", "uploads")
    assert "trigger s3://inbox/incoming/*.csv: removed" in removed
    s3.put_object(Bucket="inbox", Key="incoming/late.csv", Body=b"x")
    assert rules_of(stays, "uploads") == []


def rules_of(cloud: LocalCloud, pipeline: str) -> list[Any]:
    prefix = prefix_of(pipeline)
    return list(client_of(cloud, "events").list_rules(NamePrefix=prefix)["Rules"])


def schedules_of(cloud: LocalCloud, pipeline: str) -> list[Any]:
    prefix = prefix_of(pipeline)
    return list(client_of(cloud, "scheduler").list_schedules(NamePrefix=prefix)["Schedules"])


def prefix_of(pipeline: str) -> str:
    """Of the names of a pipeline's rules and schedules."""
    stack = find_stack("batchrelay")
    return TriggerRules(stack=stack, stack_name="batchrelay", pipeline=pipeline).prefix


def deliver(cloud: LocalCloud, key: str) -> None:
    """An upload's message, as the rule sends it, and as EventBridge may repeat it."""
    found = {"key": key, "size": 4, "etag": "e", "sequencer": "1"}
    message = {"pipeline": "uploads", "s3": {"bucket": {"name": "inbox"}, "object": found}}
    sqs = client_of(cloud, "sqs")
    sqs.send_message(QueueUrl=cloud.outputs["TriggerQueueUrl"], MessageBody=json.dumps(message))


def test_a_dropped_trigger_is_removed_and_a_schedule_fires_at_its_time(
    stays: LocalCloud, tmp_path: Path
) -> None:
    text = UPLOADS.replace("uploads", "timed")
    printed("deploy", write(tmp_path, text))
    now = datetime.now(UTC)
    wall = f"at({now.astimezone(ZoneInfo('Asia/Kolkata')):%Y-%m-%dT%H:%M:%S})"
    schedule = f"  - schedule: {{expression: {wall}, timezone: Asia/Kolkata}}"
    text = text.replace("  - s3: {bucket: inbox, prefix: incoming/, suffix: .csv}", schedule)
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
    changes = printed("deploy", write(tmp_path, text.replace(', "in ${trigger.folder}"', "")))
    assert "trigger s3://inbox/incoming/*.csv: removed" in changes
    assert f"trigger {wall} Asia/Kolkata: new" in changes
    [run] = ended_runs("timed", 1)
    shown = document("status", run["runId"])
    time_param = shown["params"]["source"].removeprefix("s3://b/")
    assert time_param == f"{now:%Y-%m-%dT%H:%M:%SZ}"
    assert "removed" in printed("undeploy", "timed")
    assert schedules_of(stays, "timed") == []


def test_a_rule_and_a_schedule_may_change_places(stays: LocalCloud, tmp_path: Path) -> None:
    upload = "  - s3: {bucket: inbox, prefix: incoming/, suffix: .csv}"
    schedule = "  - schedule: {expression: 'cron(0 2 1 1 ? 2199)'}"  # a rate begins at once
    text = UPLOADS.replace("uploads", "swapped").replace(', "in ${trigger.folder}"', "")
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/k")
    for order in (f"{upload}\n{schedule}", f"{schedule}\n{upload}", schedule):
        file = write(tmp_path, text.replace(upload, order))
        printed("deploy", file)
        assert printed("deploy", file) == "no change\n"
    assert rules_of(stays, "swapped") == []
    assert len(schedules_of(stays, "swapped")) == 1
    printed("undeploy", "swapped")


def test_a_batch_of_uploads_is_one_run_over_all_of_them(stays: LocalCloud, tmp_path: Path) -> None:
    text = UPLOADS.replace("uploads", "batched").replace(', "in ${trigger.folder}"', "")
    text = text.replace("suffix: .csv", "debounce: 2s")
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "${trigger.uploads}")
    printed("deploy", write(tmp_path, text))
    s3 = client_of(stays, "s3")
    for number in range(60):
        s3.put_object(Bucket="inbox", Key=f"incoming/{number:02}", Body=b"x" * number)
    [run] = ended_runs("batched", 1)
    listed = printed("logs", f"{run['runId']}/look").strip()
    bucket, _, key = listed.removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    entries = [json.loads(line) for line in body.splitlines()]
    keys = [(entry["bucket"], entry["key"], entry["size"]) for entry in entries]
    assert keys == [("inbox", f"incoming/{number:02}", number) for number in range(60)]
    printed("undeploy", "batched")


def test_nights_that_have_passed_are_run_one_after_the_other_and_once(tmp_path: Path) -> None:
    schedule = '{schedule: {expression: "cron(0 2 * * ? *)", overlap: queue}}'
    text = UPLOADS.replace("uploads", "nightly").replace(', "in ${trigger.folder}"', "")
    text = text.replace("s3: {bucket: inbox, prefix: incoming/, suffix: .csv}", schedule[1:-1])
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
    printed("deploy", write(tmp_path, text))
    command = ("backfill", "nightly", "--from", "2026-11-01", "--to", "2026-11-05")
    planned = document(*command, "--plan")["planned"]
    assert [entry["time"] for entry in planned] == [f"2026-11-0{n}T02:00:00Z" for n in range(1, 6)]
    assert document("runs", "nightly")["runs"] == []
    assert printed(*command).count("2026-11-0") == len(planned)
    runs = ended_runs("nightly", 5)
    assert [run["runId"] for run in reversed(runs)] == [entry["runId"] for entry in planned]
    shown = [document("status", run["runId"]) for run in runs]
    intervals = [(run["dequeuedAt"] or run["startedAt"], run["endedAt"]) for run in reversed(shown)]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(intervals))
    assert printed(*command).count("(it was there)") == len(planned)
    assert "no scheduled time" in printed(
        *command[:2], "--from", "2030-01-01", "--to", "2030-02-01"
    )
    printed("undeploy", "nightly")


def test_backfill_knows_the_nights_of_a_zone_and_its_last_friday(tmp_path: Path) -> None:
    berlin = '{schedule: {expression: "cron(30 2 * * ? *)", timezone: Europe/Berlin}}'
    friday = '{schedule: {expression: "cron(0-15/5 8-8 ? * FRIL *)", timezone: America/New_York}}'
    for schedule, days, expected in (
        (berlin, ("2026-10-24", "2026-10-26"), ["24T00:30", "25T00:30", "26T01:30"]),
        (berlin, ("2026-03-28", "2026-03-30"), ["28T01:30", "30T00:30"]),
        (friday, ("2026-10-25", "2026-11-25"), [f"30T12:{minute:02}" for minute in (0, 5, 10, 15)]),
    ):  # fmt: skip
        text = UPLOADS.replace("uploads", "zoned").replace(', "in ${trigger.folder}"', "")
        text = text.replace("s3: {bucket: inbox, prefix: incoming/, suffix: .csv}", schedule[1:-1])
        text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
        printed("deploy", write(tmp_path, text))
        command = ("backfill", "zoned", "--from", days[0], "--to", days[1])
        planned = document(*command, "--plan")["planned"]
        assert [entry["time"][8:16] for entry in planned] == expected
    printed("undeploy", "zoned")


def test_a_schedule_is_fired_by_hand_and_a_time_has_one_run(tmp_path: Path) -> None:
    schedule = '{schedule: {expression: "cron(30 2 * * ? *)", timezone: Europe/Berlin}}'
    text = UPLOADS.replace("uploads", "fired").replace(', "in ${trigger.folder}"', "")
    text = text.replace("s3: {bucket: inbox, prefix: incoming/, suffix: .csv}", schedule[1:-1])
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
    printed("deploy", write(tmp_path, text))
    night = ("local", "fire", "fired", "--at", "2026-10-25T02:30:00+02:00")
    fired = document(*night)
    plan = ("backfill", "fired", "--from", "2026-10-25", "--to", "2026-10-25", "--plan")
    [planned] = document(*plan)["planned"]
    assert (fired["time"], fired["runId"]) == (planned["time"], planned["runId"])
    assert (fired["schedule"], fired["timezone"]) == ("cron(30 2 * * ? *)", "Europe/Berlin")
    [run] = ended_runs("fired", 1)
    shown = document("status", run["runId"])
    assert (shown["runId"], shown["params"]["source"]) == (
        planned["runId"],
        f"s3://b/{planned['time']}",
    )
    again = (
        f"{planned['time']}  run {planned['runId']}  SUCCEEDED (it was there; a time has one run)"
    )
    assert printed(*night).startswith(again)
    began = datetime.now(UTC).replace(microsecond=0)
    now = document("local", "fire", "fired")
    assert now["new"]
    assert began <= datetime.fromisoformat(now["time"]) <= datetime.now(UTC)
    ended_runs("fired", 2)
    printed("undeploy", "fired")


def test_which_of_several_schedules_is_fired_is_asked_if_it_matters(tmp_path: Path) -> None:
    one, other = "cron(0 2 1 1 ? 2199)", "cron(0 3 1 1 ? 2199)"
    text = UPLOADS.replace("uploads", "several").replace(', "in ${trigger.folder}"', "")
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
    uploads = "  - s3: {bucket: inbox, prefix: incoming/, suffix: .csv}"

    def deployed(overlap: str) -> None:
        schedules = f"  - schedule: {{expression: '{one}'}}\n"
        schedules += f"  - schedule: {{expression: '{other}', overlap: {overlap}}}"
        printed("deploy", write(tmp_path, text.replace(uploads, schedules)))

    def refused(*arguments: str) -> str:
        result = batchrelay("local", "fire", *arguments)
        assert result.exit_code == 2
        return result.stderr

    assert "there is no pipeline absent" in refused("absent")
    printed("deploy", write(tmp_path, UPLOADS.replace("uploads", "several")))
    assert "pipeline several has no schedule: write `triggers:" in refused("several")
    deployed("parallel")
    printed("local", "fire", "several", "--at", "2026-11-01T00:00:00Z")
    deployed("queue")
    assert f'--schedule "EXPRESSION", of {one} UTC, {other} UTC' in refused("several")
    assert f"has no schedule rate(1 day): it has {one} UTC" in refused(
        "several", "--schedule", "rate(1 day)"
    )
    for number, expression in enumerate((one, f"{other} UTC")):
        at = f"2026-11-02T0{number}:00:00Z"
        printed("local", "fire", "several", "--schedule", expression, "--at", at)
    runs = ended_runs("several", 3)
    assert {run["cause"][:16] for run in runs} == {
        "2026-11-01T00:00",
        "2026-11-02T00:00",
        "2026-11-02T01:00",
    }
    printed("undeploy", "several")


def test_runs_that_wait_are_cancelled_all_at_once_and_a_night_has_one_run(tmp_path: Path) -> None:
    schedule = '{schedule: {expression: "cron(0 2 * * ? *)", overlap: queue}}'
    text = UPLOADS.replace("uploads", "stopped")
    text = text.replace("s3: {bucket: inbox, prefix: incoming/, suffix: .csv}", schedule[1:-1])
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
    text = text.replace('[echo, "${params.source}", "in ${trigger.folder}"]', "[sleep, '60']")
    printed("deploy", write(tmp_path, text))
    command = ("backfill", "stopped", "--from", "2026-11-01", "--to", "2026-11-04")
    printed(*command)
    refused = batchrelay("undeploy", "stopped")
    assert "4 runs of stopped are open (k" in refused.output
    assert "batchrelay cancel --all-of stopped" in refused.output
    assert printed("cancel", "--all-of", "stopped").count("CANCELLED") >= 3
    began = time.monotonic()
    while document("runs", "stopped", "--status", "CANCELLING")["runs"]:
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.2)
    assert printed("cancel", "--all-of", "stopped") == "no run of stopped is open\n"
    listed = document("runs", "stopped")["runs"]
    assert [run["cause"] for run in listed] == [f"2026-11-0{n}T02:00:00Z" for n in (4, 3, 2, 1)]
    ids = [run["runId"] for run in listed[:2]]
    assert printed("cancel", *ids).count("CANCELLED") == 2
    assert "run QUEUED by 2026-11-04T02:00:00Z: stopped" in printed("history", ids[0])
    again = batchrelay(*command)
    assert again.exit_code == 1
    assert "4 of 4 ended FAILED or CANCELLED; a time has one run" in again.output
    printed("undeploy", "stopped")
    none = batchrelay("runs", "stoped")
    assert (none.exit_code, "there are no runs of stoped" in none.output) == (2, True)
    nothing = batchrelay("cancel")
    assert "write which runs: batchrelay cancel RUN..." in nothing.output


def test_a_backfill_that_cannot_be_says_why(tmp_path: Path) -> None:
    printed("deploy", write(tmp_path, UPLOADS.replace("uploads", "no-schedule")))
    schedule = 'schedule: {expression: "cron(* * * * ? 2020-2026)", timezone: Asia/Tokyo}'
    text = UPLOADS.replace("uploads", "minutely").replace(', "in ${trigger.folder}"', "")
    text = text.replace("s3: {bucket: inbox, prefix: incoming/, suffix: .csv}", schedule)
    text = text.replace("s3://${trigger.bucket}/${trigger.key}", "s3://b/${trigger.time}")
    rules_of = write(tmp_path, text)
    printed("deploy", rules_of)
    days = ("--from", "2026-11-01", "--to", "2026-11-05")
    for arguments, problem in (
        (("no-schedule", *days), "pipeline no-schedule has no schedule: write `triggers:"),
        (("absent", *days), "there is no pipeline absent"),
        (("no-schedule", "--from", "today", "--to", "x"), "'today' is no day such as 2026-11-01"),
        (
            ("minutely", *days),
            "go on in steps, the first with --to 2026-11-01T07:39:00Z",
        ),
        (("minutely", "--from", "2026-11-02", "--to", "2026-11-01"), "is before --from 2026-11-02"),
    ):
        result = batchrelay("backfill", *arguments)
        assert result.exit_code == 2
        assert problem in result.output
    for pipeline in ("no-schedule", "minutely"):
        batchrelay("cancel", "--all-of", pipeline)
        batchrelay("undeploy", pipeline)


def test_by_hand_a_run_says_which_trigger_it_misses(tmp_path: Path) -> None:
    printed("deploy", write(tmp_path, UPLOADS))
    result = batchrelay("start", "uploads")
    assert result.exit_code == 2
    assert "parameter source is missing: give source=VALUE (only a trigger gives" in result.output
    result = batchrelay("start", "uploads", "--param", "source=s3://b/k")
    assert "refers to ${trigger.folder}, which only its triggers give" in result.output
    printed("undeploy", "uploads")


@pytest.mark.parametrize("prefix", ["", "r", "runs/x/"])
def test_a_trigger_that_would_feed_itself_is_refused(
    stays: LocalCloud, tmp_path: Path, prefix: str
) -> None:
    own = f"{{bucket: {stays.outputs['BucketName']}, prefix: '{prefix}'}}"
    text = UPLOADS.replace("{bucket: inbox, prefix: incoming/, suffix: .csv}", own)
    result = batchrelay("deploy", write(tmp_path, text), "--plan")
    assert result.exit_code == 2
    assert "without end; give a prefix of your own" in result.output


def test_a_rule_without_its_target_is_fixed(stays: LocalCloud, tmp_path: Path) -> None:
    """The process died between the rule and its target."""
    file = write(tmp_path, UPLOADS.replace("uploads", "halved"))
    printed("deploy", file)
    [rule] = rules_of(stays, "halved")
    client_of(stays, "events").remove_targets(Rule=rule["Name"], Ids=["TriggerQueue"])
    assert printed("deploy", file) == "trigger s3://inbox/incoming/*.csv: changed\n"
    assert printed("deploy", file) == "no change\n"
    printed("undeploy", "halved")
