"""Consumable resources of the local AWS Batch: units, who waits for them, and the operations."""

from __future__ import annotations

import random
from typing import Any

import pytest

from batch_local.model import Job, RetryStrategy
from batch_local.resources.consumables import NEEDS_MAX
from machines import Clockwork, call, machine, refusal, submit

ONE = {"licence": 1}


def with_units(clockwork: Clockwork, units: int, kind: str = "REPLENISHABLE") -> Clockwork:
    request = {"consumableResourceName": "licence", "totalQuantity": units, "resourceType": kind}
    clockwork.scheduler.consumables.create(request, clockwork.now)
    return clockwork


def needing(quantity: int = 1) -> dict[str, Any]:
    entry = {"consumableResource": "licence", "quantity": quantity}
    return {"consumableResourcePropertiesOverride": {"consumableResourceList": [entry]}}


def test_children_wait_runnable_until_units_are_free() -> None:
    clockwork = with_units(Clockwork(slots=10), 2)
    array = clockwork.submit(size=4, consumables=ONE)
    assert len(clockwork.launched()) == 2
    assert [str(child.status) for child in array.children] == ["RUNNING"] * 2 + ["RUNNABLE"] * 2
    clockwork.exit(array.children[1])
    assert clockwork.launched() == [array.children[2].id]
    assert clockwork.scheduler.consumables.available("licence") == 0


def test_two_arrays_share_the_units_of_one_resource() -> None:
    clockwork = with_units(Clockwork(slots=10), 3)
    clockwork.submit(size=2, consumables=ONE)
    other = clockwork.submit(size=2, consumables=ONE)
    assert len(clockwork.launched()) == 3
    assert [str(child.status) for child in other.children] == ["RUNNING", "RUNNABLE"]


@pytest.mark.parametrize("wait", ["blocks", "passed"])
@pytest.mark.parametrize("seed", range(20))
def test_no_more_run_than_there_are_units_whatever_ends_how(seed: int, wait: str) -> None:
    rng = random.Random(seed)
    units = rng.randint(1, 4)
    clockwork = with_units(Clockwork(slots=rng.randint(1, 8), unit_wait=wait), units)
    jobs: list[Job] = []
    for _ in range(4):
        needs = ONE if rng.random() < 0.7 else {}
        array = clockwork.submit(
            size=rng.randint(2, 6), consumables=needs, retry=RetryStrategy(attempts=2)
        )
        jobs += array.children
    while any(not job.status.is_terminal for job in jobs):
        clockwork.launched()
        running = [job for job in jobs if str(job.status) == "RUNNING"]
        with_unit = [job for job in running if job.spec.consumables]
        assert len(with_unit) <= units
        assert clockwork.scheduler.consumables.available("licence") == units - len(with_unit)
        assert running, "nothing runs, and something waits"
        if rng.random() < 0.1:
            waiting = rng.choice(jobs)
            clockwork.scheduler.terminate(waiting, "enough", clockwork.now)
        clockwork.exit(rng.choice(running), rng.choice((0, 0, 1)))


def test_a_head_that_waits_for_units_holds_up_its_own_queue_only() -> None:
    clockwork = with_units(Clockwork(slots=10), 1)
    clockwork.submit(size=2, consumables=ONE)
    behind = clockwork.submit()
    elsewhere = clockwork.submit(queue=clockwork.add_queue("other"))
    clockwork.launched()
    assert [str(job.status) for job in (behind, elsewhere)] == ["RUNNABLE", "RUNNING"]


def test_units_come_when_a_resource_is_created_or_raised() -> None:
    clockwork = Clockwork(slots=10)
    array = clockwork.submit(size=3, consumables=ONE)
    assert clockwork.launched() == []
    with_units(clockwork, 1)
    clockwork.scheduler.units_changed(clockwork.now)
    assert clockwork.launched() == [array.children[0].id]
    change = {"consumableResource": "licence", "operation": "ADD", "quantity": 1}
    clockwork.scheduler.consumables.update(change)
    clockwork.scheduler.units_changed(clockwork.now)
    assert clockwork.launched() == [array.children[1].id]


def test_a_resource_that_is_deleted_and_created_again_is_the_same_one() -> None:
    clockwork = with_units(Clockwork(slots=10), 2)
    array = clockwork.submit(size=4, consumables=ONE)
    clockwork.launched()
    consumables = clockwork.scheduler.consumables
    consumables.delete({"consumableResource": "licence"})
    clockwork.exit(array.children[0])
    assert clockwork.launched() == [], "RUNNABLE until it is there again"
    with_units(clockwork, 2)
    assert consumables.available("licence") == 1, "a child that runs has its unit"
    clockwork.exit(array.children[1])
    assert len(clockwork.launched()) == 2


def test_what_is_not_replenishable_is_used_up() -> None:
    clockwork = with_units(Clockwork(slots=10), 2, "NON_REPLENISHABLE")
    array = clockwork.submit(size=3, consumables=ONE)
    clockwork.launched()
    clockwork.exit(array.children[0])
    assert clockwork.launched() == []
    described = clockwork.scheduler.consumables.describe({"consumableResource": "licence"})
    assert (described["totalQuantity"], described["availableQuantity"]) == (0, 0)


