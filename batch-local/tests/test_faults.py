"""Faults on request: what they do, and that a seed plays the same again."""

from __future__ import annotations

import json
import sys
import time

import pytest

from batch_local.faults import Faults
from machines import call, ended, listed, machine, submit
from task_texts import pod, pod_container


def test_throttling_refuses_a_submission() -> None:
    with machine(Faults(submit_throttled=1)) as (service, _):
        assert submit(service)[0] == 429
        assert listed(service) == []


def test_a_lost_answer_is_a_500_after_the_job_was_accepted() -> None:
    with machine(Faults(submit_ambiguous=1)) as (service, _):
        assert submit(service)[0] == 500
        assert len(listed(service)) == 1


def test_a_listing_may_lag() -> None:
    with machine(Faults(listing_lag_s=60)) as (service, _):
        submit(service)
        assert listed(service) == []


def test_a_description_may_lag() -> None:
    with machine(Faults(describing_lag_s=60)) as (service, _):
        job_id = submit(service)[1]["jobId"]
        assert call(service, "describejobs", jobs=[job_id])["jobs"] == []
        assert len(listed(service)) == 1


def test_a_description_may_leave_a_job_out_that_is_there() -> None:
    with machine(Faults(describing_missed=1)) as (service, _):
        job_id = submit(service)[1]["jobId"]
        assert call(service, "describejobs", jobs=[job_id])["jobs"] == []
        assert len(listed(service)) == 1


def test_a_lost_host_has_no_exit_code() -> None:
    with machine(Faults(host_lost=1)) as (service, _):
        job = ended(
            service, submit(service, containerOverrides={"command": ["sleep", "9"]})[1]["jobId"]
        )
        assert job["statusReason"].startswith("Host EC2 (instance i-")
        assert "exitCode" not in job["container"]


def test_a_failed_pull_has_no_log_stream() -> None:
    with machine(Faults(pull_failed=1)) as (service, _):
        job = ended(service, submit(service)[1]["jobId"])
        assert job["container"]["reason"].startswith("CannotPullContainerError")
        assert "logStreamName" not in job["container"]


def test_out_of_memory_is_137() -> None:
    with machine(Faults(out_of_memory=1)) as (service, _):
        job = ended(
            service, submit(service, containerOverrides={"command": ["sleep", "9"]})[1]["jobId"]
        )
        assert job["container"]["exitCode"] == 137
        assert job["container"]["reason"].startswith("OutOfMemoryError")


def test_a_program_that_was_quicker_than_the_kill_is_137_too() -> None:
    with machine(Faults(out_of_memory=1)) as (service, _):
        job = ended(service, submit(service)[1]["jobId"])
        assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)


def test_a_container_without_a_memory_limit_is_left_alone() -> None:
    """That may be one that begins before the others of a pod."""
    init = {"name": "i", "image": "i", "command": ["true"]}
    with machine(Faults(over_memory=1)) as (service, _):
        call(service, "registerjobdefinition", **pod(pod_container("a"), init=[init]))
        job = ended(service, submit(service, jobDefinition="t")[1]["jobId"])
        assert job["status"] == "SUCCEEDED"


def test_a_process_over_its_memory_is_137_and_one_below_is_left_alone() -> None:
    """The definition gives 64 MiB."""
    hold = "import time; held = b'x' * (80 << 20); time.sleep(9)"
    command = [sys.executable, "-c", hold]
    with machine(Faults(over_memory=1)) as (service, _):
        shell = ["sh", "-c", '"$@"; true', "sh", *command]
        for words in (command, shell):
            job = ended(service, submit(service, containerOverrides={"command": words})[1]["jobId"])
            assert job["container"]["exitCode"] == 137
            assert job["container"]["reason"].startswith("OutOfMemoryError")
        command = [sys.executable, "-c", "import time; time.sleep(0.2)"]
        job = ended(service, submit(service, containerOverrides={"command": command})[1]["jobId"])
        assert job["container"]["exitCode"] == 0


@pytest.mark.parametrize(
    ("faults", "copies"),
    [(Faults(), 1), (Faults(event_dropped=1), 0), (Faults(event_duplicated=1), 2)],
)
def test_events_are_lost_or_doubled(faults: Faults, copies: int) -> None:
    with machine(faults) as (service, published):
        ended(service, submit(service)[1]["jobId"])
        assert [json.loads(event.detail)["status"] for event in published[-copies:] if copies] == [
            "SUCCEEDED"
        ] * copies
        assert len(published) == 4 * copies


def test_a_late_event_still_comes() -> None:
    with machine(Faults(event_delayed=1, delay_s_max=0.2)) as (service, published):
        ended(service, submit(service)[1]["jobId"])
        time.sleep(0.5)
        assert len(published) == 4


def test_a_seed_plays_the_same_again() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults.of(seed)
        return [faults.strikes(0.3) for _ in range(50)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_faults_are_read_from_a_text() -> None:
    assert Faults.parse("seed=7") == Faults.of(7)
    assert Faults.parse("seed=3, host_lost=0.2") == Faults(seed=3, host_lost=0.2)
    for wrong in ("storm", "host_lost", "host_lost=much"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            Faults.parse(wrong)
