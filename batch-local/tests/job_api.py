"""The API of AWS Batch on a scheduler that has a job."""

from __future__ import annotations

import json
from itertools import count

from batch_local.api.operations import BatchApi
from batch_local.assumptions import DOCUMENTED
from batch_local.faults import Faults
from batch_local.scheduling.scheduler import Scheduler


def api_with_a_job() -> tuple[BatchApi, Scheduler]:
    """An API with a queue, a definition and a job."""
    numbers = count(1)
    scheduler = Scheduler(new_id=lambda: f"id-{next(numbers)}", observe=lambda _: None)
    api = BatchApi(scheduler, lambda: 1_000, Faults(), DOCUMENTED)
    for path, request in (
        ("createcomputeenvironment", {"computeEnvironmentName": "e", "type": "MANAGED",
                                      "computeResources": {"type": "EC2", "maxvCpus": 2, "subnets": []}}),
        ("createjobqueue", {"jobQueueName": "q", "priority": 1,
                            "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "e"}]}),
        ("registerjobdefinition", {"jobDefinitionName": "d", "type": "container",
                                   "containerProperties": {"image": "", "command": ["true"], "vcpus": 1, "memory": 64}}),
        ("submitjob", {"jobName": "j", "jobQueue": "q", "jobDefinition": "d",
                       "arrayProperties": {"size": 2}}),
    ):  # fmt: skip
        status, answer = api.handle("POST", f"/v1/{path}", json.dumps(request).encode(), {})
        assert status == 200, answer
    return api, scheduler
