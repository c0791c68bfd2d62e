"""Where AWS's documentation is silent: each value of each switch does what the docs say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batch_local.assumptions import ASSUMABLE, DOCUMENTED, VALUES, Assumptions
from batch_local.faults import Faults
from batch_local.model import Job, RetryStrategy
from machines import Clockwork, call, ended, machine, submit
from repository import ROOT

PAGE = ROOT / "docs/reference/local-batch.md"


def refusal(answer: tuple[int, dict[str, Any]]) -> str:
    status, document = answer
    assert status == 400, document
    assert document["__type"] == "ClientException"
    return str(document["message"])


def array(service: Any, size: int, *after: dict[str, str]) -> tuple[int, dict[str, Any]]:
    return submit(service, arrayProperties={"size": size}, dependsOn=list(after))


def details(published: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(event.detail) for event in published]


# --- submission


def test_array_of_zero() -> None:
    with machine() as (service, _):
        assert "Array size must be" in refusal(array(service, 0))
    with machine(array_of_zero="simple") as (service, _):
        job = ended(service, array(service, 0)[1]["jobId"])
        assert (job["status"], "arrayProperties" in job) == ("SUCCEEDED", False)


def test_n_to_n_unequal() -> None:
    with machine() as (service, _):
        first = array(service, 3)[1]["jobId"]
        assert "same size" in refusal(array(service, 2, {"jobId": first, "type": "N_TO_N"}))
    clockwork = Clockwork(slots=9, n_to_n_unequal="common")
    first = clockwork.submit(size=2)
    simple = clockwork.submit()
    n_to_n = {"jobId": first.id, "type": "N_TO_N"}
    whole = {"jobId": simple.id, "type": "N_TO_N"}
    second = clockwork.submit(size=3, depends_on=(n_to_n,))
    third = clockwork.submit(size=2, depends_on=(whole,))
    clockwork.launched()
    waiting = [str(child.status) for child in (*second.children, *third.children)]
    assert waiting == ["PENDING", "PENDING", "RUNNING", "PENDING", "PENDING"]
    clockwork.exit(first.children[1])
    clockwork.exit(simple)
    assert clockwork.launched() == [f"{second.id}:1", f"{third.id}:0", f"{third.id}:1"]


def test_unknown_dependency() -> None:
    unknown = {"dependsOn": [{"jobId": "absent"}]}
    with machine() as (service, _):
        assert "Job absent does not exist" in refusal(submit(service, **unknown))
    with machine(unknown_dependency="failed") as (service, _):
        job = ended(service, submit(service, **unknown)[1]["jobId"])
        assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
    with machine(unknown_dependency="met") as (service, _):
        assert ended(service, submit(service, **unknown)[1]["jobId"])["status"] == "SUCCEEDED"


def test_child_dependency() -> None:
    with machine() as (service, _):
        child = array(service, 2)[1]["jobId"] + ":1"
        assert submit(service, dependsOn=[{"jobId": child}])[0] == 200
    with machine(child_dependency="refused") as (service, _):
        child = array(service, 2)[1]["jobId"] + ":1"
        assert f"{child} is a child" in refusal(submit(service, dependsOn=[{"jobId": child}]))


def test_other_queue_dependency() -> None:
    for value, status in zip(VALUES["other_queue_dependency"], (200, 400), strict=True):
        with machine(other_queue_dependency=value) as (service, _):
            call(service, "createjobqueue", jobQueueName="r", priority=1,
                 computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "e"}])  # fmt: skip
            first = submit(service, jobQueue="r")[1]["jobId"]
            assert submit(service, dependsOn=[{"jobId": first}])[0] == status


def test_waiting_children() -> None:
    for value, count in zip(VALUES["waiting_children"], (0, 2), strict=True):
        clockwork = Clockwork(waiting_children=value)
        first = clockwork.submit()
        parent = clockwork.submit(first, size=2)
        clockwork.launched()
        assert (str(parent.status), len(parent.children)) == ("PENDING", count)
        clockwork.exit(first)
        assert clockwork.launched() == [f"{parent.id}:0", f"{parent.id}:1"]


def test_waiting_children_end_with_the_dependencies_of_their_parent() -> None:
    clockwork = Clockwork(waiting_children="present")
    first = clockwork.submit()
    parent = clockwork.submit(first, size=2)
    clockwork.launched()
    clockwork.exit(first, 1)
    assert {str(job.status) for job in (parent, *parent.children)} == {"FAILED"}
    assert clockwork.statuses(parent) == ["PENDING", "FAILED"]


# --- events


def test_submitted_events() -> None:
    for value, first in zip(VALUES["submitted_events"], ("RUNNABLE", "SUBMITTED"), strict=True):
        clockwork = Clockwork(submitted_events=value)
        assert clockwork.statuses(clockwork.submit())[0] == first


def test_parent_events() -> None:
    for value, statuses in (("all", ["PENDING", "SUCCEEDED"]), ("terminal", ["SUCCEEDED"])):
        with machine(parent_events=value) as (service, published):
            parent = array(service, 2)[1]["jobId"]
            ended(service, parent)
            assert [d["status"] for d in details(published) if d["jobId"] == parent] == statuses


def test_first_index() -> None:
    for value, indexes in (("present", {0, 1}), ("absent", {None, 1})):
        with machine(first_index=value) as (service, published):
            ended(service, array(service, 2)[1]["jobId"])
            children = [d for d in details(published) if ":" in d["jobId"]]
            assert {d["arrayProperties"].get("index") for d in children} == indexes


def test_parent_summary() -> None:
    for value, summary in (("final", (2, 0)), ("behind", (1, 1))):
        with machine(parent_summary=value) as (service, published):
            parent = array(service, 2)[1]["jobId"]
            detail = ended(service, parent)
            assert detail["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
            summary_seen = details(published)[-1]["arrayProperties"]["statusSummary"]
            assert (summary_seen["SUCCEEDED"], summary_seen["RUNNING"]) == summary


def test_stop_flags() -> None:
    for value, flag in (("present", True), ("absent", None)):
        with machine(stop_flags=value) as (service, published):
            job_id = submit(service, containerOverrides={"command": ["sleep", "9"]})[1]["jobId"]
            call(service, "terminatejob", jobId=job_id, reason="enough")
            assert ended(service, job_id)["isTerminated"] is True
            last = details(published)[-1]
            assert (last["statusReason"], last.get("isTerminated")) == ("enough", flag)


def test_child_tags() -> None:
    for value, tag in (("absent", None), ("present", "b")):
        with machine(child_tags=value) as (service, published):
            answer = submit(service, arrayProperties={"size": 2}, tags={"a": "b"})
            ended(service, answer[1]["jobId"])
            child = next(d for d in details(published) if d["jobId"].endswith(":1"))
            assert child["tags"].get("a") == tag


def test_event_container() -> None:
    for value in VALUES["event_container"]:
        with machine(event_container=value) as (service, published):
            ended(service, submit(service)[1]["jobId"])
            assert {"container" in d for d in details(published)} == {value == "whole"}


def test_repeated_event_id() -> None:
    for value, ids in (("fresh", 8), ("same", 4)):
        with machine(Faults(event_duplicated=1), repeated_event_id=value) as (service, published):
            ended(service, submit(service)[1]["jobId"])
            assert (len(published), len({event.id for event in published})) == (8, ids)


# --- retries and ends


def end_with(rules: list[dict[str, str]], code: int | None, **assumptions: Any) -> str:
    """The status of a job of two attempts after its first ended with a code, or with its host."""
    clockwork = Clockwork(**assumptions)
    job = clockwork.submit(retry=RetryStrategy(attempts=2, rules=tuple(rules)))
    clockwork.launched()
    if code is None:
        clockwork.scheduler.host_lost(job, job.attempts[-1], "Host EC2 gone", clockwork.now)
    else:
        clockwork.exit(job, code)
    return str(job.status)


def test_deciding_rule() -> None:
    rules = [{"onExitCode": "3", "action": "RETRY"}, {"onExitCode": "*", "action": "EXIT"}]
    assert end_with(rules, 3) == "STARTING"
    assert end_with(rules, 3, deciding_rule="last") == "FAILED"


def test_rule_case() -> None:
    rules = [{"onStatusReason": "essential*", "action": "EXIT"}]
    assert end_with(rules, 1) == "STARTING"
    assert end_with(rules, 1, rule_case="ignored") == "FAILED"


def test_star_on_nothing() -> None:
    rules = [{"onExitCode": "*", "action": "EXIT"}]
    assert end_with(rules, None) == "FAILED"
    assert end_with(rules, None, star_on_nothing="differs") == "STARTING"


def start_twice(**assumptions: Any) -> Job:
    """A job of one attempt whose process does not start the first time."""
    clockwork = Clockwork(**assumptions)
    job = clockwork.submit()
    [launch] = clockwork.scheduler.launches
    clockwork.scheduler.launches = []
    clockwork.scheduler.start_failed(job, launch.attempt, "no image", clockwork.now)
    if clockwork.launched():
        clockwork.exit(job, 1)
    return job


def test_failed_start() -> None:
    assert len(start_twice().attempts) == 1
    job = start_twice(failed_start="free")
    assert (str(job.status), len(job.attempts)) == ("FAILED", 2)


def test_a_free_start_is_not_tried_for_ever() -> None:
    clockwork = Clockwork(failed_start="free")
    job = clockwork.submit()
    while not job.status.is_terminal:
        [launch] = clockwork.scheduler.launches
        clockwork.scheduler.launches = []
        clockwork.scheduler.start_failed(job, launch.attempt, "no image", clockwork.now)
    assert len(job.attempts) == 100


def test_cancel_runnable() -> None:
    for value, at_once in (("at_once", True), ("at_head", False)):
        clockwork = Clockwork(slots=1, cancel_runnable=value)
        first, _, third = (clockwork.submit() for _ in range(3))
        clockwork.launched()
        clockwork.scheduler.cancel(third, "no", clockwork.now)
        assert third.status.is_terminal is at_once
        clockwork.exit(first)  # and the second leaves the queue
        assert len(clockwork.launched()) == 1
        assert (str(third.status), third.status_reason) == ("FAILED", "no")


def test_failed_parent() -> None:
    for value, early in (("after_all", False), ("at_first", True)):
        clockwork = Clockwork(failed_parent=value)
        parent = clockwork.submit(size=2)
        clockwork.launched()
        clockwork.exit(parent.children[0], 1)
        assert parent.status.is_terminal is early
        clockwork.exit(parent.children[1])
        assert clockwork.statuses(parent) == ["PENDING", "FAILED"]
        assert str(parent.children[1].status) == "SUCCEEDED"


# --- requests


@pytest.mark.parametrize(("value", "others"), [("none", 200), ("shared", 429), ("each", 200)])
def test_quota(value: str, others: int) -> None:
    with machine(quota=value) as (service, _):
        nothing: tuple[str, str, bytes, dict[str, list[str]]] = (
            "POST",
            "/v1/describejobs",
            b'{"jobs": []}',
            {},
        )
        answers = [service.handle(*nothing)[0] for _ in range(400)]  # in far less than a second
        assert (429 in answers) is (value != "none")
        if 429 in answers[-50:]:
            assert submit(service)[0] == others


def test_bulk_operations() -> None:
    body = b'{"jobs": [], "reason": "x"}'
    for value, status in (("present", 200), ("absent", 404)):
        with machine(bulk_operations=value) as (service, _):
            assert service.handle("POST", "/v1/terminatejobs", body, {})[0] == status


# --- the switches themselves


def test_unit_wait() -> None:
    for value, status in (("blocks", "RUNNABLE"), ("passed", "RUNNING")):
        clockwork = Clockwork(slots=10, unit_wait=value)
        request = {"consumableResourceName": "licence", "totalQuantity": 1}
        clockwork.scheduler.consumables.create(request, clockwork.now)
        array = clockwork.submit(size=3, consumables={"licence": 1})
        behind = clockwork.submit()
        clockwork.launched()
        assert str(behind.status) == status
        waiting = [job.id for job in clockwork.scheduler.runnable(clockwork.queue, 10)]
        assert waiting[:2] == [child.id for child in array.children[1:]]
        clockwork.scheduler.terminate(array.children[1], "enough", clockwork.now)
        clockwork.exit(array.children[0])
        assert array.children[2].id in clockwork.launched()


def test_switches_are_read_from_a_text() -> None:
    assert Assumptions.parse("") == DOCUMENTED
    assert Assumptions.parse("quota=each, failed_parent=at_first") == Assumptions(
        quota="each", failed_parent="at_first"
    )
    with pytest.raises(ValueError, match=r"'cancel_runnable': write one of unknown_dependency"):
        Assumptions.parse("cancel_runnable")
    with pytest.raises(ValueError, match="quota is one of none, shared, each"):
        Assumptions.parse("quota=much")
    with pytest.raises(ValueError, match=r"'rule_case=ignored': write one of unknown_dependency"):
        Assumptions.parse("rule_case=ignored")


def test_every_switch_is_documented_and_tested() -> None:
    page, tests = PAGE.read_text(), Path(__file__).read_text()
    for name, values in VALUES.items():
        default, *others = values
        spelled = ", ".join([f"**{default}**", *others])
        asked = "yes" if name in ASSUMABLE else ""
        assert f"| `{name}` | {spelled} | {asked} |" in page, name
        assert f"def test_{name}(" in tests
