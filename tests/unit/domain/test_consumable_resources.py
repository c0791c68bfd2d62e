"""maxRunning: what a job asks AWS Batch for, and what is deleted once the run has ended."""

from __future__ import annotations

import pytest

from batchrelay.domain.consumable_resources import (
    LIST,
    OVERRIDE,
    ConsumableResource,
    is_over,
    resource_needed,
    resources_prefix,
)
from batchrelay.domain.effects import DeleteConsumableResources
from batchrelay.domain.events import (
    CancelRequested,
    ConsumableResourcesDeleted,
    ConsumableResourcesLeft,
    GraceExpired,
    JobFailed,
    RedriveRequested,
    RunEndPublished,
)
from batchrelay.domain.limits import JOB_NAME_MAX, NOTICE_GRACE_S
from batchrelay.domain.pending_effects import is_open, pending_effects
from batchrelay.domain.pipeline import Group
from batchrelay.domain.redrive import RedriveOrder, event_of
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.values import Json
from tests.builders import T0, at, fold, key, run_of, step
from tests.unit.domain.facts import failed, submitted, succeeded

PUBLISHED = RunEndPublished(at=at(9), redrive=0)


def needed(run: Run, label: str, part: int = 0) -> object:
    return submit_request(run, key(label, part)).get(OVERRIDE)


def one_of(*names: str) -> Json:
    return {LIST: [{"consumableResource": name, "quantity": 1} for name in names]}


def bounded(size: int = 2) -> Run:
    return run_of(step("a", size=size, max_running=1))


def test_every_part_needs_a_unit_of_the_same_resource() -> None:
    run = run_of(step("Fan", size=25_000, max_running=200), step("b", size=2))
    assert [needed(run, "fan", part) for part in range(3)] == [one_of("br_run1-x0-fan")] * 3
    assert needed(run, "b") is None
    resource = resource_needed(run, run.pipeline.step("Fan"))
    assert resource == ConsumableResource(name="br_run1-x0-fan", units=200)


def test_a_plain_job_of_a_bounded_step_needs_one_too() -> None:
    assert needed(run_of(step("a", max_running=3)), "a") == one_of("br_run1-x0-a")


def test_what_a_request_needs_of_its_own_stays() -> None:
    own: dict[str, Json] = {OVERRIDE: one_of("licence")}
    run = run_of(step("a", size=2, max_running=1, request=own))
    assert needed(run, "a") == one_of("licence", "br_run1-x0-a")
    assert needed(run_of(step("a", size=2, request=own)), "a") == one_of("licence")


def test_a_name_is_as_long_as_aws_batch_takes() -> None:
    run = run_of(step("s" * 128, size=2, max_running=1))
    resource = resource_needed(run, run.pipeline.steps[0])
    assert resource is not None
    longest = len(resource.name) - len("run1") + 32 + len("999") - 1
    assert longest <= JOB_NAME_MAX


@pytest.mark.parametrize(
    ("name", "redrive", "over"),
    [
        ("br_run1-x0-a", 0, True),
        ("br_run1-x1-a", 0, False),
        ("br_run1-x1-a", 12, True),
        ("br_run1-x12-a", 1, False),
        ("br_run12-x0-a", 5, False),
        ("br_run1-xx-a", 5, False),
    ],
)
def test_what_a_later_end_needs_is_not_over(name: str, redrive: int, over: bool) -> None:
    assert is_over(name, "run1", redrive) is over
    assert resources_prefix("run1") == "br_run1-x"


def test_they_are_deleted_once_the_run_has_ended() -> None:
    run = fold(bounded(), submitted("a"))
    assert pending_effects(run) == ()
    run = fold(run, succeeded("a"))
    deletion = DeleteConsumableResources(run_id="run1", redrive=0, since=run.ended_at or T0)
    assert deletion in pending_effects(run)
    run = fold(run, PUBLISHED)
    assert pending_effects(run) == (deletion,)
    assert is_open(run)
    assert not is_open(fold(run, ConsumableResourcesDeleted(at=at(9), redrive=0)))


def test_a_run_without_a_bound_has_none_to_delete() -> None:
    run = fold(run_of(step("a", size=2)), submitted("a"), succeeded("a"), PUBLISHED)
    assert not is_open(run)


def test_a_cancelled_run_deletes_them_too() -> None:
    run = fold(bounded(), submitted("a"), CancelRequested(at=at(3)))
    run = fold(run, JobFailed(at=at(4), key=key("a"), job_id="a-0-0", succeeded=0, failed=2,
                              reason="batchrelay: the run was cancelled"))  # fmt: skip
    assert run.status is RunStatus.CANCELLED
    assert run.consumable_resources_since == at(4)


def test_what_a_late_submission_made_is_deleted_again() -> None:
    over = ConsumableResourcesDeleted(at=at(9), redrive=0)
    run = fold(bounded(), submitted("a"))
    assert fold(run, ConsumableResourcesLeft(at=at(3))) is run
    run = fold(run, succeeded("a"), PUBLISHED, over, ConsumableResourcesLeft(at=at(20)))
    [again] = pending_effects(run)
    assert again == DeleteConsumableResources(run_id="run1", redrive=0, since=at(20))


def test_a_deletion_that_is_overdue_is_pending_anew() -> None:
    run = fold(bounded(), submitted("a"), succeeded("a"), PUBLISHED)
    assert run.ended_at is not None
    late = at(100 + NOTICE_GRACE_S)
    assert fold(run, GraceExpired(at=late)).consumable_resources_since == late


def redriven(run: Run) -> Run:
    event = event_of(run, RedriveOrder(), at(30))
    assert isinstance(event, RedriveRequested)
    return fold(run, event)


def test_a_redrive_has_a_resource_of_its_own() -> None:
    run = fold(bounded(), submitted("a"), failed("a", 2, of=2), PUBLISHED)
    assert redriven(run) is run, "the deletion is still to be done"
    run = fold(run, ConsumableResourcesDeleted(at=at(9), redrive=0))
    again = redriven(run)
    assert (again.status, again.consumable_resources_since) == (RunStatus.RUNNING, None)
    resource = resource_needed(again, again.pipeline.step("a"))
    assert resource == ConsumableResource(name="br_run1-x1-a", units=1)


def test_a_late_answer_of_an_earlier_end_is_not_this_ends() -> None:
    run = fold(bounded(), submitted("a"), failed("a", 2, of=2), PUBLISHED)
    run = redriven(fold(run, ConsumableResourcesDeleted(at=at(9), redrive=0)))
    run = fold(run, CancelRequested(at=at(31)))
    assert run.consumable_resources_since is not None
    assert fold(run, ConsumableResourcesDeleted(at=at(40), redrive=0)) is run
    deleted = fold(run, ConsumableResourcesDeleted(at=at(40), redrive=1))
    assert deleted.consumable_resources_since is None


def test_groups_share_the_resource_of_their_step() -> None:
    groups = (Group(when="item < 2", overrides={"jobQueue": "other"}),)
    run = run_of(step("a", size=2, groups=groups, max_running=1))
    assert needed(run, "a") == one_of("br_run1-x0-a")
