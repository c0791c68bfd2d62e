"""AWS's wire: requests in AWS's shapes, answers and errors in AWS's shapes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from batch_local.api.notices import Notices
from batch_local.api.quota import Quota
from batch_local.arns import job_arn
from batch_local.assumptions import Assumptions
from batch_local.definitions.revisions import JobDefinitions
from batch_local.details.jobs import job_detail
from batch_local.errors import ClientException, ServerException, TooManyRequestsException
from batch_local.faults import Faults
from batch_local.images import NO_IMAGES, Images
from batch_local.jobs import listing, submission
from batch_local.jobs.dependencies import check_dependencies
from batch_local.jobs.nodes import node_of, nodes_of
from batch_local.model import (
    BULK_IDS_MAX,
    DESCRIBE_IDS_MAX,
    REASON_CHARS_MAX,
    ComputeEnvironment,
    JobDefinition,
    JobQueue,
)
from batch_local.resources.consumables import ConsumableResource, with_children
from batch_local.resources.policies import SchedulingPolicies, SchedulingPolicy
from batch_local.resources.queues import Queues
from batch_local.resources.tags import checked_tags
from batch_local.scheduling.scheduler import Scheduler
from batch_local.surface.fields import check_fields, check_operation

SNAPSHOT_JOBS_MAX = 100
"""Jobs of one GetJobQueueSnapshot. Source: GetJobQueueSnapshot."""

_TAGS_PATH = "/v1/tags/"
Tagged = JobDefinition | JobQueue | ComputeEnvironment | SchedulingPolicy | ConsumableResource
Operation = Callable[[dict[str, Any]], dict[str, Any]]
_READS = ("Describe", "Get", "List")
_BULK = ("CancelJobs", "TerminateJobs")


class BatchApi:
    """The operations, by their path."""

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Callable[[], int],
        faults: Faults,
        assumptions: Assumptions,
        images: Images = NO_IMAGES,
        record: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None,
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._faults = faults
        self._assume = assumptions
        self._record = record
        self._quota = Quota(assumptions.quota, clock)
        self._notices = Notices(has_engine=images.are_pulled)
        self._policies = SchedulingPolicies()
        self._queues = Queues(self._policies)
        self._definitions = JobDefinitions(images)
        self._consumables = scheduler.consumables
        self._operations = self._all_operations()

    def _all_operations(self) -> Mapping[str, Operation]:
        return {
            "SubmitJob": self._submit_job,
            "DescribeJobs": self._describe_jobs,
            "ListJobs": self._list_jobs,
            "CancelJob": self._cancel_job,
            "TerminateJob": self._terminate_job,
            "CancelJobs": lambda request: self._each(request, self._cancel_job),
            "TerminateJobs": lambda request: self._each(request, self._terminate_job),
            "GetJobQueueSnapshot": self._snapshot,
            "RegisterJobDefinition": self._definitions.register,
            "DescribeJobDefinitions": self._definitions.describe,
            "DeregisterJobDefinition": self._definitions.deregister,
            "CreateComputeEnvironment": self._queues.create_environment,
            "UpdateComputeEnvironment": self._queues.update_environment,
            "DeleteComputeEnvironment": self._queues.delete_environment,
            "DescribeComputeEnvironments": self._queues.describe_environments,
            "CreateJobQueue": self._queues.create_queue,
            "UpdateJobQueue": self._queues.update_queue,
            "DeleteJobQueue": self._queues.delete_queue,
            "DescribeJobQueues": self._queues.describe_queues,
            "CreateSchedulingPolicy": self._policies.create,
            "UpdateSchedulingPolicy": self._policies.update,
            "DeleteSchedulingPolicy": self._delete_policy,
            "DescribeSchedulingPolicies": self._policies.describe,
            "ListSchedulingPolicies": self._policies.list,
            "CreateConsumableResource": self._create_consumable,
            "UpdateConsumableResource": self._update_consumable,
            "DeleteConsumableResource": self._consumables.delete,
            "DescribeConsumableResource": self._consumables.describe,
            "ListConsumableResources": self._consumables.list,
            "ListJobsByConsumableResource": self._list_jobs_by_consumable,
            "ListTagsForResource": lambda request: {"tags": self._tags(request)},
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def handle(
        self, method: str, path: str, body: bytes, query: Mapping[str, list[str]]
    ) -> tuple[int, dict[str, Any]]:
        """HTTP status and JSON body of the answer."""
        operation, path_fields = _route(method, path)
        if operation is None or not self._is_there(operation.name):
            return 404, _error("UnknownOperationException", f"there is no {method} {path}")
        try:
            return 200, self._call(operation, {**_body(body), **path_fields, **_from(query)})
        except ClientException as error:
            return 400, _error("ClientException", _message(str(error)))
        except TooManyRequestsException as error:
            return 429, _error("TooManyRequestsException", str(error))
        except ServerException as error:
            return 500, _error("ServerException", _message(str(error)))

    def _is_there(self, name: str) -> bool:
        return name not in _BULK or self._assume.bulk_operations == "present"

    def _call(self, operation: OperationModel, request: dict[str, Any]) -> dict[str, Any]:
        assert operation.input_shape is not None, operation.name
        self._quota.take(operation.name)
        check_operation(operation.name)
        report = ParamValidator().validate(request, operation.input_shape)
        if report.has_errors():
            raise ClientException(report.generate_report())
        check_fields(operation, request)
        answer = self._perform(operation.name, request)
        self._notices.note(operation, request)
        return answer

    def _perform(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        changes = not name.startswith(_READS)
        try:
            answer = self._operations[name](request)
        except ServerException:  # the job was accepted
            self._record(name, request)
            raise
        if changes:
            self._record(name, request)
        return answer

    def replay(self, name: str, request: dict[str, Any]) -> None:
        """Perform a request that was accepted before: nothing refuses it, and no fault strikes."""
        faults, self._faults = self._faults, Faults()
        try:
            self._operations[name](request)
        finally:
            self._faults = faults

    def _submit_job(self, request: dict[str, Any]) -> dict[str, Any]:
        submission.check(request)
        queue = self._queues.resolve(request["jobQueue"])
        definition = self._definitions.resolve(request["jobDefinition"])
        spec = submission.spec_of(request, queue, definition, self._assume)
        find, exists = self._scheduler.find, self._scheduler.exists
        check_dependencies(spec, find, exists, self._assume)
        for name in spec.consumables:
            self._consumables.resolve(name)
        if self._faults.strikes(self._faults.submit_throttled):
            raise TooManyRequestsException("Too Many Requests")
        job = self._scheduler.submit(spec, self._clock())
        if self._faults.strikes(self._faults.submit_ambiguous):
            raise ServerException("the job was accepted; this answer is a fault on request")
        return {"jobArn": job_arn(job.id), "jobName": spec.name, "jobId": job.id}

    def _describe_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        if len(request["jobs"]) > DESCRIBE_IDS_MAX:
            raise ClientException(f"Maximum number of jobs supported is {DESCRIBE_IDS_MAX} .")
        known_at = self._clock() - int(self._faults.describing_lag_s * 1000)
        rate = self._faults.describing_missed
        details = (self._detail(job_id, known_at) for job_id in request["jobs"])
        return {
            "jobs": [
                detail
                for detail in details
                if detail is not None and not self._faults.strikes(rate)
            ]
        }

    def _detail(self, job_id: str, known_at: int) -> dict[str, Any] | None:
        """Of a job, a child, or a node."""
        own_id, is_node, index = job_id.partition("#")
        job = self._scheduler.find(own_id)
        if job is None or job.created_at > known_at:
            return None
        if not is_node:
            return job_detail(job)
        node = node_of(job, index)
        return None if node is None else node.detail()

    def _list_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        listing.check(request)
        known_at = self._clock() - int(self._faults.listing_lag_s * 1000)
        if "multiNodeJobId" in request:
            nodes = nodes_of(self._scheduler.find(request["multiNodeJobId"]))
            return listing.nodes_of(request, nodes)
        if "arrayJobId" in request:
            return listing.children_of(request, self._scheduler.find(request["arrayJobId"]))
        return listing.jobs_of(request, self._queues.resolve(request["jobQueue"]), known_at)

    def _cancel_job(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._scheduler.find(request["jobId"])
        if job is not None:
            self._scheduler.cancel(job, _reason(request), self._clock())
        return {}

    def _terminate_job(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._scheduler.find(request["jobId"])
        if job is not None:
            self._scheduler.terminate(job, _reason(request), self._clock())
        return {}

    def _each(
        self, request: dict[str, Any], perform: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """CancelJobs, TerminateJobs: ids that are not found count as successful."""
        if len(request["jobs"]) > BULK_IDS_MAX:
            raise ClientException(f"Maximum number of jobs supported is {BULK_IDS_MAX}")
        for job_id in request["jobs"]:
            perform({"jobId": job_id, "reason": request["reason"]})
        return {"successful": request["jobs"], "errors": []}

    def _snapshot(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetJobQueueSnapshot: the first 100 that are RUNNABLE."""
        queue = self._queues.resolve(request["jobQueue"])
        first = self._scheduler.runnable(queue, SNAPSHOT_JOBS_MAX)
        front = [
            {"jobArn": job_arn(job.id), "earliestTimeAtPosition": job.created_at} for job in first
        ]
        return {"frontOfQueue": {"jobs": front, "lastUpdatedAt": self._clock()}}

    def _delete_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._queues.uses_policy(request["arn"]):
            raise ClientException("Cannot delete, found existing JobQueue relationship")
        self._policies.delete(request["arn"])
        return {}

    # --- consumable resources

    def _create_consumable(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._consumables.create(request, self._clock())
        self._scheduler.units_changed(self._clock())
        return answer

    def _update_consumable(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._consumables.update(request)
        self._scheduler.units_changed(self._clock())
        return answer

    def _list_jobs_by_consumable(self, request: dict[str, Any]) -> dict[str, Any]:
        jobs = with_children(iter(self._scheduler.jobs.values()))
        return self._consumables.list_jobs(request, jobs)

    # --- tags

    def _tags(self, request: dict[str, Any]) -> dict[str, str]:
        """The tags of a job, or of what was created, to be changed in place."""
        arn = request["resourceArn"]
        for thing in self._tagged():
            if thing.arn == arn:
                return thing.tags
        job = self._scheduler.find(arn.rpartition(":job/")[2])
        if job is None:
            raise ClientException(f"{arn} does not exist")
        return job.spec.tags

    def _tagged(self) -> Iterator[Tagged]:
        yield from self._definitions.tagged()
        yield from self._queues.tagged()
        yield from self._policies.tagged()
        yield from self._consumables.tagged()

    def _tag(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._tags(request)
        tags.update(checked_tags({**tags, **request["tags"]}))
        return {}

    def _untag(self, request: dict[str, Any]) -> dict[str, Any]:
        for key in request["tagKeys"]:
            self._tags(request).pop(key, None)
        return {}


def _reason(request: dict[str, Any]) -> str:
    return str(request["reason"])[:REASON_CHARS_MAX]


@cache
def operations() -> Mapping[tuple[str, str], OperationModel]:
    """botocore's own model of AWS Batch, by method and path."""
    model = botocore.session.get_session().get_service_model("batch")
    operations = (model.operation_model(name) for name in model.operation_names)
    return {(op.http["method"], op.http["requestUri"]): op for op in operations}


def _route(method: str, path: str) -> tuple[OperationModel | None, dict[str, Any]]:
    """The operation behind a path, and what the path itself says (the ARN of /v1/tags/…)."""
    if path.startswith(_TAGS_PATH):
        resource = unquote(path.removeprefix(_TAGS_PATH))
        return operations().get((method, _TAGS_PATH + "{resourceArn}")), {"resourceArn": resource}
    return operations().get((method, path)), {}


def _body(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body) if body else {}
    except ValueError:
        raise ClientException("the request body is not JSON") from None
    if not isinstance(request, dict):
        raise ClientException("the request body is not a JSON object")
    return request


def _from(query: Mapping[str, list[str]]) -> dict[str, Any]:
    """UntagResource says its keys in the query."""
    return {"tagKeys": query["tagKeys"]} if "tagKeys" in query else {}


def _error(code: str, message: str) -> dict[str, Any]:
    return {"__type": code, "message": message}


def _message(text: str) -> str:
    return f"Error executing request, Exception : {text}, RequestId: {uuid.uuid4()}"
