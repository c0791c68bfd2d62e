"""Preparation: sizes, groups, queues, what is there already, and going on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

import batchrelay.preparation.attempt
from batchrelay.adapters.memory import MemoryUpload
from batchrelay.domain.errors import Ambiguous, Refused
from batchrelay.domain.events import PreparationContinued, PreparationFailed, Prepared
from batchrelay.domain.pipeline import (
    Aggregate,
    Group,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Step,
)
from batchrelay.domain.run import StartRequest
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.transitions import advance
from batchrelay.domain.values import manifest_uri
from batchrelay.preparation.prepare import Outcome
from tests.builders import MemoryCloud, pipeline, step


class ToPrepare:
    """One step in a memory cloud, to be prepared."""

    def __init__(self, *steps: Step, **objects: bytes) -> None:
        self.cloud = MemoryCloud(pipeline(*steps))
        for name, body in objects.items():
            self.cloud.objects.objects[f"s3://b/{name}"] = body
        order = StartRequest(run_id="run1", pipeline="test", version=1)
        self.run = self.cloud.engine.start(order).run

    def prepare(self, name: str = "a", **options: Any) -> Outcome:
        outcome = self.cloud.engine.preparation.prepare(self.run, name, 0, **options)
        assert outcome is not None
        if isinstance(outcome, PreparationContinued):
            self.run = advance(self.run, outcome)
        return outcome

    def items(self, event: Prepared, group: int = 0) -> list[Any]:
        assert event.manifest is not None
        body = self.cloud.objects.objects[manifest_uri(event.manifest, group)]
        return [json.loads(line) for line in body.splitlines()]


def lines(count: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(count))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (2, [2]),
        (9_999, [9_999]),
        (10_000, [10_000]),
        (10_001, [5_001, 5_000]),
        (25_000, [8_334, 8_333, 8_333]),
    ],
)
def test_a_step_has_as_many_children_as_items_whatever_their_number(
    count: int, sizes: list[int]
) -> None:
    fan = step("a", for_each=ListFile(file="s3://b/f"))
    there = ToPrepare(fan, step("z", "a"), f=lines(count))
    there.cloud.engine.prepare("run1", "a", 0)
    run = there.cloud.runs.load("run1")
    state = run.state("a")
    assert [part.size for part in state.parts] == sizes
    assert (state.items, state.children) == (count, count)
    requests = [job.request for job in there.cloud.jobs.jobs.values()]
    mine = [r for r in requests if "-a-" in str(r["jobName"])]
    assert [r.get("arrayProperties", {"size": 1})["size"] for r in mine] == sizes  # type: ignore[index, call-overload]
    if not count:
        assert state.status is StepStatus.SKIPPED
        assert run.state("z").status is StepStatus.ACTIVE, "nothing to do lets dependents run"


def test_items_share_out_in_chunks() -> None:
    there = ToPrepare(step("a", for_each=ListFile(file="s3://b/f"), chunk=100), f=lines(10_050))
    event = there.prepare()
    assert isinstance(event, Prepared)
    assert (event.items, event.children, event.chunk) == (10_050, (101,), 100)
    assert there.items(event)[-1] == "10049"


def test_groups_are_manifests_of_their_own() -> None:
    groups = (
        Group(when="item.size > 10", overrides={"timeout": {"attemptDurationSeconds": 99}}),
        Group(when="item.size == 10", overrides={"jobQueue": "ten"}),
    )
    sizes = InlineItems(items=tuple({"size": size} for size in (1, 11, 10, 2, 12, 3)))
    there = ToPrepare(step("a", for_each=sizes, groups=groups, chunk=2))
    there.cloud.engine.prepare("run1", "a", 0)
    state = there.cloud.runs.load("run1").state("a")
    assert [(part.group, part.size) for part in state.parts] == [(0, 1), (1, 1), (2, 2)]
    jobs = list(there.cloud.jobs.jobs.values())
    assert jobs[0].request["timeout"] == {"attemptDurationSeconds": 99}
    assert jobs[1].request["jobQueue"] == "ten"
    assert "timeout" not in jobs[2].request

    def variables(job: Any) -> dict[str, str]:
        return {e["name"]: e["value"] for e in job.request["containerOverrides"]["environment"]}

    assert variables(jobs[2])["BATCHRELAY_MANIFEST"].endswith("/items-2.jsonl")
    assert variables(jobs[2])["BATCHRELAY_OFFSET"] == "2"
    assert variables(jobs[2])["BATCHRELAY_GROUP_OFFSET"] == "2"


def test_an_item_with_an_existing_output_is_not_submitted() -> None:
    fan = step(
        "a",
        for_each=Listing(prefix="s3://b/in/"),
        skip_existing="s3://b/out/${item.stem}.done",
    )
    there = ToPrepare(fan, **{"in/x.txt": b"", "in/y.txt": b"", "out/x.done": b""})
    event = there.prepare()
    assert isinstance(event, Prepared)
    assert [item["key"] for item in there.items(event)] == ["in/y.txt"]
    assert (event.items, event.existing) == (1, 1)


def test_an_existing_output_counts_for_an_aggregate() -> None:
    out = "s3://b/out/${item.stem}.done"
    fan = step("a", for_each=Listing(prefix="s3://b/in/"), skip_existing=out, output=out)
    total = step("t", "a", aggregate=Aggregate(of="a", fan_in=10), output="s3://b/total")
    there = ToPrepare(
        fan, total, **{"in/x": b"", "in/y": b"", "out/x.done": b"", "out/y.done": b""}
    )
    there.cloud.engine.prepare("run1", "a", 0)
    assert there.cloud.runs.load("run1").state("a").reason == "0 items, 2 were there"
    there.cloud.engine.prepare("run1", "t", 0)
    [job] = there.cloud.jobs.jobs.values()
    folder = there.cloud.runs.load("run1").state("t").manifest
    assert folder is not None
    [line] = there.cloud.objects.objects[manifest_uri(folder, 0)].splitlines()
    assert json.loads(line)["inputs"] == ["s3://b/out/x.done", "s3://b/out/y.done"]
    assert "-t-" in job.name


def test_the_outputs_of_a_chain_may_lie_in_several_folders_and_each_is_listed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder within another is not listed again."""
    items = InlineItems(items=("x", "y", "z"))
    outputs = {"a": "out/${item}", "b": "out/b/${item}.b", "c": "else/${item}.c"}
    head = step(
        "a",
        for_each=items,
        output=f"s3://b/{outputs['a']}",
        skip_existing=f"s3://b/{outputs['a']}",
    )
    n_to_n_needs = [
        step(n, "a", n_to_n_needs=frozenset({"a"}), output=f"s3://b/{outputs[n]}")
        for n in ("b", "c")
    ]
    made = {"out/x", "out/y", "out/z", "out/b/x.b", "out/b/z.b", "else/x.c", "else/y.c"}
    there = ToPrepare(head, *n_to_n_needs, **dict.fromkeys(made, b""))
    listed: list[str] = []
    plain = there.cloud.objects.list

    def noted(prefix: str, after: str) -> Any:
        listed.append(prefix)
        return plain(prefix, after)

    monkeypatch.setattr(there.cloud.objects, "list", noted)
    event = there.prepare()
    assert isinstance(event, Prepared)
    assert (there.items(event), event.existing) == (["y", "z"], 1)
    assert listed == ["s3://b/else/", "s3://b/out/"]


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        ({"for_each": Listing(prefix="s3://b/in/", match="[z-a]")}, "'[z-a]' is not a glob"),
        ({"for_each": InlineItems(items=("\ud800",)), "skip_existing": "s3://b/${item}"}, "half a"),
    ],
)
def test_what_can_never_be_prepared_fails_the_step(flow: dict[str, Any], reason: str) -> None:
    """Also what no store takes any more."""
    there = ToPrepare(step("a", for_each=InlineItems(items=(1,))))
    there.run = replace(there.run, pipeline=pipeline(step("a", **flow)))
    event = there.prepare()
    assert isinstance(event, PreparationFailed)
    assert reason in event.reason


