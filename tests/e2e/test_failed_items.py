"""Failed items run again, with real processes: every result is there, and is of its own item."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from batchrelay.domain.step_state import StepStatus
from tests.conftest import lend
from tests.e2e.command_line import batchrelay
from tests.e2e.failing_runs import (
    FailingRuns,
    by_number,
    results_of,
    shell,
    sizes,
    work,
)
from tests.stack import ROOT

pytestmark = pytest.mark.cloud

ONCE = {"rounds": 1}
NAMES = [f"i{number:02d}" for number in range(20)]


SAMPLES = 74
"""Of the example, which has 10,000: at 0.1 s of processor time each, two cores need more than eight
minutes for them. The same 37 fail."""


def test_the_example_ends_partial_and_each_output_is_of_its_own_sample(
    runs: FailingRuns, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lend(runs.cloud, monkeypatch, faults="over_memory=1")
    file = ROOT / "examples/retry-failed/pipeline.yaml"
    result = batchrelay(
        "run", str(file), "--param", f"samples={SAMPLES}", "--chaos", "over_memory=1",
        "--output", "json", "--download", str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 4, result.output
    assert f"{SAMPLES - 14} of {SAMPLES} samples merged; without s0" in result.stderr
    report = json.loads(result.stdout)
    status = {step["step"]: step["status"] for step in report["run"]["steps"]}
    assert status == {"list": "SUCCEEDED", "process": "PARTIAL", "merge": "SUCCEEDED"}
    assert report["run"]["status"] == "PARTIAL"
    outputs = {path.stem: path.read_text() for path in (tmp_path / "process").rglob("*.txt")}
    missing = (tmp_path / "merge/missing.txt").read_text().split()
    assert kinds(missing) == {"absent": 5, "broken": 9}
    samples = sorted([*outputs, *missing])
    assert len(samples) == SAMPLES
    jobs: dict[str, dict[int, str]] = {}
    for sample, text in outputs.items():
        match = re.fullmatch(rf"{sample} by job ([-0-9a-f]+):(\d+)\n", text)
        assert match is not None, text
        jobs.setdefault(match[1], {})[int(match[2])] = sample
    first, *later = sorted(jobs.values(), key=len, reverse=True)
    assert all(samples[index] == sample for index, sample in first.items())
    assert kinds(first.values()) == {"": SAMPLES - 37}
    assert [kinds(children.values()) for children in later] == [{"busy": 14}, {"large": 9}]


def kinds(samples: Iterable[str]) -> Counter[str]:
    """What is the matter with samples of the example."""
    return Counter(sample.partition("-")[2] for sample in samples)


@pytest.mark.parametrize(
    ("name", "each"),
    [
        ("plan.csv", {}),
        ("plan.json.gz", {"items": "batch.items"}),
        ("plan.txt", {}),
    ],
)
def test_failed_entries_are_listed_again_in_the_shape_of_their_list(
    runs: FailingRuns, name: str, each: dict[str, str]
) -> None:
    """By programs that read entry i: of two failed items, and of one, which is a plain job."""
    text = {
        "plan.csv": "size,name\n" + "".join(f"1,{item}\n" for item in NAMES[:6]),
        "plan.json.gz": json.dumps({"batch": {"items": [{"name": item} for item in NAMES[:6]]}}),
        "plan.txt": "".join(f"{item}\n" for item in NAMES[:6]),
    }[name]
    flow = {"forEach": {"file": "${params.plan}", **each}, "retryFailed": ONCE}
    run = runs.play(
        work("two", "i01", "i04", flow=flow),
        work("one", "i03", flow=flow),
        plan=runs.written(name, text),
    )
    assert run.status == "SUCCEEDED"
    assert sizes(run, "two") == [[6], [2]]
    assert sizes(run, "one") == [[6], [1]]
    assert ["arrayProperties" in job for job in runs.jobs(run, "one")] == [False]
    assert runs.texts(results_of(run)) == {
        f"{step}-{item}": f"{item} in round {int(item in again)}"
        for step, again in (("two", ("i01", "i04")), ("one", ("i03",)))
        for item in NAMES[:6]
    }


def test_a_failed_child_and_the_one_behind_it_run_again_as_a_pair(runs: FailingRuns) -> None:
    plan = runs.written("pairs.txt", "".join(f"{item}\n" for item in NAMES))
    follow = [{"jobName": "b", "type": "N_TO_N"}]
    run = runs.play(
        work("b", "i17", flow={"forEach": {"file": "${params.plan}"}, "retryFailed": ONCE}),
        work("c", "i03", flow={"retryFailed": ONCE}, dependsOn=follow),
        plan=plan,
    )
    assert {name: state.status for name, state in run.steps.items()} == {
        "b": StepStatus.SUCCEEDED,
        "c": StepStatus.SUCCEEDED,
    }
    assert sizes(run, "b") == [[20], [1]]
    assert sizes(run, "c") == [[20], [2]]
    causes = {entry["item"]: entry["class"] for entry in runs.failures(run, "c")}
    assert causes == {"i03": "ExitCode", "i17": "Upstream"}
    assert runs.texts(results_of(run)) == {
        f"{step}-{item}": f"{item} in round {int(item in again)}"
        for step, again in (("b", ("i17",)), ("c", ("i03", "i17")))
        for item in NAMES
    }


def test_behind_an_item_that_failed_for_good_nothing_runs_again(runs: FailingRuns) -> None:
    """The others do, and both steps are PARTIAL."""
    plan = runs.written("good.txt", "".join(f"{item}\n" for item in NAMES[:8]))
    first = "test $((BATCHRELAY_OFFSET + AWS_BATCH_JOB_ARRAY_INDEX)) != 5"
    run = runs.play(
        shell(
            "b",
            f'test "$BATCHRELAY_ROUND" = 0 && {first}',
            flow={
                "forEach": {"file": "${params.plan}"},
                "retryFailed": ONCE,
                "tolerate": {"count": 1},
            },
        ),
        work(
            "c", "i03", flow={"retryFailed": ONCE}, dependsOn=[{"jobName": "b", "type": "N_TO_N"}]
        ),
        plan=plan,
    )
    assert {name: state.status for name, state in run.steps.items()} == {
        "b": StepStatus.PARTIAL,
        "c": StepStatus.PARTIAL,
    }
    assert sizes(run, "b") == [[8], [1]]
    assert sizes(run, "c") == [[8], [1]]
    assert runs.texts(results_of(run)) == {
        f"c-{item}": f"{item} in round {int(item == 'i03')}" for item in NAMES[:8] if item != "i05"
    }


def test_children_without_a_list_know_their_numbers(runs: FailingRuns) -> None:
    size = {"arrayProperties": {"size": 8}}
    run = runs.play(by_number("a", flow={"retryFailed": ONCE}, **size))
    assert run.status == "SUCCEEDED"
    assert sizes(run, "a") == [[8], [2]]
    index = {2: 0, 5: 1}
    assert runs.texts(results_of(run)) == {
        str(number): f"{number} by index {index.get(number, number)}" for number in range(8)
    }


def test_only_what_ran_out_of_memory_gets_more(runs: FailingRuns) -> None:
    plan = runs.written("memory.txt", "i00\nlarge\ni02\ni03\n")
    flow = {
        "forEach": {"file": "${params.plan}"},
        "retryFailed": {**ONCE, "memory": "x2"},
    }
    run = runs.play(work("a", "i02", flow=flow), plan=plan)
    assert run.status == "SUCCEEDED"
    assert sizes(run, "a") == [[4], [1, 1]]
    memory = [
        {amount["type"]: amount["value"] for amount in job["container"]["resourceRequirements"]}
        for job in runs.jobs(run, "a")
    ]
    assert [amounts["MEMORY"] for amounts in memory] == ["64", "128"]
    assert runs.texts(results_of(run)) == {
        "a-i00": "i00 in round 0",
        "a-i02": "i02 in round 1",
        "a-i03": "i03 in round 0",
        "a-large": "large in round 1",
    }


def test_of_a_chunk_only_the_failed_items_run_again(runs: FailingRuns) -> None:
    script = 'case "$1 $BATCHRELAY_ROUND" in "i07 0"|"i13 0"|"i14 0") exit 9;; esac'
    (runs.folder / "item.sh").write_text(script + "\n")
    step = {
        "jobName": "a",
        "containerOverrides": {
            "command": ["batchrelay-worker", "run", "--", "sh", "item.sh", "{item}"]
        },
        "flow": {"forEach": {"file": "${params.plan}"}, "chunk": 5, "retryFailed": ONCE},
    }
    plan = runs.written("chunks.txt", "".join(f"{item}\n" for item in NAMES))
    run = runs.play(step, plan=plan)
    assert run.status == "SUCCEEDED"
    assert sizes(run, "a") == [[4], [1]]
    done = [
        [
            (entry["n"], entry["ok"])
            for text in runs.texts(
                f"s3://{run.environment['bucket']}/runs/{run.id}/a/r{round_number}/results/"
            ).values()
            for entry in json.loads(text)["items"]
        ]
        for round_number in (0, 1)
    ]
    failed = (7, 13, 14)
    assert done == [
        [(number, number not in failed) for number in range(20)],
        [(number, True) for number in failed],
    ]


MERGE = """
import os, sys

