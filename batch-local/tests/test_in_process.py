"""`with BatchLocal() as batch:` and the fixtures of the pytest plugin."""

from __future__ import annotations

import os
from typing import Any

import pytest

from batch_local import BatchLocal

pytestmark = pytest.mark.cloud


def register(batch: BatchLocal, name: str = "d", *command: str, image: str = "busybox") -> None:
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    properties = {"image": image, "command": list(command), "resourceRequirements": needs}
    batch.client().register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=properties
    )


def submit(batch: BatchLocal, queue: str, **request: Any) -> str:
    answer = batch.client().submit_job(jobName="j", jobQueue=queue, jobDefinition="d", **request)
    return str(answer["jobId"])


def test_an_array_runs_and_each_child_has_its_log(batch_local: BatchLocal) -> None:
    queue = batch_local.make_queue("queue", vcpus=2)
    register(batch_local, "d", "sh", "-c", "echo child $AWS_BATCH_JOB_ARRAY_INDEX")
    job_id = submit(batch_local, queue, arrayProperties={"size": 3})
    job = batch_local.wait(job_id)
    assert (job["status"], job["arrayProperties"]["statusSummary"]["SUCCEEDED"]) == ("SUCCEEDED", 3)
    assert [batch_local.log(f"{job_id}:{n}") for n in range(3)] == [
        [f"child {n}"] for n in range(3)
    ]
    assert [(job["jobName"], job["status"]) for job in batch_local.jobs] == [("j", "SUCCEEDED")]


def test_nothing_of_this_process_is_changed() -> None:
    before = dict(os.environ)
    with BatchLocal() as batch:
        assert dict(os.environ) == before
        assert batch.environment["AWS_ENDPOINT_URL_BATCH"] == batch.endpoint
    assert dict(os.environ) == before


def test_two_of_them_know_nothing_of_each_other(
    batch_local: BatchLocal, batch_local_session: BatchLocal
) -> None:
    batch_local.make_queue("q")
    assert batch_local_session.client().describe_job_queues()["jobQueues"] == []


def test_what_is_not_there_is_an_error(batch_local: BatchLocal) -> None:
    with pytest.raises(LookupError, match="there is no job x"):
        batch_local.wait("x")
    with pytest.raises(LookupError, match="there is no log of job x"):
        batch_local.log("x")
    batch_local.make_queue("q")
    with pytest.raises(ValueError, match="already exists"):
        batch_local.make_queue("q")


def test_a_job_that_goes_on_is_not_waited_for_beyond_the_time(batch_local: BatchLocal) -> None:
    queue = batch_local.make_queue("queue")
    register(batch_local, "d", "sleep", "60")
    job_id = batch_local.client().submit_job(jobName="j", jobQueue=queue, jobDefinition="d")[
        "jobId"
    ]
    with pytest.raises(TimeoutError, match=rf"job {job_id} is \w+ after 0.1 seconds"):
        batch_local.wait(job_id, timeout_s=0.1)


@pytest.mark.batch_local(job_environment={"STAGE": "test"})
def test_the_mark_has_the_options(batch_local: BatchLocal) -> None:
    queue = batch_local.make_queue("queue")
    register(batch_local, "d", "printenv", "STAGE")
    job_id = batch_local.client().submit_job(jobName="j", jobQueue=queue, jobDefinition="d")[
        "jobId"
    ]
    assert batch_local.wait(job_id)["status"] == "SUCCEEDED"
    assert batch_local.log(job_id) == ["test"]


def test_jobs_can_be_looked_at_when_it_has_ended() -> None:
    with BatchLocal() as batch:
        queue = batch.make_queue("queue")
        register(batch, "d", "true")
        batch.wait(submit(batch, queue))
    assert [job["status"] for job in batch.jobs] == ["SUCCEEDED"]


@pytest.mark.batch_local(images={"*/tool": ["echo", "instead of", "the tool"]})
def test_a_command_of_this_machine_stands_in_for_an_image(batch_local: BatchLocal) -> None:
    register(batch_local, "d", "--all", image="registry:5000/team/tool:1.2")
    job_id = submit(batch_local, batch_local.make_queue("queue"))
    batch_local.wait(job_id)
    assert batch_local.log(job_id) == ["instead of the tool --all"]
