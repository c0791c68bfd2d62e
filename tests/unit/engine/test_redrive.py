"""A redrive from the order to the last job, and every order that is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from batchrelay.api.views import history
from batchrelay.domain.errors import Denied, NotRedrivable, RunNotFound
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.limits import STATE_BYTES_MAX
from batchrelay.domain.pipeline import Group, Param, ParamType
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Redrive, Run, RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import time_text
from tests.builders import key, step, variables_of
from tests.unit.preparation.collected import LIST, Collected, child

ANY = RedriveOrder()


def job_queue(name: str, state: str = "ENABLED") -> JobQueue:
    return JobQueue(name=name, arn=f"arn:aws:batch:r:1:job-queue/{name}", state=state)


class Cloud(Collected):
    """A run of `a` over ten items and `z` behind it; what follows an end is prepared at once."""

    def __init__(self, **flow: Any) -> None:
        params = (
            Param(name="n", type=ParamType.INTEGER, default="1"),
            Param(name="t", type=ParamType.STRING, default="x"),
        )
        super().__init__(step("a", file=LIST, **flow), step("z", "a"), params=params)
        self.cloud.jobs.job_queues += [job_queue("large"), job_queue("old", "DISABLED")]

    def finish(
        self, label: str, *failed: tuple[int, int], round_number: int = 0, part: int = 0
    ) -> None:
        """A job ends, with these children and exit codes FAILED."""
        children = (child(index, code) for index, code in failed)
        self.end(label, *children, round_number=round_number, part=part)
        self.prepare()

    def redrive(self, order: RedriveOrder = ANY) -> Run:
        self.cloud.clock.move(10)
        self.cloud.engine.redrive("run1", order)
        self.prepare()
        return self.run

    def numbers(self, round_number: int, part: int = 0) -> list[int]:
        """The items of a part."""
        variables = variables_of(submit_request(self.run, key("a", part, round=round_number)))
        text = self.cloud.objects.objects[variables["BATCHRELAY_ITEM_NUMBERS"]]
        return [int(line) for line in text.splitlines()]


def test_a_failed_step_runs_its_failed_items_again_and_then_what_depends_on_it() -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1), (7, 3))
    assert cloud.run.state("z").status is StepStatus.SKIPPED
    cloud.redrive()
    assert cloud.numbers(1) == [2, 7]
    cloud.finish("a", round_number=1)
    cloud.finish("z", round_number=1)
    assert cloud.run.status is RunStatus.SUCCEEDED
    assert cloud.run.state("a").succeeded == 10


def test_what_was_collected_at_the_end_is_what_runs_again() -> None:
    cloud = Cloud(retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode:1"})))
    cloud.finish("a", (2, 1), (7, 3))
    assert cloud.run.state("a").is_collected
    cloud.cloud.jobs.forget(next(iter(cloud.cloud.jobs.jobs)))  # AWS Batch is not asked again
    cloud.redrive()
    assert cloud.numbers(1) == [2, 7]
    items = cloud.cloud.objects.objects[cloud.run.state("a").failures + "list.json"]
    assert json.loads(items) == {"Items": [{"name": "n2"}, {"name": "n7"}]}
    cloud.finish("a", (0, 3), round_number=1)
    assert cloud.run.state("a").status is StepStatus.FAILED
    assert cloud.run.state("a").failed == 1
    cloud.redrive()
    assert cloud.numbers(2) == [2]


def test_some_classes_run_again_and_the_others_stay_failed() -> None:
    cloud = Cloud(tolerate=Tolerate(count=5))
    cloud.finish("a", (2, 1), (5, 3), (7, 3))
    cloud.finish("z")
    assert cloud.run.status is RunStatus.PARTIAL
    cloud.redrive(RedriveOrder(classes=frozenset({"ExitCode:3"})))
    assert cloud.numbers(1) == [5, 7]
    cloud.finish("a", round_number=1)
    state = cloud.run.state("a")
    assert (state.status, state.failed) == (StepStatus.PARTIAL, 1)
    cloud.finish("z", round_number=1)
    assert cloud.run.status is RunStatus.PARTIAL
    cloud.redrive()
    assert cloud.numbers(cloud.run.state("a").round) == [2]


def test_the_samples_of_the_causes_outlive_the_jobs() -> None:
    cloud = Cloud(tolerate=Tolerate(count=5))
    job_id = next(iter(cloud.cloud.jobs.jobs))
    cloud.cloud.logs.lines[f"{job_id}:2"] = ("no such key",)
    cloud.finish("a", (2, 1))
    cloud.finish("z")
    cloud.cloud.logs.lines.clear()
    cloud.redrive()
    causes = json.loads(cloud.cloud.objects.objects[cloud.run.state("a").failures + "causes.json"])
    [cause] = causes["causes"]
    assert (cause["count"], cause["again"], cause["sample"]["log"]) == (1, 1, ["no such key"])


def test_a_cancelled_run_goes_on() -> None:
    cloud = Cloud()
    [job] = cloud.cloud.jobs.jobs.values()
    job.succeeded = 4
    cloud.cloud.engine.cancel("run1")
    cloud.cloud.engine.reconcile("run1")
    assert cloud.run.status is RunStatus.CANCELLED
    cloud.redrive()
    assert cloud.numbers(1) == [4, 5, 6, 7, 8, 9]


def test_a_parameter_may_have_another_value() -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1))
    run = cloud.redrive(RedriveOrder(params={"n": "2"}))
    assert run.params == {"n": "2", "t": "x"}


def test_redrives_of_a_run_are_numbered() -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1))
    assert cloud.redrive().redrive == Redrive(number=1, at=cloud.cloud.clock.now())
    cloud.finish("a", (0, 1), round_number=1)
    assert cloud.redrive().redrive == Redrive(number=2, at=cloud.cloud.clock.now())


def test_two_redrives_at_the_same_moment_are_one() -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1))
    other = cloud.cloud.process().engine
    load = cloud.cloud.runs.load

    def then_another_redrives(run_id: str) -> Run:
        run = load(run_id)
        object.__setattr__(cloud.cloud.runs, "load", load)
        other.redrive(run_id, ANY)
        cloud.cloud.clock.move(1)
        return run

    object.__setattr__(cloud.cloud.runs, "load", then_another_redrives)
    with pytest.raises(NotRedrivable, match="run run1 is RUNNING: it was redriven just now"):
        cloud.cloud.engine.redrive("run1", ANY)
    cloud.prepare()
    assert len(cloud.cloud.jobs.jobs) == 2


def order(**more: Any) -> RedriveOrder:
    return RedriveOrder(**more)


REFUSED = [
    (order(step="x"), "run run1 has no step x: it has a, z"),
    (
        order(step="z"),
        (
            "step z is SKIPPED (needs a, which is FAILED): name a step that failed, or none for "
            "all of them; what runs again then: a, z"
        ),
    ),
    *(
        (order(classes=frozenset({"Timeout", name})), problem)
        for name, problem in (
            ("Oom", "there is no class of failures Oom: known are OutOfMemory, "),
            ("OutOfMemry", "failures OutOfMemry: did you mean OutOfMemory? known are "),
            ("stopped", "failures stopped: did you mean Stopped? known are "),
            ("ExitCode:0", "ExitCode:0: an exit code is a number, 1 to 255, such as ExitCode:75"),
            ("ExitCode:256", "ExitCode:256: an exit code is a number, 1 to 255"),
            ("ExitCode:abc", "ExitCode:abc: an exit code is a number, 1 to 255"),
            ("ExitCode:137", "ExitCode:137 is a SIGKILL, which has a class of its own: write"),
            ("Timeout:1", "Timeout:1: only ExitCode has an exit code behind it: write Timeout"),
        )
    ),
    (order(queue="a b"), "'a b' is not the name of a job queue, nor its ARN"),
    (
        order(queue="lagre"),
        "there is no job queue lagre in this account and region: did you mean large?",
    ),
    (order(queue="old"), "job queue old is DISABLED: enable it, or name another one"),
    (order(memory_factor=1.0), "memory grows by a factor above 1, up to 100, such as x2; got x1"),
    (order(memory_factor=float("nan")), "memory grows by a factor above 1"),
    (order(memory_factor=2.0), "step a: how much memory it has is written in its job definition"),
    (order(params={"m": "1"}), "pipeline test has no parameter m; known: n, t"),
    (order(params={"n": "x"}), "parameter n must be of the type integer; got 'x'"),
    (order(params={"t": "x" * STATE_BYTES_MAX}), "with these parameters the run's state may take "),
]


@pytest.mark.parametrize(("wrong", "problem"), REFUSED)
def test_an_order_that_cannot_be_right_changes_nothing(wrong: RedriveOrder, problem: str) -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1))
    before = cloud.run
    with pytest.raises(NotRedrivable) as refused:
        cloud.cloud.engine.redrive("run1", wrong)
    assert problem in str(refused.value)
    assert cloud.run is before


def test_a_run_that_is_unknown_or_has_not_failed_is_refused() -> None:
    cloud = Cloud()
    with pytest.raises(RunNotFound):
        cloud.cloud.engine.redrive("run2", ANY)
    with pytest.raises(NotRedrivable, match="run run1 is RUNNING"):
        cloud.cloud.engine.redrive("run1", ANY)
    cloud.finish("a")
    cloud.finish("z")
    with pytest.raises(NotRedrivable, match="run run1 has SUCCEEDED: nothing of it failed"):
        cloud.cloud.engine.redrive("run1", ANY)


def test_of_a_step_that_succeeded_the_refusal_names_what_failed_behind_it() -> None:
    cloud = Collected(step("a"), step("b", "a"), step("c"), step("d"))
    cloud.end("a")
    cloud.end("c")
    cloud.end("d", child(0))
    cloud.end("b", child(0))
    cloud.prepare()
    sentence = "Behind it comes b, which is FAILED: batchrelay redrive run1/b"
    with pytest.raises(NotRedrivable, match=f"step a has SUCCEEDED: .* {sentence}$"):
        cloud.cloud.engine.redrive("run1", order(step="a"))
    with pytest.raises(
        NotRedrivable, match="Name a step that failed, or none for all of them: d, b"
    ):
        cloud.cloud.engine.redrive("run1", order(step="c"))


def test_a_class_of_which_there_is_no_failure_is_refused() -> None:
    cloud = Cloud(tolerate=Tolerate(count=1))
    cloud.finish("a", (2, 1))
    cloud.finish("z")
    with pytest.raises(NotRedrivable) as refused:
        cloud.cloud.engine.redrive("run1", order(classes=frozenset({"Timeout"})))
    assert str(refused.value) == "step a has no failure of Timeout; it has ExitCode:1"


def test_a_class_that_another_step_has_is_refused_with_the_name_of_that_step() -> None:
    cloud = Collected(step("a", tolerate=Tolerate(count=0)), step("b", tolerate=Tolerate(count=0)))
    cloud.end("a", child(0, 3))
    cloud.end("b", child(0, 4))
    cloud.prepare()
    with pytest.raises(NotRedrivable) as refused:
        cloud.cloud.engine.redrive("run1", order(classes=frozenset({"ExitCode:4"})))
    assert str(refused.value) == (
        "step a has no failure of ExitCode:4; it has ExitCode:3. Name a step that has one: b"
    )
    cloud.cloud.engine.redrive("run1", order(step="b", classes=frozenset({"ExitCode:4"})))
    assert cloud.run.status is RunStatus.RUNNING


PAIR = step("b", "a", n_to_n_needs=frozenset({"a"}))


def test_a_class_is_of_the_first_half_of_a_pair() -> None:
    cloud = Collected(step("a", file=LIST, tolerate=Tolerate(count=2)), PAIR)
    cloud.end("a", child(2, 1), child(7, 3))
    cloud.end("b", *(child(index, None, "Dependent Job failed") for index in (2, 7)))
    cloud.prepare()
    cloud.cloud.engine.redrive("run1", order(classes=frozenset({"ExitCode:3"})))
    for label in "ab":
        cloud.prepare()
        variables = variables_of(submit_request(cloud.run, key(label, round=1)))
        numbers = cloud.cloud.objects.objects[variables["BATCHRELAY_ITEM_NUMBERS"]]
        assert numbers == b"         7\n"
        cloud.end(label, round_number=1)
    cloud.prepare()
    assert [cloud.run.state(label).failed for label in "ab"] == [1, 1]


def test_of_a_pair_that_failed_upstream_alone_the_first_half_is_to_be_named() -> None:
    third = step("c", "b", n_to_n_needs=frozenset({"b"}))
    cloud = Collected(step("a", file=LIST, tolerate=Tolerate(count=2)), PAIR, third)
    cloud.end("a", child(7, 3))
    cloud.end("b", child(7, None, "Dependent Job failed"))
    cloud.end("c", child(7, None, "Dependent Job failed"), child(1))
    cloud.prepare()
    with pytest.raises(NotRedrivable) as refused:
        cloud.cloud.engine.redrive("run1", order(step="b"))
    assert str(refused.value) == (
        "step b failed only where a had failed, which it follows child by child: "
        "batchrelay redrive run1/a"
    )
    cloud.cloud.engine.redrive("run1", order(step="c"))
    assert cloud.run.status is RunStatus.RUNNING


def test_the_history_says_which_redrive_was_asked_for() -> None:
    cloud = Cloud(tolerate=Tolerate(count=1))
    cloud.finish("a", (2, 137))
    cloud.finish("z")
    cloud.redrive(order(step="a", classes=frozenset({"Killed"}), queue="large"))
    asked = [moment for moment in history(cloud.run) if "redrive" in str(moment["what"])]
    assert asked == [
        {
            "at": time_text(cloud.cloud.clock.now()),
            "what": "redrive 1 asked for: a, Killed, job queue large",
        }
    ]
    cloud.finish("a", (0, 1), round_number=1)
    cloud.finish("z", round_number=1)
    cloud.redrive()
    whats = [str(moment["what"]) for moment in history(cloud.run)]
    assert "redrive 2 asked for: every step that failed" in whats


def test_a_job_queue_may_be_named_by_its_arn() -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1))
    arn = job_queue("large").arn
    with pytest.raises(NotRedrivable, match=f"there is no job queue {arn}r .*: did you mean large"):
        cloud.cloud.engine.redrive("run1", order(queue=f"{arn}r"))
    cloud.redrive(order(queue=arn))
    assert [job.queue for job in cloud.cloud.jobs.jobs.values()] == ["queue", arn]


def test_where_aws_batch_does_not_answer_a_queue_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def denied() -> Sequence[JobQueue]:
        raise Denied("batch:DescribeJobQueues")

    cloud = Cloud()
    cloud.finish("a", (2, 1))
    monkeypatch.setattr(cloud.cloud.jobs, "queues", denied)
    assert cloud.redrive(order(queue="unknown")).status is RunStatus.RUNNING


def test_a_class_that_is_named_instead_may_be_ordered() -> None:
    cloud = Cloud(tolerate=Tolerate(count=1))
    cloud.finish("a", (2, 137))
    cloud.finish("z")
    with pytest.raises(NotRedrivable, match=r"it has Killed$"):
        cloud.cloud.engine.redrive("run1", order(classes=frozenset({"Timeout"})))
    cloud.redrive(order(classes=frozenset({"Killed"})))
    assert cloud.numbers(1) == [2]


@pytest.mark.parametrize("is_collected", [True, False])
def test_a_run_whose_lists_are_gone_is_refused(is_collected: bool) -> None:
    cloud = Cloud(**({"tolerate": Tolerate(count=1)} if is_collected else {}))
    cloud.finish("a", (2, 1))
    if is_collected:
        cloud.finish("z")
    before = cloud.run
    for uri in [uri for uri in cloud.cloud.objects.objects if "/runs/" in uri]:
        del cloud.cloud.objects.objects[uri]
    with pytest.raises(NotRedrivable) as refused:
        cloud.cloud.engine.redrive("run1", ANY)
    assert str(refused.value).startswith("step a: what failed is no longer known: s3://")
    assert str(refused.value).endswith("start a new run: skipExisting leaves out what is done")
    assert cloud.run is before


@pytest.mark.parametrize(
    ("gone", "is_cancelled"),
    [
        *((gone, False) for gone in ("/r0/", "/failures.jsonl", "/causes.json")),
        *(
            (gone, True)
            for gone in ("/r0/", "/failures.jsonl", "/causes.json", "items.", "numbers")
        ),
    ],
)
def test_a_run_of_which_one_list_is_gone_is_refused(gone: str, is_cancelled: bool) -> None:
    retry = RetryFailed(rounds=1, when=frozenset({"ExitCode:1"}))
    cloud = Cloud(retry_failed=retry, tolerate=Tolerate(count=5))
    cloud.finish("a", (2, 1), (7, 3))
    if is_cancelled:
        cloud.cloud.engine.cancel("run1")
        cloud.cloud.engine.reconcile("run1")
    else:
        cloud.finish("a", (0, 1), round_number=1)
        cloud.finish("z")
    before, objects = cloud.run, cloud.cloud.objects.objects
    kept = dict(objects)
    for uri in [uri for uri in objects if "/runs/" in uri and gone in uri]:
        del objects[uri]
    with pytest.raises(NotRedrivable, match="what failed is no longer known"):
        cloud.cloud.engine.redrive("run1", ANY)
    assert cloud.run is before
    objects.update(kept)
    cloud.redrive()
    assert cloud.run.status is RunStatus.RUNNING


def test_a_run_whose_lists_expire_soon_is_refused() -> None:
    cloud = Cloud()
    cloud.finish("a", (2, 1))
    cloud.cloud.clock.move(89 * 86_400)
    with pytest.raises(NotRedrivable, match="began more than 89 days ago"):
        cloud.cloud.engine.redrive("run1", ANY)


def test_children_of_a_job_that_aws_batch_has_forgotten_run_again_whole() -> None:
    cloud = Cloud()
    cloud.end("a", child(2))
    cloud.cloud.jobs.forget(next(iter(cloud.cloud.jobs.jobs)))
    cloud.prepare()
    cloud.redrive()
    assert cloud.numbers(1) == list(range(10))


def test_what_was_given_up_before_a_run_was_cancelled_runs_again() -> None:
    retry = RetryFailed(rounds=1, when=frozenset({"ExitCode:1"}))
    cloud = Cloud(retry_failed=retry, tolerate=Tolerate(count=5))
    cloud.finish("a", (2, 1), (7, 3))
    assert cloud.numbers(1) == [2]
    cloud.cloud.engine.cancel("run1")
    cloud.cloud.engine.reconcile("run1")
    assert cloud.run.status is RunStatus.CANCELLED
    cloud.redrive()
    assert sorted(cloud.numbers(cloud.run.state("a").round)) == [2, 7]


def test_failed_items_of_each_group_stay_in_it() -> None:
    cloud = Cloud(
        groups=(Group(when="item.name == 'n3'", overrides={}),), tolerate=Tolerate(count=5)
    )
    cloud.finish("a", (0, 1), part=0)
    cloud.finish("a", (4, 1), part=1)
    cloud.finish("z")
    folder = cloud.redrive().state("a").failures
    assert (cloud.numbers(1, 0), cloud.numbers(1, 1)) == ([0], [5])
    bodies = [
        cloud.cloud.objects.objects[folder + name] for name in ("items.jsonl", "items-1.jsonl")
    ]
    assert [json.loads(body) for body in bodies] == [{"name": "n3"}, {"name": "n5"}]