import s3

output, *inputs = sys.argv[1:]
round_number = os.environ["BATCHRELAY_ROUND"]
if (os.environ["ITEM_NUMBER"], round_number) in (("1", "0"), ("0", "2")):
    sys.exit(75)
s3.put(output, " ".join(s3.get(uri).decode() for uri in inputs) + f" r{round_number}")
"""


def test_a_failed_node_of_each_level_runs_again_and_the_result_is_of_all(
    runs: FailingRuns,
) -> None:
    """One of four nodes of level 0 and one of two of level 1 fail in their first round."""
    (runs.folder / "merge.py").write_text(MERGE)
    plan = runs.written("leaves.txt", "".join(f"{item}\n" for item in NAMES[:8]))
    folder = "s3://${env.bucket}/results/${run.id}/"
    leaves = {"forEach": {"file": "${params.plan}"}, "output": folder + "leaf-${item}"}
    command = ["batchrelay-worker", "run", "--", "python", "merge.py"]
    tree = {
        "jobName": "tree",
        "containerOverrides": {"command": [*command, "{item.output}", "{item.inputs}"]},
        "flow": {
            "aggregate": {"of": "leaf", "fanIn": 2},
            "output": folder + "all",
            "retryFailed": ONCE,
        },
    }
    run = runs.play(work("leaf", flow=leaves), tree, plan=plan)
    assert run.status == "SUCCEEDED"
    assert run.state("tree").level == 2
    assert runs.rounds(run, "tree") == {0: 4, 1: 1, 2: 2, 3: 1, 4: 1}
    pairs = [
        f"{a} in round 0 {b} in round 0" for a, b in zip(NAMES[:8:2], NAMES[1:8:2], strict=True)
    ]
    first, second, third, fourth = pairs
    assert runs.texts(results_of(run))["all"] == (
        f"{first} r0 {second} r1 r3 {third} r0 {fourth} r0 r2 r4"
    )


def failing_once(remainder: int, *, of: int) -> str:
    """A script: one in so many items fails in the first round; none if it is no remainder."""
    number = "(BATCHRELAY_OFFSET + AWS_BATCH_JOB_ARRAY_INDEX)"
    return f'test "$BATCHRELAY_ROUND" != 0 || test $(({number} % {of})) != {remainder}'


@pytest.mark.long
def test_items_of_every_part_run_again_as_one_array(runs: FailingRuns) -> None:
    """25,000 processes in three parts; in the second round the numbers say which they were."""
    plan = runs.written("many.txt", "".join(f"m{number}\n" for number in range(25_000)))
    flow = {"forEach": {"file": "${params.plan}"}, "retryFailed": ONCE}
    run = runs.play(shell("a", failing_once(7, of=500), flow=flow), plan=plan)
    assert run.status == "SUCCEEDED"
    expected = list(range(7, 25_000, 500))
    known = {number: ("ExitCode", f"m{number}") for number in expected}
    failures = runs.failures(run, "a")
    assert [e for e in failures if known.get(e["number"]) != (e["class"], e["item"])] == []
    assert len(failures) == 50
    assert sizes(run, "a") == [[8_334, 8_333, 8_333], [50]]
    [numbers] = runs.texts(f"{run.state('a').failures}numbers.txt").values()
    assert [int(line) for line in numbers.splitlines()] == expected
    [listed] = runs.texts(f"{run.state('a').failures}list.txt").values()
    assert listed.split() == [f"m{number}" for number in expected]


def test_calls_of_a_failing_run_do_not_grow_with_its_items(runs: FailingRuns) -> None:
    def calls(items: int, failing: int) -> Counter[str]:
        plan = runs.written("calls.txt", "".join(f"m{number}\n" for number in range(items)))
        flow = {"forEach": {"file": "${params.plan}"}, "retryFailed": ONCE}
        run, counted = runs.calls_of(
            shell("a", failing_once(failing, of=100), flow=flow), plan=plan
        )
        assert run.status == "SUCCEEDED"
        return Counter(counted)

    good, few, many = calls(300, 100), calls(20, 7), calls(300, 7)
    print(f"all good: {good}, 1 of 20 fails: {few}, 3 of 300 fail: {many}")
    # An event may overtake the write of a jobId, which costs a few reads and writes: of two jobs.
    for call in ("dynamodb.GetItem", "dynamodb.PutItem"):
        assert abs(few.pop(call) - many.pop(call)) <= 6
    assert few == many
    assert few["batch.submitjob"] == good["batch.submitjob"] + 1
