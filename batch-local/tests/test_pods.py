"""Jobs for EKS: real processes, and what DescribeJobs says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batch_local.containers.pods import expanded
from batch_local.service import BatchService
from machines import call, ended, roomy_machine, run, submit
from task_texts import nodes, overriding_pod, pod, pod_container


@pytest.fixture
def service() -> Iterator[BatchService]:
    with roomy_machine(vcpus=4) as running:
        yield running


def codes(entries: list[dict[str, Any]]) -> dict[str, int | None]:
    return {one["name"]: one.get("exitCode") for one in entries}


def lines_of(service: BatchService, job: dict[str, Any], name: str) -> list[str]:
    """What a container printed: no description names a pod's log."""
    task_id = job["eksAttempts"][-1]["podName"].removeprefix("aws-batch.")
    stream = service.logs.streams("/aws/batch/job")[f"t/{name}/{task_id}"]
    service.logs.refresh({"": stream})
    return stream.messages(0, len(stream))


def test_containers_that_begin_first_run_one_after_the_other(service: BatchService) -> None:
    stamp = "date +%s%N"
    init = [pod_container(name, f"sleep 0.05; {stamp}") for name in ("one", "two")]
    job = run(service, pod(pod_container("main", f"{stamp}; exit 3"), init=init))
    assert (job["status"], job["attempts"], job["platformCapabilities"]) == ("FAILED", [], [])
    assert "container" not in job
    whole = job["eksProperties"]["podProperties"]
    assert codes(whole["containers"]) == {"main": 3}
    assert codes(whole["initContainers"]) == {"one": 0, "two": 0}
    [attempt] = job["eksAttempts"]
    assert codes(attempt["containers"]) == {"main": 3}
    assert codes(attempt["initContainers"]) == {"one": 0, "two": 0}
    assert attempt["podName"] == whole["podName"]
    one, two, main = (int(lines_of(service, job, name)[0]) for name in ("one", "two", "main"))
    assert one < two < main


def test_the_failure_of_the_first_keeps_the_others_from_beginning(service: BatchService) -> None:
    init = [pod_container("one", "exit 5"), pod_container("two")]
    job = run(service, pod(pod_container("main"), init=init), retryStrategy={"attempts": 2})
    assert (job["status"], len(job["eksAttempts"])) == ("FAILED", 2)
    whole = job["eksProperties"]["podProperties"]
    assert codes(whole["containers"]) == {"main": None}
    assert codes(whole["initContainers"]) == {"one": 5, "two": None}


def test_a_pod_ends_with_all_of_its_containers(service: BatchService) -> None:
    job = run(service, pod(pod_container("a", "sleep 0.2"), pod_container("b", "exit 4")))
    assert job["status"] == "FAILED"
    assert codes(job["eksAttempts"][0]["containers"]) == {"a": 0, "b": 4}
    well = run(service, pod(pod_container("a", "sleep 0.1"), pod_container("b")))
    assert well["status"] == "SUCCEEDED"


def test_a_request_changes_containers_by_name(service: BatchService) -> None:
    definition = pod(
        pod_container("a", "echo never", env=[{"name": "X", "value": "1"}]),
        pod_container("b", "echo b"),
        init=[pod_container("i", "echo i")],
        parameters={"word": "hello"},
    )
    change = {
        "name": "a",
        "image": "other",
        "args": ["echo Ref::word $X $(Y) $(AWS_BATCH_JOB_ARRAY_INDEX)"],
        "env": [{"name": "Y", "value": "2"}],
        "resources": {"requests": {"cpu": "0.5"}, "limits": {"cpu": "1", "memory": "128Mi"}},
    }
    first = {"name": "i", "command": ["echo"], "args": ["first"]}
    override = overriding_pod(change, initContainers=[first])
    call(service, "registerjobdefinition", **definition)
    _, answer = submit(service, jobDefinition="t", arrayProperties={"size": 2}, **override)
    job = ended(service, f"{answer['jobId']}:1")
    assert lines_of(service, job, "i") == ["first"]
    assert lines_of(service, job, "b") == ["b"]
    assert lines_of(service, job, "a") == ["hello 1 2 1"]
    [container, _] = job["eksProperties"]["podProperties"]["containers"]
    assert container["image"] == "other"
    assert container["resources"]["limits"]["memory"] == "128Mi"
    assert container["env"] == [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]


def test_references_to_variables_are_expanded_as_by_kubernetes() -> None:
    words = ["$(A)", "$(NO)", "$$(A)", "a$(A)b$$", "$A"]
    assert expanded(words, {"A": "1"}) == ["1", "$(NO)", "$(A)", "a1b$", "$A"]


def test_a_pod_asks_for_its_containers_or_for_what_begins_first(service: BatchService) -> None:
    large: dict[str, Any] = {"resources": {"limits": {"cpu": "4", "memory": "64Mi"}}}
    script = "sleep 0.1"
    definition = pod(pod_container("a", script), pod_container("b", script),
                     init=[pod_container("i", **large)])  # fmt: skip
    call(service, "registerjobdefinition", **definition)
    ids = [submit(service, jobDefinition="t")[1]["jobId"] for _ in range(2)]
    first, second = (ended(service, job_id) for job_id in ids)
    assert second["startedAt"] >= first["stoppedAt"], "4 of 4 vCPUs each"


def test_a_definition_for_eks_is_given_back_whole(service: BatchService) -> None:
    metadata = {"labels": {"team": "a"}, "namespace": "batch"}
    whole = pod(pod_container("a"), pod={"serviceAccountName": "s", "metadata": metadata})
    call(service, "registerjobdefinition", **whole)
    [definition] = call(service, "describejobdefinitions", jobDefinitionName="t")["jobDefinitions"]
    assert definition["eksProperties"] == whole["eksProperties"]
    assert (definition["containerOrchestrationType"], definition["type"]) == ("EKS", "container")
    job = ended(service, submit(service, jobDefinition="t")[1]["jobId"])
    described = job["eksProperties"]["podProperties"]
    assert (described["serviceAccountName"], described["metadata"]) == ("s", metadata)


def test_a_program_is_the_entrypoint_where_a_pod_says_none(service: BatchService) -> None:
    container = pod_container("a", command=[], args=["hello"])
    tags = {"batchrelay:entrypoint": "echo -n"}
    job = run(service, pod(container, tags=tags))
    assert (job["status"], lines_of(service, job, "a")) == ("SUCCEEDED", ["hello"])


def test_nodes_may_be_pods(service: BatchService) -> None:
    properties = pod(pod_container("a", "sleep 0.1; exit 6"))["eksProperties"]
    job = run(service, nodes({"targetNodes": "0:", "eksProperties": properties}))
    assert (job["status"], job["attempts"]) == ("FAILED", [])
    assert codes(job["eksAttempts"][0]["containers"]) == {"a": 6}
    [entry] = job["nodeProperties"]["nodeRangeProperties"]
    assert codes(entry["eksProperties"]["podProperties"]["containers"]) == {"a": None}
    [node] = call(service, "describejobs", jobs=[f"{job['jobId']}#1"])["jobs"]
    assert [one["name"] for one in node["eksProperties"]["podProperties"]["containers"]] == ["a"]