def test_a_queue_that_is_refused_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    there = ToPrepare(step("a", for_each=InlineItems(items=(1,)), workers=1))

    def create(_: str) -> str:
        raise Refused("AccessDenied: sqs:CreateQueue")

    monkeypatch.setattr(there.cloud.queues, "create", create)
    event = there.prepare()
    assert isinstance(event, PreparationFailed)
    assert event.reason == "AccessDenied: sqs:CreateQueue"


def test_a_resumed_preparation_that_fails_may_be_resumed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = ToPrepare(step("a", for_each=ListFile(file="s3://b/f")), f=lines(2_500))
    left = iter([0.0])
    first = there.prepare(time_left=lambda: next(left, 999.0))
    assert isinstance(first, PreparationContinued)
    aborted: list[str] = []
    monkeypatch.setattr(MemoryUpload, "abort", lambda upload: aborted.append(upload.uri))
    with monkeypatch.context() as broken:
        broken.setattr(MemoryUpload, "complete", lambda _: (_ for _ in ()).throw(Ambiguous("500")))
        with pytest.raises(Ambiguous):
            there.prepare(resume=first.resume)
    assert not aborted
    event = there.prepare(resume=first.resume)
    assert isinstance(event, Prepared)
    assert there.items(event) == [str(number) for number in range(2_500)]


