"""AWS's wire: requests in AWS's shapes, answers and errors in AWS's shapes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from batchrelay_local.batch import listing, submission
from batchrelay_local.batch.definitions import JobDefinitions
from batchrelay_local.batch.details import job_arn, job_detail
from batchrelay_local.batch.errors import ClientError
from batchrelay_local.batch.model import DESCRIBE_IDS_MAX, REASON_CHARS_MAX, Job
from batchrelay_local.batch.queues import Queues
from batchrelay_local.batch.scheduler import Scheduler


class BatchApi:
    """The operations, by their path."""

    def __init__(self, scheduler: Scheduler, clock: Callable[[], int]) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._queues = Queues()
        self._definitions = JobDefinitions()
        self._operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "SubmitJob": self._submit_job,
            "DescribeJobs": self._describe_jobs,
            "ListJobs": self._list_jobs,
            "TerminateJob": self._terminate_job,
            "RegisterJobDefinition": self._definitions.register,
            "DescribeJobDefinitions": self._definitions.describe,
            "CreateComputeEnvironment": self._queues.create_environment,
            "DescribeComputeEnvironments": self._queues.describe_environments,
            "CreateJobQueue": self._queues.create_queue,
            "DescribeJobQueues": self._queues.describe_queues,
        }

    def handle(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """HTTP status and JSON body of the answer."""
        operation = operations().get(path)
        if operation is None:
            return 404, {"__type": "UnknownOperationException", "message": f"no such path {path}"}
        try:
            return 200, self._call(operation, body)
        except ClientError as error:
            return 400, {"__type": "ClientException", "message": _message(str(error))}

    def _call(self, operation: OperationModel, body: bytes) -> dict[str, Any]:
        try:
            request = json.loads(body) if body else {}
        except ValueError:
            raise ClientError("the request body is not JSON") from None
        if not isinstance(request, dict):
            raise ClientError("the request body is not a JSON object")
        assert operation.input_shape is not None, operation.name
        report = ParamValidator().validate(request, operation.input_shape)
        if report.has_errors():
            raise ClientError(report.generate_report())
        perform = self._operations.get(operation.name)
        if perform is None:
            raise ClientError(f"{operation.name} is not supported by this local AWS Batch")
        return perform(request)

    def _submit_job(self, request: dict[str, Any]) -> dict[str, Any]:
        submission.check(request)
        queue = self._queues.resolve(request["jobQueue"])
        definition = self._definitions.resolve(request["jobDefinition"])
        spec = submission.spec_of(request, queue, definition)
        dependencies = [self._dependency(entry) for entry in spec.depends_on]
        job = self._scheduler.submit(spec, dependencies, self._clock())
        return {"jobArn": job_arn(job.id), "jobName": spec.name, "jobId": job.id}

    def _dependency(self, entry: dict[str, str]) -> Job:
        job = self._scheduler.find(entry.get("jobId", ""))
        if job is None:
            raise ClientError(f"Job {entry.get('jobId', '')} does not exist")
        return job

    def _describe_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        if len(request["jobs"]) > DESCRIBE_IDS_MAX:
            raise ClientError(f"Maximum number of jobs supported is {DESCRIBE_IDS_MAX} .")
        jobs = (self._scheduler.find(job_id) for job_id in request["jobs"])
        return {"jobs": [job_detail(job) for job in jobs if job is not None]}

    def _list_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        listing.check(request)
        if "arrayJobId" in request:
            return listing.children_of(request, self._scheduler.find(request["arrayJobId"]))
        return listing.jobs_of(request, self._queues.resolve(request["jobQueue"]))

    def _terminate_job(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._scheduler.find(request["jobId"])
        if job is not None:
            reason = request["reason"][:REASON_CHARS_MAX]
            self._scheduler.terminate(job, reason, self._clock())
        return {}


@cache
def operations() -> Mapping[str, OperationModel]:
    """botocore's own model of AWS Batch, by path."""
    model = botocore.session.get_session().get_service_model("batch")
    known = (model.operation_model(name) for name in model.operation_names)
    return {operation.http["requestUri"]: operation for operation in known}


def _message(text: str) -> str:
    return f"Error executing request, Exception : {text}, RequestId: {uuid.uuid4()}"
