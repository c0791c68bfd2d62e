"""Every hook into MiniStack that is used: an update that moves one fails here."""

from __future__ import annotations

import ast
import inspect
import json
import queue
import re
import sys
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from batch_local.embedding import SignedRequest
from batchrelay_local import ministack_functions, ministack_host
from batchrelay_local.launch import LocalCloud
from batchrelay_local.ministack_host import routed_service
from tests.conftest import client_of, physical_id

pytestmark = pytest.mark.cloud


def test_hook_1_batch_is_ours(cloud: LocalCloud, batch_queue: str) -> None:
    [queue] = client_of(cloud, "batch").describe_job_queues(jobQueues=[batch_queue])["jobQueues"]
    assert queue["jobQueueArn"].endswith(":job-queue/queue")


def test_hook_2_other_logs_are_still_ministacks(cloud: LocalCloud) -> None:
    logs = client_of(cloud, "logs")
    logs.create_log_group(logGroupName="theirs")
    logs.create_log_stream(logGroupName="theirs", logStreamName="s")
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="theirs", logStreamName="s", logEvents=[event])
    found = logs.get_log_events(logGroupName="theirs", logStreamName="s")["events"]
    assert [entry["message"] for entry in found] == ["hello"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.get_log_events(logGroupName="/aws/batch/job", logStreamName="missing")


def test_hook_3_state_changes_reach_rules_in_the_documented_shape(
    cloud: LocalCloud, batch_queue: str
) -> None:
    queue_url = receive_every_batch_event(cloud)
    submitted = client_of(cloud, "batch").submit_job(
        jobName="received",
        jobQueue=batch_queue,
        jobDefinition="shell",
        arrayProperties={"size": 2},
        tags={"mine": "x"},
    )
    events = received_events(cloud, queue_url, submitted["jobId"], count=2 + 2 * 4)
    by_job: dict[str, list[str]] = {}
    for event in events:
        by_job.setdefault(event["detail"]["jobId"], []).append(event["detail"]["status"])
    parent_id = submitted["jobId"]
    states = ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert by_job == {
        parent_id: ["PENDING", "SUCCEEDED"],
        f"{parent_id}:0": states,
        f"{parent_id}:1": states,
    }
    check_shapes(events, submitted)


def receive_every_batch_event(cloud: LocalCloud) -> str:
    sqs, events = client_of(cloud, "sqs"), client_of(cloud, "events")
    url: str = sqs.create_queue(QueueName="every-batch-event")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="every", EventPattern=json.dumps({"source": ["aws.batch"]}))
    events.put_targets(Rule="every", Targets=[{"Id": "q", "Arn": arn["QueueArn"]}])
    return url


def received_events(cloud: LocalCloud, url: str, job_id: str, count: int) -> list[dict[str, Any]]:
    sqs = client_of(cloud, "sqs")
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 20
    while len(found) < count:
        assert time.monotonic() < deadline, found
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if event["detail"]["jobId"].startswith(job_id):
                found.append(event)
    client_of(cloud, "events").remove_targets(Rule="every", Ids=["q"])
    client_of(cloud, "events").delete_rule(Name="every")
    return found