def test_a_listing_of_which_nothing_matches_looks_at_the_time_too() -> None:
    objects = {f"in/{number:05}": b"" for number in range(4_500)}
    fan = step("a", for_each=Listing(prefix="s3://b/in/", suffix=".none"))
    left = iter([999.0, 0.0])
    outcome = ToPrepare(fan, **objects).prepare(time_left=lambda: next(left, 999.0))
    assert isinstance(outcome, PreparationContinued)
    assert "suspended-0" in outcome.resume


def test_an_item_without_an_output_is_reported() -> None:
    fan = step("a", for_each=InlineItems(items=({"x": 1},)), skip_existing="s3://b/${item.name}")
    event = ToPrepare(fan).prepare()
    assert isinstance(event, PreparationFailed)
    assert event.reason == "item 0 has no name, or it is null"


@pytest.mark.parametrize("stops", [0, 1])
def test_two_items_with_the_same_output_are_refused_by_name(stops: int) -> None:
    fan = step("a", for_each=Listing(prefix="s3://b/in/"), output="s3://b/out/${item.stem}")
    objects = {f"in/{number:04}/{number}.x": b"" for number in range(1_500)}
    there = ToPrepare(fan, **objects, **{"in/9999/7.y": b""})
    left = iter([0.0] * stops)
    outcome = there.prepare(time_left=lambda: next(left, 999.0))
    if stops:
        assert isinstance(outcome, PreparationContinued)
        outcome = there.prepare(resume=outcome.resume)
    assert isinstance(outcome, PreparationFailed)
    assert outcome.reason == (
        "items 7 and 1500 have the same output: write more of the item into "
        "flow.output, such as ${item.key} or ${item.number}"
    )


def test_a_listing_of_which_nothing_matches_says_how_many_there_are() -> None:
    fan = step("a", for_each=Listing(prefix="s3://b/in/", match="*.bma"))
    there = ToPrepare(fan, **{f"in/{number}.bam": b"" for number in range(12)})
    there.cloud.engine.prepare("run1", "a", 0)
    assert there.cloud.runs.load("run1").state("a").reason == "0 items, 12 objects do not match"


