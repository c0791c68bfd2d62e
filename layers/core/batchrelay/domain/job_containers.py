"""The containers of a JobDetail: its only one, those of an ECS task, of a pod, or of its nodes.

Each is given in the shape of a ContainerDetail. `container` of a job with several is empty, and
ListJobs says nothing of them. Source: JobDetail, container.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.containers import pod_amounts

LOG_GROUP = "/aws/batch/job"
"""Where AWS Batch writes logs, unless a job definition says otherwise. Source: UG, job_states."""

_STOPPED = (137, 143)
"""Exit codes of a container that was stopped, because another one of its job had ended."""

_OUT_OF_MEMORY = "OutOfMemory"


def has_several(job: Mapping[str, Any]) -> bool:
    """Whether only DescribeJobs has how its containers ended."""
    return any(key in job for key in ("ecsProperties", "eksProperties"))


def containers_of_job(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All of a job, or of a node; of a multi-node parallel job none, but of each node its own."""
    one = _mapping(job, "container")
    listed = [*_of_task(_mapping(job, "ecsProperties")), *_of_pod(_mapping(job, "eksProperties"))]
    return [one] if one and not listed else listed


def variables_of_container(container: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables of one: a pod's stand in `env`."""
    entries = (*_mappings(container, "environment"), *_mappings(container, "env"))
    return {str(entry.get("name")): str(entry.get("value", "")) for entry in entries}


def variables_of_job(job: Mapping[str, Any]) -> dict[str, str]:
    """Those of all its containers: what a run gives to its jobs, each of them has."""
    by_container = map(variables_of_container, containers_of_job(job))
    return {name: value for variables in by_container for name, value in variables.items()}


def containers_of_attempt(attempt: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What an AttemptDetail, or an EksAttemptDetail, says of each."""
    one = _mapping(attempt, "container")
    if one:
        return [one]
    tasks = _mappings(attempt, "taskProperties")
    listed = [container for task in tasks for container in _mappings(task, "containers")]
    return listed or [*_mappings(attempt, "initContainers"), *_mappings(attempt, "containers")]


def decisive_container(containers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one whose end says most: what failed, before what was stopped for it; empty if there is
    none."""
    return min(containers, key=_says_less, default={})


def failed_container(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one because of which a job, or a node, FAILED; empty if none says so."""
    container = decisive_container(containers_of_job(job))
    has_failed = job.get("status") == "FAILED" and _says_less(container) < _NOTHING
    return container if has_failed else {}


def default_container(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one that is meant if none is named: that which failed, else the first essential one, and
    of a pod the first that runs on; empty for a job without containers."""
    containers = containers_of_job(job)
    pod = _mapping(_mapping(job, "eksProperties"), "podProperties")
    own = containers[len(_mappings(pod, "initContainers")) :]
    essential = (one for one in own if one.get("essential") is not False)
    return failed_container(job) or next(essential, {})


def failed_node(nodes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The node that failed, before those that were stopped for it; empty if none did."""
    failed_nodes = [one for one in nodes if failed_container(one)]
    return min(failed_nodes, key=lambda one: _says_less(failed_container(one)), default={})


def judged_container(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one by which a job, or a node, is judged: of one that SUCCEEDED an essential one, not
    another that was stopped at its end."""
    containers = containers_of_job(job)
    well = [one for one in containers if one.get("exitCode") == 0]
    if job.get("status") != "SUCCEEDED" or not well:
        return decisive_container(containers)
    return next((one for one in well if one.get("essential") is not False), well[0])


def attempts_of_job(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The AttemptDetails of a job, or the EksAttemptDetails, in their order."""
    return _mappings(job, "attempts") or _mappings(job, "eksAttempts")


def is_pod(job: Mapping[str, Any]) -> bool:
    """Whether a job is one for EKS, of which AWS Batch has no log."""
    return "eksProperties" in job


def _says_less(container: Mapping[str, Any]) -> int:
    exit_code = container.get("exitCode")
    reason = str(container.get("reason") or "")
    if reason.startswith(_OUT_OF_MEMORY):
        return 0
    if isinstance(exit_code, int) and exit_code != 0:
        return 2 if was_stopped(exit_code) else 1
    return 3 if reason else _NOTHING


_NOTHING = 4
"""Of a container of which nothing is known, or that ended well."""


def was_stopped(exit_code: int | None) -> bool:
    """Whether an exit code is that of a container which was stopped."""
    return exit_code in _STOPPED


def log_place(job: Mapping[str, Any]) -> tuple[str, str] | None:
    """The log group and stream of a JobDetail's last attempt; None if no container ever ran.

    Of several containers that of the one whose end says most; a pod has no log in AWS Batch.
    """
    container = judged_container(job)
    attempts = attempts_of_job(job)
    last = attempts[-1] if attempts else {}
    stream = container.get("logStreamName") or _last_stream(last, container.get("name"))
    options = _mapping(_mapping(container, "logConfiguration"), "options")
    return (str(options.get("awslogs-group", LOG_GROUP)), str(stream)) if stream else None


def _last_stream(attempt: Mapping[str, Any], name: Any) -> Any:
    containers = containers_of_attempt(attempt)
    of_that_name = [one for one in containers if one.get("name") == name]
    return decisive_container(of_that_name or containers).get("logStreamName")


def requested_of_job(job: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """vCPUs and MiB of all containers of a job, on all nodes; None of what is unknown."""
    nodes = _mapping(job, "nodeProperties")
    if not nodes:
        return _requested_of_one(job)
    amounts = [_requested_of_one(_range_of(nodes, n)) for n in range(_count(nodes))]
    return _total([vcpus for vcpus, _ in amounts]), _total([mib for _, mib in amounts])


def node_ids(job: Mapping[str, Any]) -> list[str]:
    """The ids of the jobs of its nodes; none of any other job. Source: JobDetail, nodeDetails."""
    nodes = _mapping(job, "nodeProperties")
    is_node = "nodeIndex" in _mapping(job, "nodeDetails")
    return [] if is_node else [f"{job.get('jobId')}#{index}" for index in range(_count(nodes))]


NODES_MAX = 1_000
"""More than a multi-node parallel job can have."""


def _count(nodes: Mapping[str, Any]) -> int:
    number = nodes.get("numNodes")
    return min(number, NODES_MAX) if isinstance(number, int) else 0


def _range_of(nodes: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    """The narrowest range that has a node. Source: NodeRangeProperty, targetNodes ("nest")."""
    ranges = _mappings(nodes, "nodeRangeProperties")
    having = [one for one in ranges if has_node(one, index)]
    return min(having, key=lambda one: len(_nodes_of(one)), default={})


def has_node(one: Mapping[str, Any], index: int) -> bool:
    """Whether a range has a node."""
    return index in _nodes_of(one)


def _nodes_of(one: Mapping[str, Any]) -> range:
    """Of `n`, `n:m`, `n:` or `:m`. Source: NodeRangeProperty."""
    first, colon, last = str(one.get("targetNodes", "")).partition(":")
    try:
        start, end = int(first or 0), int(last) if last else NODES_MAX if colon else int(first)
    except ValueError:
        return range(0)
    return range(start, end + 1)


def _of_task(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for task in _mappings(properties, "taskProperties"):
        platform = {"runtimePlatform": task.get("runtimePlatform")}
        for container in _mappings(task, "containers"):
            yield {**platform, **container}


def _of_pod(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    pod = _mapping(properties, "podProperties")
    yield from _of_list(pod, "initContainers")
    yield from _of_list(pod, "containers")


def _of_list(pod: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    for container in _mappings(pod, key):
        amounts = pod_amounts(container.get("resources"))
        memory = str(amounts.get("memory", "")).removesuffix("Mi")
        yield {**container, "vcpus": amounts.get("cpu"), "memory": memory}


def _requested_of_one(job: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Of a job, or of a node. The init containers of a pod have ended before the others begin: the
    larger of both counts. Source: Kubernetes, init containers ("effective request")."""
    pod = _mapping(_mapping(job, "eksProperties"), "podProperties")
    if not pod:
        return _requested(containers_of_job(job))
    vcpus, mib = _requested([*_of_list(pod, "containers")])
    first = [_amounts(container) for container in _of_list(pod, "initContainers")]
    return _largest(vcpus, [one for one, _ in first]), _largest(mib, [one for _, one in first])


def _largest(together: float | None, each: Sequence[float | None]) -> float | None:
    """None where that is unknown; an init container need not say what it asks for."""
    known = [amount for amount in each if amount is not None]
    return None if together is None else max([together, *known])


def _requested(
    containers: Sequence[Mapping[str, Any]],
) -> tuple[float | None, float | None]:
    amounts = [_amounts(container) for container in containers]
    return _total([vcpus for vcpus, _ in amounts]), _total([mib for _, mib in amounts])


def _amounts(container: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """In both spellings."""
    amounts = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    for entry in _mappings(container, "resourceRequirements"):
        amounts[str(entry.get("type"))] = entry.get("value")
    return _amount(amounts["VCPU"]), _amount(amounts["MEMORY"])


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known and len(known) == len(amounts) else None


def _amount(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _mappings(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = document.get(name)
    listed = entries if isinstance(entries, list | tuple) else ()
    return [entry for entry in listed if isinstance(entry, Mapping)]
