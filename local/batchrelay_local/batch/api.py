"""AWS's wire: requests in AWS's shapes, answers and errors in AWS's shapes.

What this version does not do is refused by name, never ignored.
"""

from __future__ import annotations

import json
import re
import shlex
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from batchrelay_local.batch.details import arn, job_arn, job_detail, job_summary
from batchrelay_local.batch.model import (
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    DEPENDENCIES_MAX,
    DESCRIBE_IDS_MAX,
    REQUEST_BYTES_MAX,
    ComputeEnvironment,
    Job,
    JobDefinition,
    JobQueue,
    JobSpec,
    JobStatus,
)
from batchrelay_local.batch.scheduler import Scheduler

DIRECTORY_TAG = "batchrelay:directory"
"""Tag of a job definition: where its processes start on this machine, as WORKDIR in an image."""

ENTRYPOINT_TAG = "batchrelay:entrypoint"
"""Tag of a job definition: what ENTRYPOINT is to its image, as a shell would write it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_FILTER_PAGE_MAX, _PAGE_MAX = 100, 1_000
"""Jobs of one ListJobs answer. Source: ListJobs, maxResults."""

_SUBMIT_FIELDS = frozenset(
    {"jobName", "jobQueue", "jobDefinition", "arrayProperties", "dependsOn", "containerOverrides"}
    | {"tags", "propagateTags"}
)
_OVERRIDE_FIELDS = frozenset({"command", "environment", "resourceRequirements"})
_DEFINITION_FIELDS = frozenset(
    {"jobDefinitionName", "type", "containerProperties", "tags", "propagateTags"}
    | {"platformCapabilities"}
)


class ClientError(Exception):
    """The caller's mistake: ClientException, 400."""