def test_the_operations_answer_in_awss_shapes() -> None:
    with machine() as (service, _):
        for name, units in (("licence", 3), ("Other", 1)):
            call(service, "createconsumableresource",
                 consumableResourceName=name, totalQuantity=units)  # fmt: skip
        described = call(service, "describeconsumableresource", consumableResource="licence")
        arn = described.pop("consumableResourceArn")
        assert arn.endswith(":consumable-resource/licence")
        assert described.pop("createdAt") > 0
        assert described == {
            "consumableResourceName": "licence",
            "totalQuantity": 3,
            "inUseQuantity": 0,
            "availableQuantity": 3,
            "resourceType": "REPLENISHABLE",
            "tags": {},
        }
        by_name = [{"name": "CONSUMABLE_RESOURCE_NAME", "values": ["oth*"]}]
        listed = call(service, "listconsumableresources", filters=by_name)["consumableResources"]
        assert [entry["consumableResourceName"] for entry in listed] == ["Other"]
        once = {"operation": "ADD", "quantity": 2, "clientToken": "t", "consumableResource": arn}
        for _ in range(2):
            assert call(service, "updateconsumableresource", **once)["totalQuantity"] == 5
        call(service, "deleteconsumableresource", consumableResource=arn)
        listed = call(service, "listconsumableresources")["consumableResources"]
        assert [entry["consumableResourceName"] for entry in listed] == ["Other"]


def test_the_jobs_of_a_resource_are_listed() -> None:
    with machine() as (service, _):
        call(service, "createconsumableresource",
             consumableResourceName="licence", totalQuantity=0)  # fmt: skip
        _, answer = submit(service, arrayProperties={"size": 2}, **needing())
        submit(service)
        jobs = call(service, "listjobsbyconsumableresource", consumableResource="licence")["jobs"]
        assert [(job["jobArn"].rpartition("/")[2], job["jobStatus"]) for job in jobs] == [
            (f"{answer['jobId']}:{index}", "RUNNABLE") for index in (0, 1)
        ]
        none = [{"name": "JOB_STATUS", "values": ["RUNNING"]}]
        request = {"consumableResource": "licence", "filters": none}
        assert call(service, "listjobsbyconsumableresource", **request)["jobs"] == []
        [job] = call(service, "describejobs", jobs=[answer["jobId"]])["jobs"]
        needs = needing()["consumableResourcePropertiesOverride"]
        assert job["consumableResourceProperties"] == needs


def test_a_request_overrides_a_definition_resource_by_resource() -> None:
    with machine() as (service, _):
        for name in ("licence", "other"):
            call(service, "createconsumableresource",
                 consumableResourceName=name, totalQuantity=9)  # fmt: skip
        entries = [{"consumableResource": name, "quantity": 2} for name in ("licence", "other")]
        call(service, "registerjobdefinition", jobDefinitionName="needy", type="container",
             consumableResourceProperties={"consumableResourceList": entries},
             containerProperties={"image": "", "command": ["true"],
                                  "vcpus": 1, "memory": 64})  # fmt: skip
        _, answer = submit(service, jobDefinition="needy", **needing(1))
        [job] = call(service, "describejobs", jobs=[answer["jobId"]])["jobs"]
        needs = job["consumableResourceProperties"]["consumableResourceList"]
        assert {need["consumableResource"]: need["quantity"] for need in needs} == {
            "licence": 1,
            "other": 2,
        }


def test_what_aws_refuses_is_refused() -> None:
    with machine() as (service, _):
        create = "createconsumableresource"
        call(service, create, consumableResourceName="licence", totalQuantity=1)
        for request, sentence in (
            ({"consumableResourceName": "licence"}, "Object already exists: licence"),
            ({"consumableResourceName": "n", "totalQuantity": -1},
             "totalQuantity must not be negative, got -1"),
            ({"consumableResourceName": "n", "resourceType": "ENDLESS"},
             "resourceType must be one of REPLENISHABLE, NON_REPLENISHABLE"),
        ):  # fmt: skip
            assert refusal(service, create, **request) == sentence
        assert refusal(service, create, consumableResourceName="a b").startswith("The name 'a b'")
        missing = "Consumable resource gone does not exist"
        for path in ("describeconsumableresource", "deleteconsumableresource"):
            assert refusal(service, path, consumableResource="gone") == missing
        change = {"consumableResource": "licence", "operation": "REMOVE", "quantity": 2}
        sentence = "totalQuantity must not be negative, got -1"
        assert refusal(service, "updateconsumableresource", **change) == sentence
        job = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}
        assert "quantity of 1 or more" in refusal(service, "submitjob", **job, **needing(0))
        entries = [{"consumableResource": f"r{n}", "quantity": 1} for n in range(NEEDS_MAX + 1)]
        many = {"consumableResourcePropertiesOverride": {"consumableResourceList": entries}}
        sentence = "A job can need at most 5 consumable resources"
        assert refusal(service, "submitjob", **job, **many) == sentence
        entries[:] = [{"consumableResource": "gone", "quantity": 1}]
        assert refusal(service, "submitjob", **job, **many) == missing