def test_a_queue_has_a_message_for_each_chunk() -> None:
    fan = step("a", for_each=ListFile(file="s3://b/f"), chunk=2, workers=3)
    there = ToPrepare(fan, f=lines(2_501))
    event = there.prepare()
    assert isinstance(event, Prepared)
    assert event.children == (3,)
    [(url, messages)] = there.cloud.queues.messages.items()
    assert event.queue == url
    assert messages == [str(row) for row in range(1_251)]


def test_more_items_than_arrays_hold_are_refused_with_the_arithmetic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batchrelay.preparation.attempt, "PARTS_MAX", 2)
    fan = step("a", for_each=ListFile(file="s3://b/f"))
    there = ToPrepare(fan, f=lines(30_000))
    event = there.prepare()
    assert isinstance(event, PreparationFailed)
    assert event.reason == (
        "more than 21,000 items, 1 item a child, are 21,000 children, and 2 arrays of 10,000 hold "
        "20,000: write a larger chunk"
    )
    assert not [uri for uri in there.cloud.objects.objects if "/runs/" in uri]


@pytest.mark.parametrize("stops", [1, 2, 3])
@pytest.mark.parametrize(
    ("for_each", "extra"),
    [
        (ListFile(file="s3://b/f"), {}),
        (Listing(prefix="s3://b/in/"), {}),
        (ListFile(file="s3://b/f"), {"workers": 2, "chunk": 3}),
        (ListFile(file="s3://b/f"), {"groups": (Group(when="item < 1000", overrides={}),)}),
    ],
)
def test_a_preparation_that_runs_out_of_time_goes_on_where_it_stopped(
    for_each: Any, extra: dict[str, Any], stops: int
) -> None:
    objects = {f"in/{number:05}": b"" for number in range(4_500)}
    at_once = ToPrepare(step("a", for_each=for_each, **extra), f=lines(4_500), **objects)
    whole = at_once.prepare()
    there = ToPrepare(step("a", for_each=for_each, **extra), f=lines(4_500), **objects)
    resume, count = "", 0
    while True:
        left = iter([0.0]) if count < stops else iter(())
        outcome = there.prepare(resume=resume, time_left=lambda left=left: next(left, 999.0))
        if isinstance(outcome, Prepared):
            break
        assert isinstance(outcome, PreparationContinued)
        resume, count = outcome.resume, count + 1
    assert count == stops
    assert isinstance(whole, Prepared)
    assert (outcome.items, outcome.children) == (whole.items, whole.children)
    for group in range(2 if "groups" in extra else 1):
        assert there.items(outcome, group) == at_once.items(whole, group)
    sent = [sorted(c.queues.messages.values()) for c in (there.cloud, at_once.cloud)]
    assert sorted(chain(*sent[0]), key=int) == sorted(chain(*sent[1]), key=int)


def hurried(looks: int) -> Any:
    """An invocation that has time for so many looks at it."""
    left = iter([999.0] * looks)
    return lambda: next(left, 30.0)


def test_a_preparation_looks_at_the_time_between_two_items_of_which_one_is_far() -> None:
    """Blank lines are no items, and take as long to read."""
    there = ToPrepare(
        step("a", for_each=ListFile(file="s3://b/f", format=ListFormat.LINES)),
        f=b"1\n" + b"\n" * 300_000 + b"2",
    )
    outcome = there.prepare(time_left=hurried(2))
    assert isinstance(outcome, PreparationContinued)
    assert "/suspended-1-" in outcome.resume
    event = there.prepare(resume=outcome.resume)
    assert isinstance(event, Prepared)
    assert there.items(event) == ["1", "2"]


