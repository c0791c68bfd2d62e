"""A run after a run that failed in part makes exactly what is missing, or says no.

Every way to have a list, with everything that goes with `skipExisting`, times every way to follow
it, times what went wrong before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchrelay.domain.pipeline import InlineItems, Pipeline
from batchrelay.domain.run import RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read
from tests.builders import pipeline, step
from tests.functional.preparation.resuming import Made, play

SAMPLES = ("S01", "S02", "S03", "S04")
OUT = "s3://b/out/"


def out(kind: str, sample: str = "${item.stem}") -> str:
    return f"{OUT}{sample}.{kind}"


Flow = dict[str, Any]
FILE: Flow = {"forEach": {"file": "s3://b/list.txt"}}


def heads(samples: tuple[str, ...]) -> dict[str, Flow]:
    """The ways to have a list, and what goes with it."""
    return {
        "file": FILE,
        "prefix": {"forEach": {"prefix": "s3://b/in/", "suffix": ".fq"}},
        "matrix": {"forEach": {"matrix": {"key": list(samples), "run": [1]}}},
        "items": {"forEach": {"items": list(samples)}},
        "steps": {"forEach": {"steps": "fetch"}},
        "chunk": FILE | {"chunk": 2},
        "chunk auto": FILE | {"chunk": "auto"},
        "groups": FILE | {"groups": [{"when": "item >= 'S03'", "jobQueue": "other"}]},
        "chunk and groups": FILE | {"chunk": 3, "groups": [{"when": "item == 'S02'"}]},
        "queue": FILE | {"queue": {"workers": 2}},
        "when": FILE | {"when": "1 == 1"},
        "sequential": FILE,
    }


def n_to_n(name: str, *behind: str) -> dict[str, Any]:
    depends = [{"jobName": other, "type": "N_TO_N"} for other in behind]
    return {"jobName": name, "dependsOn": depends, "flow": {"output": out(name)}}


FOLLOWERS: Mapping[str, list[dict[str, Any]]] = {
    "N_TO_N": [n_to_n("call", "align")],
    "N_TO_N of N_TO_N": [n_to_n("call", "align"), n_to_n("note", "call")],
    "a diamond of N_TO_N": [
        n_to_n("call", "align"),
        n_to_n("stats", "align"),
        n_to_n("both", "call", "stats"),
    ],
    "N_TO_N, then aggregate": [
        n_to_n("call", "align"),
        {"jobName": "all", "flow": {"aggregate": {"of": "call", "fanIn": 2}, "output": OUT + "a"}},
    ],
    "N_TO_N, then steps": [
        n_to_n("call", "align"),
        {"jobName": "report", "flow": {"forEach": {"steps": "call"}, "output": out("report")}},
    ],
    "steps": [
        {"jobName": "report", "flow": {"forEach": {"steps": "align"}, "output": out("report")}}
    ],
    "steps with skipExisting": [
        {
            "jobName": "report",
            "flow": {
                "forEach": {"steps": "align"},
                "output": out("report"),
                "skipExisting": out("report"),
            },
        }
    ],
    "a listing of the outputs": [
        {
            "jobName": "report",
            "dependsOn": [{"jobName": "align"}],
            "flow": {
                "forEach": {"prefix": OUT, "suffix": ".bam"},
                "output": out("report"),
                "skipExisting": out("report"),
            },
        }
    ],
    "the same list again": [
        {
            "jobName": "report",
            "dependsOn": [{"jobName": "align"}],
            "flow": FILE | {"output": out("report"), "skipExisting": out("report")},
        }
    ],
    "aggregate": [
        {"jobName": "all", "flow": {"aggregate": {"of": "align", "fanIn": 2}, "output": OUT + "a"}}
    ],
    "an event edge": [
        {"jobName": "join", "dependsOn": [{"jobName": "align"}], "flow": {"output": OUT + "join"}}
    ],
    "a size of its own": [
        {
            "jobName": "wide",
            "dependsOn": [{"jobName": "align"}],
            "arrayProperties": {"size": 3},
            "flow": {"output": out("wide", "${item.number}")},
        }
    ],
    "when": [
        {
            "jobName": "join",
            "dependsOn": [{"jobName": "align"}],
            "flow": {
                "when": "steps.align.items > 0 or steps.align.existing > 0",
                "output": OUT + "join",
            },
        }
    ],
}

BEFORE = {
    "nothing failed": set[str](),
    "the step failed for one": {out("bam", "S02")},
    "its follower failed for one": {out("call", "S02"), out("report", "S02"), OUT + "a"},
    "its follower failed for all": {
        *(out(kind, s) for kind in ("call", "report") for s in SAMPLES),
        OUT + "join",
    },
    "the last failed for one": {out(k, "S03") for k in ("note", "both", "report")} | {OUT + "a"},
    "one of two followers failed": {out("stats", "S04")},
}


@cache
def definition(head: str, follower: str, samples: tuple[str, ...] = SAMPLES) -> Pipeline:
    """As the file says it, and as lint lets it pass."""
    flow = {**heads(samples)[head], "output": out("bam"), "skipExisting": out("bam")}
    depends = [{"type": "SEQUENTIAL"}] if head == "sequential" else []
    steps = [{"jobName": "align", "dependsOn": depends, "flow": flow}, *FOLLOWERS[follower]]
    if head == "steps":
        fetch = {"forEach": {"items": list(samples)}, "output": "s3://b/fetched/${item}.fq"}
        steps = [{"jobName": "fetch", "flow": fetch}, *steps]
    with tempfile.TemporaryDirectory() as folder:
        return read_steps(Path(folder), *steps)


def read_steps(tmp_path: Path, *steps: Mapping[str, Any]) -> Pipeline:
    defaults = {"jobQueue": "q", "jobDefinition": "d"}
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump({"pipeline": "p", "defaults": defaults, "steps": [*steps]}))
    return read(file).pipeline


def given(samples: tuple[str, ...]) -> dict[str, bytes]:
    listed = {"s3://b/list.txt": "\n".join(samples).encode()}
    return listed | {f"s3://b/in/{sample}.fq": b"reads" for sample in samples}


def check(definition: Pipeline, there: set[str], made: Made, samples: tuple[str, ...]) -> None:
    """Everything is there, and what skips made only what was not."""
    steps = {s.name: s for s in definition.steps}
    by_item = ("align", "call", "note", "stats", "both", "report")
    wanted = {
        name: {out({"align": "bam"}.get(name, name), sample) for sample in samples}
        for name in by_item
        if name in steps
    }
    chain = [n for n in ("align", "call", "note", "stats", "both") if n in steps]
    missing = {
        sample
        for sample in samples
        if any(out({"align": "bam"}.get(name, name), sample) not in there for name in chain)
    }
    for name in chain:
        outputs = sorted(out({"align": "bam"}.get(name, name), sample) for sample in missing)
        assert sorted(made.by_step.get(name, [])) == outputs, name
    if "report" in steps:
        new = wanted["report"] - there if steps["report"].skip_existing else wanted["report"]
        assert set(made.by_step.get("report", [])) == new
    if "all" in steps:
        assert sorted(made.inputs["all"]) == sorted(wanted[chain[-1]]), "each input once"
        assert OUT + "a" in made.by_step["all"]
    for other, count in {"join": 1, "wide": 3}.items():
        assert len(made.by_step.get(other, [])) == (count if other in steps else 0)
    assert made.run.status is RunStatus.SUCCEEDED


PAIRS = [
    (head, follower)
    for head in heads(SAMPLES)
    for follower in FOLLOWERS
    if not (head == "queue" and "N_TO_N" in follower)
]


def leaves_something_out(follower: str, before: str) -> bool:
    """Or it is "nothing failed" once more."""
    patterns = {step["flow"]["output"] for step in FOLLOWERS[follower]} | {out("bam")}
    could = {pattern.replace("${item.stem}", sample) for pattern in patterns for sample in SAMPLES}
    return not BEFORE[before] or not could.isdisjoint(BEFORE[before])


@pytest.mark.parametrize(
    ("head", "follower", "before"),
    [
        (*pair, before)
        for pair in PAIRS
        for before in BEFORE
        if leaves_something_out(pair[1], before)
    ],
)
def test_a_run_after_one_that_failed_in_part_makes_exactly_what_is_missing(
    head: str, follower: str, before: str
) -> None:
    objects, file = given(SAMPLES), definition(head, follower)
    first = play(file, objects, "run1", BEFORE[before])
    outputs = set(objects)
    assert first.run.status is (RunStatus.FAILED if BEFORE[before] else RunStatus.SUCCEEDED)
    second = play(file, objects, "run2", set())
    check(file, outputs, second, SAMPLES)


@pytest.mark.parametrize(("head", "follower"), PAIRS)
def test_one_new_item_is_made_beside_what_was_missing(head: str, follower: str) -> None:
    objects = given(SAMPLES)
    play(definition(head, follower), objects, "run1", {out("call", "S02")})
    outputs, samples = set(objects), (*SAMPLES, "S05")
    objects |= given(samples)
    file = definition(head, follower, samples)
    check(file, outputs, play(file, objects, "run2", set()), samples)


@pytest.mark.parametrize(("head", "follower"), PAIRS)
def test_one_item_alone_is_made_again(head: str, follower: str) -> None:
    objects, one = given(("S01",)), ("S01",)
    file = definition(head, follower, one)
    play(file, objects, "run1", {out("call", "S01"), out("report", "S01")})
    outputs = set(objects)
    check(file, outputs, play(file, objects, "run2", set()), one)


# --- what says no -------------------------------------------------------------

ALIGN: Flow = FILE | {"output": out("bam"), "skipExisting": out("bam")}
BY_PLACE = "N_TO_N pairs children by their place in two lists, and skipExisting of"
REFUSED: Mapping[str, tuple[list[dict[str, Any]], str]] = {
    "N_TO_N without an output": (
        [{"jobName": "align", "flow": ALIGN}, n_to_n("call", "align") | {"flow": {}}],
        "skipExisting of align leaves an item out once call has made its output too: write its "
        "flow.output, with ${item.…} in it; or leave type: N_TO_N out and write forEach: {steps: "
        "…} with a skipExisting",
    ),
    "N_TO_N with one output for all": (
        [{"jobName": "align", "flow": ALIGN}, n_to_n("call", "align") | {"flow": {"output": OUT}}],
        "write its flow.output, with ${item.…} in it",
    ),
    "N_TO_N with an output without a folder": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align") | {"flow": {"output": "${item}.vcf"}},
        ],
        "begin its flow.output with the folder of the outputs, which is listed",
    ),
    "N_TO_N with a when": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align") | {"flow": {"output": out("call"), "when": "1 == 1"}},
        ],
        "and with a when it may never make it: leave when out",
    ),
    "N_TO_N with an output by number": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align") | {"flow": {"output": out("call", "${item.number}")}},
        ],
        "${item.number} is another one in every run, because skipExisting of align leaves items "
        "out: write the item's own values into flow.output, such as ${item.name}",
    ),
    "N_TO_N with the same output": (
        [{"jobName": "align", "flow": ALIGN | {"output": out("call")}}, n_to_n("call", "align")],
        "its output is that of align too, so skipExisting of align cannot know who made it",
    ),
    "an output by number": (
        [{"jobName": "align", "flow": ALIGN | {"output": out("bam", "${item.number}")}}],
        "${item.number} is another one in every run",
    ),
    "N_TO_N with a list of its own": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align") | {"flow": FILE | {"output": out("call")}},
        ],
        f"{BY_PLACE} align",
    ),
    "N_TO_N with a list of its own that skips": (
        [
            {"jobName": "align", "flow": FILE | {"output": out("bam")}},
            n_to_n("call", "align")
            | {"flow": FILE | {"output": out("call"), "skipExisting": out("call")}},
        ],
        f"{BY_PLACE} call",
    ),
    "N_TO_N with a size of its own": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align") | {"arrayProperties": {"size": 4}, "flow": {}},
        ],
        f"{BY_PLACE} align",
    ),
    "N_TO_N with two lists": (
        [
            {"jobName": "align", "flow": ALIGN},
            {"jobName": "other", "flow": FILE},
            n_to_n("call", "align", "other"),
        ],
        f"{BY_PLACE} align",
    ),
    "N_TO_N of N_TO_N with a size of its own": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align"),
            n_to_n("note", "call") | {"arrayProperties": {"size": 4}, "flow": {}},
        ],
        f"{BY_PLACE} align",
    ),
    "a condition on what is new": (
        [
            {"jobName": "align", "flow": ALIGN},
            {
                "jobName": "join",
                "dependsOn": [{"jobName": "align"}],
                "flow": {"when": "steps.align.items > 0"},
            },
        ],
        "steps.align.items is of the new items only, and after a run that failed behind align no "
        "item is new: ask for steps.align.existing too, such as steps.align.items > 0 or "
        "steps.align.existing > 0",
    ),
    "a condition on a status that may be SKIPPED": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align"),
            {
                "jobName": "join",
                "dependsOn": [{"jobName": "call"}],
                "flow": {"when": "steps.call.status == 'SUCCEEDED'"},
            },
        ],
        "steps.call.status is of the new items only",
    ),
    "chunk without a list": (
        [
            {"jobName": "align", "flow": ALIGN},
            n_to_n("call", "align") | {"flow": {"skipExisting": out("call")}},
        ],
        "skipExisting needs a forEach, whose items it shares out",
    ),
    "a queue and N_TO_N": (
        [{"jobName": "align", "flow": ALIGN | {"queue": {"workers": 2}}}, n_to_n("call", "align")],
        "N_TO_N: the children of align are not its items one by one",
    ),
    "aggregate that skips": (
        [
            {"jobName": "align", "flow": ALIGN},
            {
                "jobName": "all",
                "flow": {
                    "aggregate": {"of": "align", "fanIn": 2},
                    "output": OUT,
                    "skipExisting": out("x"),
                },
            },
        ],
        "skipExisting and aggregate do not go together",
    ),
    "an output by number that is skipped": (
        [{"jobName": "align", "flow": FILE | {"skipExisting": out("bam", "${item.number}")}}],
        "an item's number is not known before it is known what is skipped",
    ),
}


@pytest.mark.parametrize("pair", REFUSED)
def test_a_pair_that_could_lose_results_is_refused_by_lint(tmp_path: Path, pair: str) -> None:
    steps, message = REFUSED[pair]
    with pytest.raises(PipelineFileError) as error:
        read_steps(tmp_path, *steps)
    problems = [problem.message for problem in error.value.problems]
    assert any(message in problem for problem in problems), problems


def test_without_skip_existing_nothing_of_it_is_refused(tmp_path: Path) -> None:
    """N_TO_N of lists that keep their order, numbers, conditions: as before."""
    plain = {key: value for key, value in ALIGN.items() if key != "skipExisting"}
    for name, (steps, _) in REFUSED.items():
        if "skip" not in name and name not in ("chunk without a list", "a queue and N_TO_N"):
            flows = [{**s, "flow": plain if s["flow"] is ALIGN else s["flow"]} for s in steps]
            for entry in flows:
                entry["flow"] = {k: v for k, v in entry["flow"].items() if k != "skipExisting"}
            read_steps(tmp_path, *flows)


def test_a_version_that_was_deployed_before_fails_instead_of_losing_results() -> None:
    head = step(
        "align", for_each=InlineItems(items=("S01",)), output=out("bam"), skip_existing=out("bam")
    )
    call = step("call", "align", n_to_n_needs=frozenset({"align"}))
    made = play(pipeline(head, call), {out("bam", "S01"): b""}, "run1", set())
    state = made.run.state("align")
    assert (state.status, made.run.state("call").status) == (StepStatus.FAILED, StepStatus.SKIPPED)
    assert state.reason.startswith("step call: skipExisting of align leaves an item out once call")


@pytest.mark.parametrize(
    ("flow", "where"),
    [
        ({"output": out("${item.a}", "")}, "flow.output, such as ${item.key} or ${item.number}"),
        ({"skip_existing": out("${item.a}", "")}, "flow.skipExisting, such as ${item.key}"),
    ],
)
def test_two_items_that_are_one_output_are_refused_or_one_would_stand_for_the_other(
    flow: dict[str, Any], where: str
) -> None:
    head = step("align", for_each=InlineItems(items=({"a": 1, "b": 1}, {"a": 1, "b": 2})), **flow)
    made = play(pipeline(head), {}, "run1", set())
    assert made.run.state("align").status is StepStatus.FAILED
    assert made.run.state("align").reason.endswith(f"write more of the item into {where}")


def test_two_items_that_are_one_output_of_a_step_that_continues_them_are_refused() -> None:
    head = step("align", for_each=InlineItems(items=({"a": 1, "b": 1}, {"a": 1, "b": 2})))
    call = step("call", "align", n_to_n_needs=frozenset({"align"}), output=out("x", "${item.a}"))
    made = play(pipeline(head, call), {}, "run1", set())
    assert made.run.state("align").reason == (
        "items 0 and 1 have the same output: write more of the item into flow.output "
        "of call, such as ${item.key}"
    )


def test_a_notice_links_to_what_was_there_before(tmp_path: Path) -> None:
    """The step is SKIPPED, and its outputs are there all the same."""
    defaults = {"jobQueue": "q", "jobDefinition": "d"}
    notify = [{"topicArn": "${env.topicArn}", "link": "${steps.align.output}"}]
    text = {"pipeline": "p", "defaults": defaults, "notify": notify}
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump(text | {"steps": [{"jobName": "align", "flow": ALIGN}]}))
    objects = given(SAMPLES)
    play(read(file).pipeline, objects, "run1", set())
    again = play(read(file).pipeline, objects, "run2", set())
    assert again.run.state("align").reason == "0 items, 4 were there"
    assert again.notices == [f"Output: {OUT}"]
