"""An AWS Batch alone on its port: what it answers, and what it refuses."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from pytest_socket import enable_socket

from batch_local import BatchLocal
from servers import client_of, make_shell, run_shell

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def batch() -> Iterator[BatchLocal]:
    enable_socket()
    with BatchLocal(job_environment={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}) as running:
        make_shell(client_of(running))
        yield running


def test_a_job_runs_and_its_log_is_read(batch: BatchLocal) -> None:
    job = run_shell(client_of(batch), "echo good; echo bad >&2; exit 3")
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    logs = client_of(batch, "logs")
    names = {"logGroupName": "/aws/batch/job", "logStreamName": job["container"]["logStreamName"]}
    events = logs.get_log_events(**names, startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["good", "bad"]
    by_pattern = logs.filter_log_events(logGroupName="/aws/batch/job", filterPattern="-good ba")
    assert [event["message"] for event in by_pattern["events"]] == ["bad"]
    streams = logs.describe_log_streams(logGroupName="/aws/batch/job")["logStreams"]
    assert names["logStreamName"] in [stream["logStreamName"] for stream in streams]


def test_a_job_has_the_variables_of_the_user_and_no_account(batch: BatchLocal) -> None:
    names = "AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_BATCH AWS_CONFIG_FILE"
    job = run_shell(client_of(batch), f"for n in {names}; do printenv $n; done")
    logs = client_of(batch, "logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=job["container"]["logStreamName"]
    )
    lines = [event["message"] for event in logs["events"]]
    assert lines == ["http://127.0.0.1:9000", batch.endpoint, "/dev/null"]


def test_what_is_not_a_log_of_a_job_is_not_there(batch: BatchLocal) -> None:
    run_shell(client_of(batch), "echo here")
    logs = client_of(batch, "logs")
    with pytest.raises(ClientError, match=r"log group does not exist"):
        logs.get_log_events(logGroupName="other", logStreamName="s")
    with pytest.raises(ClientError, match=r"log stream does not exist"):
        logs.get_log_events(logGroupName="/aws/batch/job", logStreamName="s")
    with pytest.raises(ClientError, match="CreateLogGroup is not here: GetLogEvents, Filter"):
        logs.create_log_group(logGroupName="g")


def test_the_caller_is_the_one_account(batch: BatchLocal) -> None:
    identity = client_of(batch, "sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:user/batch-local"


def test_another_service_is_refused_with_what_is_served(batch: BatchLocal) -> None:
    with pytest.raises(ClientError, match=r"service s3 is not here: .*AWS_ENDPOINT_URL_S3 or"):
        client_of(batch, "s3").list_buckets()
    with pytest.raises(ClientError, match="service dynamodb is not here"):
        client_of(batch, "dynamodb").list_tables()


def test_a_request_with_other_keys_or_without_a_signature_is_refused(batch: BatchLocal) -> None:
    with pytest.raises(ClientError, match=r"did not make its access key\. Use the export lines"):
        client_of(batch, aws_access_key_id="other").describe_job_queues()
    with pytest.raises(ClientError, match="signature"):
        client_of(batch, aws_secret_access_key="other").describe_job_queues()
    connection = http.client.HTTPConnection(batch.endpoint.removeprefix("http://"))
    connection.request("POST", "/v1/describejobqueues", b"{}")
    assert connection.getresponse().status == 403
    connection.close()


def test_an_endpoint_is_there_while_it_runs() -> None:
    with pytest.raises(RuntimeError, match="write `with BatchLocal"):
        _ = BatchLocal().endpoint


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing(batch: BatchLocal) -> None:
    port = int(batch.endpoint.rpartition(":")[2])
    other = BatchLocal(port=port)
    with pytest.raises(OSError, match="in use"):
        other.start()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = other.endpoint


def test_one_that_runs_is_not_started_again(batch: BatchLocal) -> None:
    with pytest.raises(RuntimeError, match=f"runs already, at {batch.endpoint}"):
        batch.start()