def check_shapes(events: list[dict[str, Any]], submitted: dict[str, Any]) -> None:
    """The shape is that of docs/reference/aws-batch.md, Events of AWS Batch."""
    parent = next(e for e in events if e["detail"]["status"] == "SUCCEEDED" and ":" not in
                  e["detail"]["jobId"])  # fmt: skip
    child = next(e for e in events if e["detail"]["status"] == "SUCCEEDED" and e is not parent
                 and ":" in e["detail"]["jobId"])  # fmt: skip
    for event in events:
        assert event["source"] == "aws.batch"
        assert event["detail-type"] == "Batch Job State Change"
        assert event["time"].endswith("Z")
        assert event["resources"] == [event["detail"]["jobArn"]]
        assert isinstance(event["detail"]["createdAt"], int)
        assert event["detail"]["jobQueue"].endswith(":job-queue/queue")
        assert event["detail"]["jobDefinition"].endswith(":job-definition/shell:1")
    arn = submitted["jobArn"]
    assert parent["detail"]["attempts"] == []
    assert parent["detail"]["arrayProperties"]["size"] == 2
    assert parent["detail"]["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
    assert parent["detail"]["tags"] == {"mine": "x", "resourceArn": arn}
    assert child["detail"]["arrayProperties"]["statusSummary"] == {}
    assert "size" not in child["detail"]["arrayProperties"]
    assert child["detail"]["tags"] == {"resourceArn": arn}, "the parent's, and no tag of the user"
    assert child["detail"]["container"]["exitCode"] == 0
    assert child["detail"]["dependsOn"] == []


def test_hook_3_put_events_refuses_what_only_aws_may_say(cloud: LocalCloud) -> None:
    entry = {"Source": "aws.batch", "DetailType": "x", "Detail": "{}"}
    answer = client_of(cloud, "events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


def test_hook_3_has_the_signature_that_we_call() -> None:
    from ministack.services import eventbridge

    assert str(inspect.signature(eventbridge._dispatch_event)) == "(event, view=None)"


def test_hook_4_rules_and_archives_are_read(cloud: LocalCloud) -> None:
    from ministack.services import eventbridge

    assert callable(eventbridge._rules.values)
    assert callable(eventbridge._archives.values)


def test_hook_5_only_loopback_is_listened_on(cloud: LocalCloud) -> None:
    """Every listening socket of the cloud's process and its workers is on 127.0.0.1."""
    port = int(cloud.endpoint.rpartition(":")[2])
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [fields[1] for fields in sockets if fields[3] == "0A"]
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening
    assert "00000000:22B3" not in listening, "8883 is MiniStack's MQTT"


def test_numbers_reach_the_event_source_mapping(cloud: LocalCloud) -> None:
    mappings = client_of(cloud, "lambda").list_event_source_mappings()["EventSourceMappings"]
    assert sorted(m["ScalingConfig"]["MaximumConcurrency"] for m in mappings) == [5, 10, 10]
    assert all(m["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for m in mappings)


def test_the_table_has_its_indexes(cloud: LocalCloud) -> None:
    table = client_of(cloud, "dynamodb").describe_table(TableName=physical_id(cloud, "Table"))
    indexes = table["Table"]["GlobalSecondaryIndexes"]
    assert sorted(index["IndexName"] for index in indexes) == ["open", "runs"]


def test_hook_6_a_schedule_fires_by_the_clock_of_its_zone(cloud: LocalCloud) -> None:
    """In UTC, the wall of Kolkata shows a time that is five and a half hours ahead."""
    sqs, scheduler = client_of(cloud, "sqs"), client_of(cloud, "scheduler")
    url = sqs.create_queue(QueueName="timed")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    due = datetime.now(UTC).replace(microsecond=0)
    target = {
        "Arn": attributes["QueueArn"],
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "Input": "at <aws.scheduler.scheduled-time>",
    }
    scheduler.create_schedule_group(Name="indian")
    scheduler.create_schedule(
        Name="timed",
        GroupName="indian",
        ScheduleExpression=f"at({due.astimezone(ZoneInfo('Asia/Kolkata')):%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Asia/Kolkata",
        ActionAfterCompletion="DELETE",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == f"at {due:%Y-%m-%dT%H:%M:%SZ}"
    began = time.monotonic()
    while scheduler.list_schedules(GroupName="indian")["Schedules"]:
        assert time.monotonic() - began < 20
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)


def test_hook_6_is_where_ministack_looks() -> None:
    from ministack.services import eventbridge, scheduler

    loop = inspect.getsource(scheduler._ticker_loop)
    assert "time.sleep(_SCHEDULE_TICK_INTERVAL)" in loop
    assert "_tick_schedules()" in loop
    parameters = inspect.signature(scheduler._tick_schedules).parameters
    assert list(parameters) == []
    assert isinstance(scheduler._schedules._data, dict)
    assert list(inspect.signature(eventbridge._invoke_target).parameters)[:3] == [
        "target",
        "event",
        "rule",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ScheduleExpression": "cron(0 2 ? * MON#6 *)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Invalid Schedule Expression Timezone"),
    ],
)
def test_hook_7_a_schedule_that_aws_refuses_is_not_stored(
    cloud: LocalCloud, change: dict[str, str], problem: str
) -> None:
    scheduler = client_of(cloud, "scheduler")
    request: dict[str, Any] = {
        "Name": "refused",
        "State": "DISABLED",
        "ScheduleExpression": "cron(0 2 ? * FRIL *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:sqs:us-east-1:000000000000:q",
            "RoleArn": "arn:aws:iam::000000000000:role/r",
        },
    }
    with pytest.raises(scheduler.exceptions.ValidationException, match=problem):
        scheduler.create_schedule(**request | change)
    assert scheduler.list_schedules(NamePrefix="refused")["Schedules"] == []
    scheduler.create_schedule(**request)
    with pytest.raises(scheduler.exceptions.ValidationException, match=problem):
        scheduler.update_schedule(**request | change)
    stored = scheduler.get_schedule(Name="refused")
    assert stored["ScheduleExpression"] == request["ScheduleExpression"]
    scheduler.delete_schedule(Name="refused")


@pytest.mark.parametrize(
    ("headers", "query", "body", "service"),
    [
        ({}, "", b"", "s3"),
        ({"x-amz-target": "DynamoDB_20120810.ListTables"}, "", b"{}", "dynamodb"),
        ({"authorization": "Credential=a/b/us-east-1/lambda/aws4_request"}, "", b"", "lambda"),
        ({}, "Action=ListQueues", b"", "sqs"),
        ({"content-type": "application/x-www-form-urlencoded"}, "", b"Action=AssumeRole", "sts"),
    ],
)
def test_hook_9_says_which_service_a_request_reaches(
    headers: dict[str, str], query: str, body: bytes, service: str
) -> None:
    request = SignedRequest(
        method="GET", raw_path="/bucket/key", query=query, headers={"host": "127.0.0.1", **headers}
    )
    assert routed_service(request, "/bucket/key", body) == service


def test_hook_8_knows_no_key_that_it_did_not_make() -> None:
    from ministack.core.iam_evaluator import resolve_credential

    assert list(inspect.signature(resolve_credential).parameters)[:2] == [
        "access_key_id",
        "account_id",
    ]


def test_hook_10_lambda_workers_are_reset_without_arguments() -> None:
    from ministack.core import lambda_runtime

    assert list(inspect.signature(lambda_runtime.reset).parameters) == []


def test_hook_11_the_application_and_its_services_are_named() -> None:
    from ministack.app import SERVICE_NAME_ALIASES, SERVICE_REGISTRY, app

    assert callable(app)
    assert {"s3", "dynamodb", "sqs"} <= SERVICE_REGISTRY.keys()
    assert isinstance(SERVICE_NAME_ALIASES, dict)


def test_hook_12_a_target_is_invoked_for_an_account_and_a_region() -> None:
    from ministack.core import responses

    assert len(inspect.signature(responses.set_request_account_id).parameters) == 1
    assert len(inspect.signature(responses.set_request_region).parameters) == 1


def test_hook_13_is_what_the_thread_of_the_queues_sleeps() -> None:
    from ministack.services import lambda_svc

    assert 0 < lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS < 1
    assert "time.sleep(_ESM_IDLE_WAKE_GAP_SECONDS)" in inspect.getsource(lambda_svc._poll_loop)


def test_hook_14_a_worker_is_started_before_it_is_invoked() -> None:
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    assert hasattr(lambda_svc._functions, "items")
    code = b""
    config = {
        "FunctionName": "early",
        "FunctionArn": "arn:aws:lambda:eu-central-1:000000000000:function:early",
    }
    worker, _ = lambda_runtime.acquire_worker("early", config, code)
    lambda_runtime.release_worker(worker)
    assert lambda_runtime.acquire_worker("early", config, code) == (worker, "reused")
    assert "worker._lock" in inspect.getsource(lambda_runtime.ensure_spawned)
    assert "self._lock" in inspect.getsource(lambda_runtime.Worker.invoke)
    lambda_runtime.reset()


def test_hook_15_a_worker_says_where_an_invocation_ends() -> None:
    """The script is ours once a cloud was begun in this process; no test begins one."""
    from ministack.core import lambda_runtime

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert script.count(ministack_functions._CALL) == 1
    ours = script.replace(ministack_functions._CALL, ministack_functions._CALL_WITH_END)
    compile(ours, "worker", "exec")
    source = inspect.getsource(lambda_runtime.Worker)
    assert 'response["log"] = self._drain_stderr_bounded()' in source
    assert "self._stderr_queue.put(line.rstrip" in source
    assert "_real_stdout.flush()" in ours.partition(ministack_functions._CALL_WITH_END)[2]


def test_hook_15_a_last_line_without_a_newline_ends_an_invocation_too() -> None:
    worker = SimpleNamespace(_stderr_queue=queue.Queue())
    for line in ("", f"half a line{ministack_functions._END}", "of the next"):
        worker._stderr_queue.put(line)
    assert ministack_functions._printed(worker) == "\nhalf a line"
    assert worker._stderr_queue.qsize() == 1


@pytest.mark.parametrize("end", ["an end", "no end"])
def test_hook_15_what_was_printed_is_read_up_to_its_end(end: str) -> None:
    worker = SimpleNamespace(_stderr_queue=queue.Queue())
    behind = [ministack_functions._END, "of the next"] if end == "an end" else []
    for line in ("first", "second", *behind):
        worker._stderr_queue.put(line)
    began = time.monotonic()
    assert ministack_functions._printed(worker, first_line_wait=0.1) == "first\nsecond"
    has_waited = time.monotonic() - began >= ministack_functions.PRINTED_S_MAX
    assert has_waited is (end == "no end")
    assert worker._stderr_queue.qsize() == (end == "an end")


def test_hook_16_an_invocation_waits_for_a_worker_that_is_free_soon() -> None:
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    invoke = inspect.getsource(lambda_svc._execute_function_warm)
    assert invoke.count(" acquire_worker(func_name, config, code_zip, qualifier=qualifier)") == 1
    config = {
        "FunctionName": "waited-for",
        "FunctionArn": "arn:aws:lambda:eu-central-1:000000000000:function:waited-for",
    }
    order = ("waited-for", config, b"")
    first, how = ministack_functions._acquired(*order, qualifier="$LATEST")
    assert how == "spawn"
    Timer(0.02, lambda_runtime.release_worker, [first]).start()
    assert ministack_functions._acquired(*order, qualifier="$LATEST") == (first, "reused")
    began = time.monotonic()
    second, how = ministack_functions._acquired(*order, qualifier="$LATEST")
    assert time.monotonic() - began >= ministack_functions.PATIENCE_S
    assert (second is not first, how) == (True, "spawn"), "one that waits for itself goes on too"
    lambda_runtime.reset()


def test_hook_17_each_invocation_says_why_the_handler_cannot_be_imported() -> None:
    from ministack.core import lambda_runtime

    code = BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr("app.py", "import a_module_that_is_not_there")
    config = {
        "FunctionName": "broken",
        "FunctionArn": "arn:aws:lambda:eu-central-1:000000000000:function:broken",
        "Handler": "app.handler",
    }
    worker, _ = lambda_runtime.acquire_worker("broken", config, code.getvalue())
    spawn = ministack_functions._spawned(lambda_runtime.Worker._spawn)
    try:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="a_module_that_is_not_there"):
                spawn(worker)
            assert worker._proc is None
    finally:
        lambda_runtime.reset()


def test_hook_18_a_worker_of_python_is_begun_from_its_program_alone() -> None:
    from ministack.core import lambda_runtime

    spawn = inspect.getsource(lambda_runtime.Worker._spawn)
    _, _, begin = spawn.partition(
        "self._proc = subprocess.Popen(\n            [binary, worker_path],"
    )
    names = set(re.findall(r"^ {12}(\w+)=", begin.partition("\n        )")[0], re.MULTILINE))
    assert names == {"cwd", "stdin", "stdout", "stderr", "text", "bufsize", "env"}
    assert lambda_runtime._detect_runtime_binary("python3.13")[0] == sys.executable
    assert ministack_functions._Subprocess().PIPE == lambda_runtime.subprocess.PIPE
    other = ministack_functions._Subprocess().Popen(["true"], stdin=lambda_runtime.subprocess.PIPE)
    other.communicate()
    assert other.returncode == 0


def docstrings() -> str:
    return f"{ministack_host.__doc__}\n{ministack_functions.__doc__}"


def test_every_hook_of_the_docstring_has_a_test_and_every_test_a_hook() -> None:
    listed = set(re.findall(r"^(\d+)\. ", docstrings(), re.MULTILINE))
    tested = set(re.findall(r"^def test_hook_(\d+)_", Path(__file__).read_text(), re.MULTILINE))
    assert listed == tested


def test_every_name_of_ministack_that_the_module_uses_is_listed() -> None:
    """What it imports from MiniStack, and private or replaced attributes of those modules."""
    tree = ast.parse("\n".join(map(inspect.getsource, (ministack_host, ministack_functions))))
    imports = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack")
    ]
    names = {alias.name for node in imports for alias in node.names}
    attributes = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    }
    assert {"batch", "app", "_rules"} <= names | attributes
    missing = {name for name in names | attributes if not re.search(rf"\b{name}\b", docstrings())}
    assert missing == set()
