"""An AWS Batch with its port, and its clients."""

from __future__ import annotations

import time
from typing import Any

import botocore.session

from batch_local import BatchLocal


def client_of(batch: BatchLocal, service: str = "batch", **changed: str) -> Any:
    """A client whose keys are those of this AWS Batch, or changed ones."""
    keys = {
        "aws_access_key_id": batch.environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": batch.environment["AWS_SECRET_ACCESS_KEY"],
        **changed,
    }
    session: Any = botocore.session.get_session()
    return session.create_client(
        service, region_name="us-east-1", endpoint_url=batch.endpoint, **keys
    )


def make_shell(client: Any, name: str = "shell", *, vcpus: int = 2, image: str = "busybox") -> None:
    """A job queue, and a job definition of the same name whose jobs run `sh -c` of a parameter."""
    client.create_compute_environment(
        computeEnvironmentName=name,
        type="MANAGED",
        computeResources={"type": "EC2", "maxvCpus": vcpus, "subnets": []},
    )
    order = [{"order": 1, "computeEnvironment": name}]
    client.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
    client.register_job_definition(
        jobDefinitionName=name,
        type="container",
        containerProperties={
            "image": image,
            "command": ["sh", "-c", "Ref::script"],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "64"},
            ],
        },
    )


def run_shell(client: Any, script: str, name: str = "shell", **request: Any) -> dict[str, Any]:
    """The JobDetail of a job that has ended."""
    job_id = client.submit_job(
        jobName="j",
        jobQueue=name,
        jobDefinition=name,
        parameters={"script": script},
        **request,
    )["jobId"]
    return ended(client, job_id)


def ended(client: Any, job_id: str) -> dict[str, Any]:
    """The JobDetail of a job, once it has ended."""
    deadline = time.monotonic() + 20
    while True:
        [job] = client.describe_jobs(jobs=[job_id])["jobs"]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            detail: dict[str, Any] = job
            return detail
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
