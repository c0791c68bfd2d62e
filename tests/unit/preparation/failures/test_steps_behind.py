"""Steps behind one whose items failed: pairs, and joins of its outputs."""

from __future__ import annotations

import json

from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import Group, StepOutputs
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import RunStatus
from batchrelay.domain.step_state import StepStatus
from tests.builders import key, step, variables_of
from tests.unit.preparation.collected import Collected, child
from tests.unit.preparation.failures.retried import a


def test_a_pair_runs_again_once_its_first_half_has_succeeded() -> None:
    one = Collected(a(), step("b", "a", n_to_n_needs=frozenset({"a"})))
    one.end("a", child(7))
    one.end("b", child(7, None, "Dependent Job failed"))
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    state = one.run.state("b")
    assert (state.status, state.round) == (StepStatus.SUBMITTING, 1) or state.parts[0].job_id
    variables = variables_of(submit_request(one.run, key("b", round=1)))
    assert one.cloud.objects.objects[variables["BATCHRELAY_ITEM_NUMBERS"]] == b"         7\n"
    one.end("b", round_number=1)
    assert one.run.status.value == "SUCCEEDED"


def test_a_pair_whose_first_half_failed_for_good_does_not_run_again() -> None:
    one = Collected(a(tolerate=Tolerate(count=1)), step("b", "a", n_to_n_needs=frozenset({"a"})))
    one.end("a", child(7))
    one.end("b", child(3), child(7, None, "Dependent Job failed"))
    one.prepare()
    one.end("a", child(0), round_number=1)
    one.prepare()
    state = one.run.state("b")
    assert (state.status, state.failed_items, state.upstream_items) == (StepStatus.FAILED, 1, 1)


def test_the_sample_of_what_failed_upstream_is_an_item_that_stays_failed() -> None:
    first = a(
        tolerate=Tolerate(count=2),
        retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode:1"})),
    )
    one = Collected(
        first, step("b", "a", n_to_n_needs=frozenset({"a"}), tolerate=Tolerate(count=2))
    )
    one.end("a", child(3, 1), child(7, 9))
    one.end("b", *(child(index, None, "Dependent Job failed") for index in (3, 7)))
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    one.end("b", round_number=1)
    one.prepare()
    folder = one.run.state("b").failures
    [cause] = json.loads(one.cloud.objects.objects[f"{folder}causes.json"])["causes"]
    assert (cause["count"], cause["sample"]["number"]) == (1, 7)
    assert cause["sample"]["job"].endswith(":7")


def test_pairs_that_never_had_a_job_all_run_once_the_first_half_is_done() -> None:
    behind = step("b", "a", "slow", n_to_n_needs=frozenset({"a"}))
    one = Collected(a(), step("slow"), behind)
    one.end("a", child(7))
    one.prepare()
    one.end("a", round_number=1)
    one.end("slow")
    one.prepare()
    assert [part.size for part in one.run.state("b").parts] == [10]
    one.end("b", round_number=1)
    assert one.run.status is RunStatus.SUCCEEDED


def test_a_pair_whose_first_half_is_tolerated_stays_undone() -> None:
    one = Collected(
        a(retry_failed=None, tolerate=Tolerate(count=1)),
        step("b", "a", n_to_n_needs=frozenset({"a"})),
    )
    one.end("a", child(7))
    one.end("b", child(7, None, "Dependent Job failed"))
    one.prepare()
    state = one.run.state("b")
    assert (state.status, state.round, state.upstream_items) == (StepStatus.PARTIAL, 0, 1)


def test_outputs_of_failed_items_are_not_among_the_outputs() -> None:
    one = Collected(
        a(retry_failed=None, tolerate=Tolerate(count=2), output="s3://b/out/${item.name}"),
        step("z", "a", for_each=StepOutputs(step="a")),
    )
    one.end("a", child(2), child(7))
    one.prepare()
    folder = one.run.state("z").manifest
    listed = one.cloud.objects.objects[f"{folder}items.jsonl"].splitlines()
    names = [json.loads(line)["output"].rpartition("/")[2] for line in listed]
    assert names == ["n0", "n1", "n3", "n4", "n5", "n6", "n8", "n9"]


def test_a_join_behind_a_later_round_gets_the_outputs_of_every_group() -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    one = Collected(
        a(groups=groups, output="s3://b/out/${item.name}"),
        step("z", "a", for_each=StepOutputs(step="a")),
    )
    one.end("a", part=0)
    one.end("a", child(2), part=1)
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    assert one.run.state("z").items == 10
