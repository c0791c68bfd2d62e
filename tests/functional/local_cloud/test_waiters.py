"""boto3's waiters on the local AWS Batch: the short form of `make verify-clients CLIENT=boto3`."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import WaiterError

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of
from tests.stack import ROOT

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("batch_queue")]

QUICKLY = {"Delay": 0.02, "MaxAttempts": 500}
FAILING_CHILD = 'test "$AWS_BATCH_JOB_ARRAY_INDEX" = 0'


@pytest.fixture
def batch(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    """With waiters, of which botocore has none for AWS Batch."""
    monkeypatch.setenv("AWS_DATA_PATH", str(ROOT / "verification/clients/models"))
    return client_of(cloud, "batch")


def submit(batch: Any, *command: str, **request: Any) -> str:
    answer = batch.submit_job(
        jobName="waiter",
        jobQueue="queue",
        jobDefinition="shell",
        containerOverrides={"command": list(command)},
        **request,
    )
    job_id: str = answer["jobId"]
    return job_id


def test_waiters_see_a_job_begin_and_end(batch: Any) -> None:
    job_id = submit(batch, "sleep", "600")
    for waiter in ("job_exists", "job_running"):
        batch.get_waiter(waiter).wait(jobs=[job_id], WaiterConfig=QUICKLY)
    complete = batch.get_waiter("job_complete")
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        complete.wait(jobs=[job_id], WaiterConfig={"Delay": 0.02, "MaxAttempts": 2})
    batch.terminate_job(jobId=job_id, reason="enough")
    with pytest.raises(WaiterError, match="terminal failure state") as failure:
        complete.wait(jobs=[job_id], WaiterConfig=QUICKLY)
    answer: dict[str, Any] = {**failure.value.last_response}
    [job] = answer["jobs"]
    assert (job["statusReason"], job["attempts"][0]["container"]["exitCode"]) == ("enough", 143)


def test_waiters_see_the_ends_of_an_array_and_its_children(batch: Any) -> None:
    array_id = submit(batch, "sh", "-c", FAILING_CHILD, arrayProperties={"size": 2})
    complete = batch.get_waiter("job_complete")
    complete.wait(jobs=[f"{array_id}:0"], WaiterConfig=QUICKLY)
    for job_id in (array_id, f"{array_id}:1"):
        with pytest.raises(WaiterError, match="terminal failure state"):
            complete.wait(jobs=[job_id], WaiterConfig=QUICKLY)