@pytest.mark.parametrize(
    ("flow", "objects", "where"),
    [
        (
            {"for_each": ListFile(file="s3://b/f", format=ListFormat.LINES)},
            {"f": b"\n" * 300_000},
            "behind item 0, at byte 131,072 of s3://b/f",
        ),
        (
            {"for_each": ListFile(file="s3://b/f.json")},
            {"f.json": b'["' + b"x" * 300_000 + b'"]'},
            "behind item 0, at byte 131,072 of s3://b/f.json",
        ),
        (
            {"for_each": InlineItems(items=(1,)), "skip_existing": "s3://b/out/${item}"},
            {f"out/{number:04}": b"" for number in range(4_000)},
            "at key 2,000 below s3://b/out/",
        ),
    ],
)
def test_what_takes_longer_than_an_invocation_fails_the_step_with_the_place(
    flow: dict[str, Any], objects: dict[str, bytes], where: str
) -> None:
    event = ToPrepare(step("a", **flow), **objects).prepare(time_left=hurried(1))
    assert isinstance(event, PreparationFailed)
    assert event.reason == f"out of time {where}: this is too much for one invocation"


def test_a_preparation_that_comes_no_further_does_not_go_on_without_end() -> None:
    """To read once more what was read takes all the time there is."""
    there = ToPrepare(
        step("a", for_each=ListFile(file="s3://b/f", format=ListFormat.LINES)),
        f=b"1\n" + b"\n" * 300_000 + b"2",
    )
    first = there.prepare(time_left=hurried(2))
    assert isinstance(first, PreparationContinued)
    event = there.prepare(resume=first.resume, time_left=hurried(2))
    assert isinstance(event, PreparationFailed)
    assert event.reason.startswith("out of time behind item 1, at byte 196,608 of s3://b/f")


def test_a_queue_that_there_is_never_time_to_fill_fails_the_step() -> None:
    there = ToPrepare(step("a", for_each=ListFile(file="s3://b/f"), workers=1), f=lines(10))
    first = there.prepare(time_left=lambda: 500.0)
    assert isinstance(first, PreparationContinued)
    event = there.prepare(resume=first.resume, time_left=lambda: 500.0)
    assert isinstance(event, PreparationFailed)
    assert event.reason.startswith("out of time behind item 10, before the queue is filled")
    empty = ToPrepare(step("a", for_each=ListFile(file="s3://b/f"), workers=1), f=b"")
    assert isinstance(empty.prepare(time_left=lambda: 500.0), Prepared)


def test_the_engine_asks_for_the_continuation() -> None:
    there = ToPrepare(step("a", for_each=ListFile(file="s3://b/f")), f=lines(3_000))
    there.cloud.preparations.resumes.clear()
    there.cloud.clock.move(5)
    there.cloud.engine.prepare("run1", "a", 0, time_left=lambda: 0.0)
    [resume] = there.cloud.preparations.resumes
    state = there.cloud.runs.load("run1").state("a")
    assert (state.status, state.since) == (StepStatus.PREPARING, there.cloud.clock.now())
    there.cloud.engine.prepare("run1", "a", 0, resume=resume)
    assert there.cloud.runs.load("run1").state("a").children == 3_000


def test_an_aggregate_goes_level_by_level_to_one_output() -> None:
    many = step("many", for_each=ListFile(file="s3://b/f"), output="s3://b/${item}.txt")
    tree = step("tree", "many", aggregate=Aggregate(of="many", fan_in=10), output="s3://b/all.txt")
    there = ToPrepare(many, tree, f=lines(101))
    cloud = there.cloud
    cloud.engine.prepare("run1", "many", 0)
    widths = []
    for level in range(4):
        for job in [j for j in cloud.jobs.jobs.values() if j.outcome is None]:
            cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
        cloud.engine.reconcile("run1")
        if level < 3:
            cloud.engine.prepare("run1", "tree", level)
            widths.append(cloud.runs.load("run1").state("tree").children)
    assert widths == [11, 2, 1]
    run = cloud.runs.load("run1")
    assert run.state("tree").status is StepStatus.SUCCEEDED
    assert run.state("tree").manifest is not None
    [last] = cloud.objects.objects[manifest_uri(run.state("tree").manifest, 0)].splitlines()  # type: ignore[arg-type]
    assert json.loads(last)["output"] == "s3://b/all.txt"
    assert len(json.loads(last)["inputs"]) == 2
