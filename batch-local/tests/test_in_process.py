"""`with BatchLocal() as batch:` and the fixtures of the pytest plugin."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from batch_local import BatchLocal, Faults

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


def test_the_timeline_has_every_child_attempt_and_process() -> None:
    with BatchLocal() as batch:
        register(batch, "d", "sh", "-c", "exit $AWS_BATCH_JOB_ARRAY_INDEX")
        retry = {"attempts": 2}
        queue = batch.make_queue("queue")
        job_id = submit(batch, queue, arrayProperties={"size": 2}, retryStrategy=retry)
        batch.wait(job_id)
    document = batch.timeline()
    [parent] = document["jobs"]
    assert (parent["jobId"], parent["arraySize"], parent["status"]) == (job_id, 2, "FAILED")
    assert (parent["jobQueue"], parent["jobDefinition"]) == ("queue", "d:1")
    good, bad = parent["children"]
    assert [child["arrayIndex"] for child in (good, bad)] == [0, 1]
    assert [attempt["exitCode"] for attempt in good["attempts"]] == [0]
    assert [attempt["exitCode"] for attempt in bad["attempts"]] == [1, 1]
    containers = [c for child in (good, bad) for a in child["attempts"] for c in a["containers"]]
    assert len({container["pid"] for container in containers}) == 3
    first = bad["attempts"][0]
    assert parent["createdAt"] <= first["startedAt"] <= first["stoppedAt"] <= bad["stoppedAt"]
    assert bad["stoppedAt"] <= document["takenAt"]
    json.dumps(document)


def test_faults_are_played_and_changed_while_it_runs() -> None:
    events: list[Any] = []
    with BatchLocal(faults="host_lost=1", events_to=[events.append]) as batch:
        register(batch, "d", "sleep", "5")
        queue = batch.make_queue("queue")
        lost = batch.wait(submit(batch, queue))
        batch.faults.host_lost = 0
        batch.faults.out_of_memory = 1
        killed = batch.wait(submit(batch, queue))
    assert lost["statusReason"].startswith("Host EC2 (instance ")
    assert killed["container"]["exitCode"] == 137


def test_faults_are_an_object_as_well() -> None:
    with BatchLocal(faults=Faults(pull_failed=1)) as batch:
        register(batch, "d", "true")
        job = batch.wait(submit(batch, batch.make_queue("queue")))
    assert job["container"]["reason"] == "CannotPullContainerError: a fault on request"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("host_lost=2", "host_lost=2.0: write a probability, from 0 to 1"),
        ("host_lost=nan", "write a probability"),
        ("delay_s_max=-1", "delay_s_max=-1.0: write a number of seconds"),
        ("lost=1", "write one of seed, event_dropped"),
    ],
)
def test_a_fault_of_no_known_name_or_measure_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BatchLocal(faults=text)


def test_an_assumption_is_chosen_otherwise() -> None:
    with pytest.raises(ValueError, match="write one of unknown_dependency, "):
        BatchLocal(assume="known=yes")
    with BatchLocal(assume="unknown_dependency=failed") as batch:
        register(batch, "d", "true")
        job_id = submit(batch, batch.make_queue("queue"), dependsOn=[{"jobId": "gone"}])
        assert batch.wait(job_id)["statusReason"] == "Dependent Job failed"