class BatchApi:
    """The operations, by their path."""

    def __init__(self, scheduler: Scheduler, clock: Callable[[], int]) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._environments: dict[str, ComputeEnvironment] = {}
        self._queues: dict[str, JobQueue] = {}
        self._definitions: dict[str, list[JobDefinition]] = {}
        self._operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "SubmitJob": self._submit_job,
            "DescribeJobs": self._describe_jobs,
            "ListJobs": self._list_jobs,
            "TerminateJob": self._terminate_job,
            "RegisterJobDefinition": self._register_job_definition,
            "DescribeJobDefinitions": self._describe_job_definitions,
            "CreateComputeEnvironment": self._create_compute_environment,
            "DescribeComputeEnvironments": self._describe_compute_environments,
            "CreateJobQueue": self._create_job_queue,
            "DescribeJobQueues": self._describe_job_queues,
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

    # --- jobs

    def _submit_job(self, request: dict[str, Any]) -> dict[str, Any]:
        size = len(json.dumps(request).encode())
        if size > REQUEST_BYTES_MAX:
            raise ClientError(f"Job size must be less than 30 KiB, got {-(-size // 1024)} KiB")
        _only(request, _SUBMIT_FIELDS, "SubmitJob")
        if not _NAME.fullmatch(request["jobName"]):
            raise ClientError(f"Job name should match valid pattern {_NAME.pattern}")
        spec = self._spec(request)
        dependencies = [self._dependency(entry) for entry in request.get("dependsOn", ())]
        job = self._scheduler.submit(spec, dependencies, self._clock())
        return {"jobArn": job_arn(job.id), "jobName": spec.name, "jobId": job.id}

    def _spec(self, request: dict[str, Any]) -> JobSpec:
        queue = self._queue(request["jobQueue"])
        definition = self._definition(request["jobDefinition"])
        overrides = request.get("containerOverrides", {})
        _only(overrides, _OVERRIDE_FIELDS, "containerOverrides")
        container = definition.container
        arguments = overrides.get("command") or container.get("command") or ()
        command = (*definition.entrypoint, *arguments)
        if not command:
            raise ClientError(
                f"{definition.name} has no command; here there is no image to have one"
            )
        if len(request.get("dependsOn", ())) > DEPENDENCIES_MAX:
            raise ClientError(f"A job can have at most {DEPENDENCIES_MAX} dependencies")
        return JobSpec(
            name=request["jobName"],
            queue=queue,
            definition=definition,
            command=command,
            environment=_environment(container) | _environment(overrides, reserved=True),
            requirements=_requirements(container) | _requirements(overrides),
            depends_on=tuple(request.get("dependsOn", ())),
            tags=request.get("tags", {}),
            propagate_tags=request.get("propagateTags", False),
            size=_array_size(request),
        )

    def _dependency(self, entry: dict[str, str]) -> Job:
        if "type" in entry:
            raise ClientError(
                f"dependencies of type {entry['type']} are not supported by this local AWS Batch"
            )
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
        selectors = [n for n in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(n)]
        if selectors not in (["jobQueue"], ["arrayJobId"]):
            raise ClientError("Exactly one of jobQueue, arrayJobId or multiNodeJobId is wanted")
        filtered = bool(request.get("filters")) and "jobQueue" in request
        jobs = list(self._filtered(request) if filtered else self._with_status(request))
        page_max = _FILTER_PAGE_MAX if filtered else _PAGE_MAX
        page = min(request.get("maxResults") or page_max, page_max)
        start = _position(request.get("nextToken"))
        answer: dict[str, Any] = {
            "jobSummaryList": [job_summary(job) for job in jobs[start : start + page]]
        }
        if start + page < len(jobs):
            answer["nextToken"] = str(start + page)
        return answer

    def _with_status(self, request: dict[str, Any]) -> Iterator[Job]:
        """No status means RUNNING only. Source: ListJobs, jobStatus."""
        status = request.get("jobStatus") or JobStatus.RUNNING
        if status not in list(JobStatus):
            raise ClientError(f"unknown jobStatus {status}")
        if "arrayJobId" in request:
            parent = self._scheduler.find(request["arrayJobId"])
            jobs = [] if parent is None else parent.children
        else:
            jobs = list(self._queue(request["jobQueue"]).jobs.values())
        return (job for job in jobs if job.status == status)

    def _filtered(self, request: dict[str, Any]) -> Iterator[Job]:
        """JOB_NAME: case is ignored, a final `*` is a prefix, newest first; never children."""
        filters = request["filters"]
        if len(filters) != 1:
            raise ClientError("Only one filter can be used at a time")
        name, values = filters[0].get("name"), filters[0].get("values") or [""]
        if name != "JOB_NAME":
            raise ClientError(f"the filter {name} is not supported by this local AWS Batch")
        wanted = values[0].lower()
        prefix = wanted[:-1] if wanted.endswith("*") else None
        for job in reversed(self._queue(request["jobQueue"]).jobs.values()):
            found = job.spec.name.lower()
            if found == wanted or (prefix is not None and found.startswith(prefix)):
                yield job

    def _terminate_job(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._scheduler.find(request["jobId"])
        if job is not None:
            self._scheduler.terminate(job, request["reason"][:1024], self._clock())
        return {}

    # --- job definitions

    def _register_job_definition(self, request: dict[str, Any]) -> dict[str, Any]:
        _only(request, _DEFINITION_FIELDS, "RegisterJobDefinition")
        name = request["jobDefinitionName"]
        if not _NAME.fullmatch(name):
            raise ClientError(f"Job definition name should match valid pattern {_NAME.pattern}")
        if request["type"] != "container" or "containerProperties" not in request:
            raise ClientError("only definitions of type container, with containerProperties")
        revisions = self._definitions.setdefault(name, [])
        tags = dict(request.get("tags", {}))
        definition = JobDefinition(
            name=name,
            revision=len(revisions) + 1,
            arn=arn(f"job-definition/{name}:{len(revisions) + 1}"),
            container=request["containerProperties"],
            directory=tags.pop(DIRECTORY_TAG, None),
            entrypoint=_words(tags.pop(ENTRYPOINT_TAG, "")),
            tags=tags,
        )
        revisions.append(definition)
        return {
            "jobDefinitionName": name,
            "jobDefinitionArn": definition.arn,
            "revision": definition.revision,
        }

    def _definition(self, reference: str) -> JobDefinition:
        """`name`, `name:revision` or an ARN; without a revision the latest that is ACTIVE."""
        name, _, revision = reference.rpartition("job-definition/")[2].partition(":")
        for definition in reversed(self._definitions.get(name, ())):
            if definition.status == "ACTIVE" and revision in ("", str(definition.revision)):
                return definition
        raise ClientError(f"JobDefinition {reference} does not exist or is not ACTIVE")

    def _describe_job_definitions(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("jobDefinitionName")
        found = [
            definition
            for revisions in self._definitions.values()
            for definition in reversed(revisions)
            if name in (None, definition.name)
            and request.get("status") in (None, definition.status)
        ]
        return {"jobDefinitions": [_definition_detail(definition) for definition in found]}

    # --- queues and compute environments

    def _create_compute_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["computeEnvironmentName"]
        if name in self._environments:
            raise ClientError(f"Object already exists: {name}")
        slots = request.get("computeResources", {}).get("maxvCpus", 1)
        environment = ComputeEnvironment(
            name=name, arn=arn(f"compute-environment/{name}"), max_vcpus=slots
        )
        self._environments[name] = environment
        return {"computeEnvironmentName": name, "computeEnvironmentArn": environment.arn}

    def _describe_compute_environments(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("computeEnvironments")
        found = (e for e in self._environments.values() if not wanted or e.name in wanted)
        return {
            "computeEnvironments": [
                {
                    "computeEnvironmentName": environment.name,
                    "computeEnvironmentArn": environment.arn,
                    "ecsClusterArn": "",
                    "state": "ENABLED",
                    "status": "VALID",
                    "type": "MANAGED",
                    "computeResources": {"maxvCpus": int(environment.max_vcpus)},
                }
                for environment in found
            ]
        }

    def _create_job_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["jobQueueName"]
        if name in self._queues:
            raise ClientError(f"Object already exists: {name}")
        order = request.get("computeEnvironmentOrder") or [{}]
        reference = str(order[0].get("computeEnvironment", ""))
        environment = self._environments.get(reference.rpartition("/")[2])
        if environment is None:
            raise ClientError(f"Compute environment {reference!r} does not exist")
        queue = JobQueue(
            name=name,
            arn=arn(f"job-queue/{name}"),
            environment=environment,
            priority=request["priority"],
            state=request.get("state", "ENABLED"),
        )
        self._queues[name] = queue
        return {"jobQueueName": name, "jobQueueArn": queue.arn}

    def _queue(self, reference: str) -> JobQueue:
        queue = self._queues.get(reference.rpartition("job-queue/")[2])
        if queue is None:
            raise ClientError(f"JobQueue {reference} does not exist")
        return queue

    def _describe_job_queues(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("jobQueues")
        found = (q for q in self._queues.values() if not wanted or q.name in wanted)
        return {
            "jobQueues": [
                {
                    "jobQueueName": queue.name,
                    "jobQueueArn": queue.arn,
                    "state": queue.state,
                    "status": "VALID",
                    "priority": queue.priority,
                    "computeEnvironmentOrder": [
                        {"order": 1, "computeEnvironment": queue.environment.arn}
                    ],
                }
                for queue in found
            ]
        }


@cache
def operations() -> Mapping[str, OperationModel]:
    """botocore's own model of AWS Batch, by path."""
    model = botocore.session.get_session().get_service_model("batch")
    known = (model.operation_model(name) for name in model.operation_names)
    return {operation.http["requestUri"]: operation for operation in known}


def _message(text: str) -> str:
    return f"Error executing request, Exception : {text}, RequestId: {uuid.uuid4()}"


def _only(document: Mapping[str, Any], fields: frozenset[str], where: str) -> None:
    unknown = sorted(set(document) - fields)
    if unknown:
        raise ClientError(f"{where}: {', '.join(unknown)} is not supported by this local AWS Batch")


def _array_size(request: dict[str, Any]) -> int | None:
    if "arrayProperties" not in request:
        return None
    size: int = request["arrayProperties"].get("size", 0)
    if not ARRAY_SIZE_MIN <= size <= ARRAY_SIZE_MAX:
        raise ClientError(
            f"Array size must be between {ARRAY_SIZE_MIN} and {ARRAY_SIZE_MAX}, got {size}"
        )
    return size


def _environment(container: Mapping[str, Any], *, reserved: bool = False) -> dict[str, str]:
    given = {entry["name"]: entry.get("value", "") for entry in container.get("environment", ())}
    taken = [name for name in given if name.startswith("AWS_BATCH")]
    if reserved and taken:
        raise ClientError(f"Environment names must not start with AWS_BATCH: {', '.join(taken)}")
    return given


def _requirements(container: Mapping[str, Any]) -> dict[str, str]:
    """Of a definition also the deprecated `vcpus` and `memory`."""
    old = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    listed = {entry["type"]: entry["value"] for entry in container.get("resourceRequirements", ())}
    return {kind: str(value) for kind, value in old.items() if value is not None} | listed


def _definition_detail(definition: JobDefinition) -> dict[str, Any]:
    return {
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definition.arn,
        "revision": definition.revision,
        "status": definition.status,
        "type": "container",
        "containerProperties": definition.container,
        "tags": definition.tags,
    }


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ClientError(f"the tag {ENTRYPOINT_TAG} is not a command: {error}") from None


def _position(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise ClientError(f"nextToken {token!r} is not one of ours")
    return int(token)
