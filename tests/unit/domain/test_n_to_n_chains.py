"""Which steps share a list, and which of them may leave items out."""

from __future__ import annotations

import pytest

from batchrelay.domain.n_to_n_chains import (
    continuations,
    continues,
    counts_problem,
    heads,
    item_outputs,
    outputs_to_skip,
    skip_problems,
)
from batchrelay.domain.pipeline import InlineItems, Overlap, S3Trigger, ScheduleTrigger, Step
from tests.builders import step

LIST = InlineItems(items=("x", "y"))
BY_ITEM, BY_NUMBER = "s3://b/${item.name}", "s3://b/${item.number}"
SKIP = "s3://b/${item}"


def behind(name: str, *needs: str, **flow: object) -> Step:
    """A step that continues others child by child."""
    return step(name, *needs, n_to_n_needs=frozenset(needs), **flow)  # type: ignore[arg-type]


def by_name(*steps: Step) -> dict[str, Step]:
    return {each.name: each for each in steps}


def head(**flow: object) -> Step:
    return step("a", for_each=LIST, **flow)  # type: ignore[arg-type]


def test_a_step_continues_others_unless_it_has_its_own_children() -> None:
    own = behind("b", "a", for_each=LIST)
    sized = step("b", "a", n_to_n_needs=frozenset({"a"}), size=2)
    assert [continues(each) for each in (behind("b", "a"), own, sized, step("b", "a"))] == [
        True,
        False,
        False,
        False,
    ]


def test_the_heads_of_a_step_are_where_its_children_come_from() -> None:
    steps = by_name(
        head(),
        step("z", size=2),
        behind("b", "a"),
        behind("c", "b", "z"),
        behind("d", "d"),
        behind("e", "x"),
    )
    assert {name: sorted(heads(steps, name)) for name in (*steps, "x")} == {
        "a": ["a"],
        "z": ["z"],
        "b": ["a"],
        "c": ["a", "z"],
        "d": [],
        "e": [],
        "x": [],
    }
    assert continuations(steps, steps["a"]) == (steps["b"],)


def test_the_outputs_of_an_item_are_those_without_its_number() -> None:
    steps = by_name(
        head(output=BY_ITEM, skip_existing=SKIP),
        behind("b", "a", output="s3://b/b/${item}"),
        behind("c", "b", output=BY_NUMBER),
        behind("d", "c", output="s3://b/d"),
        behind("e", "d"),
    )
    assert list(item_outputs(steps, steps["a"])) == [
        (BY_ITEM, "flow.output"),
        ("s3://b/b/${item}", "flow.output of b"),
    ]
    assert list(outputs_to_skip(steps, steps["a"])) == [SKIP, "s3://b/b/${item}"]
    assert list(item_outputs(steps, steps["b"])) == []
    without = by_name(head(output=BY_ITEM), steps["b"])
    assert list(outputs_to_skip(without, without["a"])) == []


WHY = "skipExisting of a leaves an item out once b has made its output too"
INSTEAD = "; or leave type: N_TO_N out and write forEach: {steps: …} with a skipExisting"
NO_OUTPUT = f"{WHY}: write its flow.output, with ${{item.…}} in it{INSTEAD}"
NO_FOLDER = f"{WHY}: begin its flow.output with the folder of the outputs, which is listed"
BY_PLACE = (
    "N_TO_N pairs children by their place in two lists, and skipExisting of a leaves items out of "
    "one: let the step behind continue that list (no forEach, size or skipExisting of its own), or "
    "leave the type out and write forEach: {steps: …} with a skipExisting"
)
NUMBERED = (
    "${item.number} is another one in every run, because skipExisting of a leaves items out: write "
    "the item's own values into flow.output, such as ${item.name}"
)


@pytest.mark.parametrize(
    ("steps", "problems"),
    [
        ((behind("b", "a", output=BY_ITEM),), []),
        ((behind("b", "a"),), [("b", NO_OUTPUT)]),
        (
            (behind("b", "a", output="s3://b/x"),),
            [("b", NO_OUTPUT)],
        ),
        ((behind("b", "a"), behind("c", "b", output=BY_ITEM)), []),
        (
            (behind("b", "a", output="${item.name}"),),
            [("b", NO_FOLDER)],
        ),
        (
            (behind("b", "a", output=BY_ITEM, when="params.x == 1"),),
            [("b", f"{WHY}, and with a when it may never make it: leave when out{INSTEAD}")],
        ),
        ((behind("b", "a", output=BY_NUMBER),), [("b", NUMBERED)]),
        ((behind("b", "a", for_each=LIST),), [("b", BY_PLACE)]),
        ((step("z", size=2), behind("b", "a", "z", output=BY_ITEM)), [("b", BY_PLACE)]),
        ((step("b", "a"),), []),
    ],
)  # fmt: skip
def test_a_chain_that_leaves_items_out_makes_an_output_of_each(
    steps: tuple[Step, ...], problems: list[tuple[str, str]]
) -> None:
    first = head(output="s3://b/a/${item}", skip_existing=SKIP)
    assert list(skip_problems(by_name(first, *steps), first)) == problems
    kept = head(output="s3://b/a/${item}")
    assert list(skip_problems(by_name(kept, *steps), kept)) == []


def test_two_steps_of_a_chain_have_two_outputs() -> None:
    first = head(output=BY_ITEM, skip_existing=SKIP)
    second, third = (behind(name, "a", output=BY_ITEM) for name in "bc")
    problem = (
        "its output is that of a too, so skipExisting of a cannot know who made it: write another "
        "flow.output"
    )
    assert list(skip_problems(by_name(first, second, third), first)) == [
        ("b", problem),
        ("c", problem),
    ]


def test_a_head_that_leaves_items_out_pairs_with_no_other_list() -> None:
    first = behind("a", "z", for_each=LIST, output=BY_ITEM, skip_existing=SKIP)
    steps = by_name(step("z", for_each=LIST), first)
    assert list(skip_problems(steps, first)) == [("a", BY_PLACE)]
    numbered = head(output=BY_NUMBER, skip_existing=SKIP)
    assert list(skip_problems(by_name(numbered), numbered)) == [("a", NUMBERED)]


def asked(*names: str) -> str | None:
    steps = by_name(head(output=BY_ITEM, skip_existing=SKIP), behind("b", "a", output=SKIP + "b"))
    return counts_problem(steps, "b", frozenset(names))


def test_a_condition_that_counts_new_items_asks_for_the_others_too() -> None:
    problem = (
        "steps.b.{} is of the new items only, and after a run that failed behind b no item is new: "
        "ask for steps.b.existing too, such as steps.b.items > 0 or steps.b.existing > 0"
    )
    assert asked("steps.b.items", "steps.b.status", "params.x") == problem.format("items")
    assert asked("steps.b.children") == problem.format("children")
    assert asked("steps.b.status") == problem.format("status")
    assert asked("steps.b.items", "steps.b.existing") is None
    assert asked("steps.b.failed", "steps.a.items") is None
    plain = by_name(head(output=BY_ITEM), behind("b", "a"))
    assert counts_problem(plain, "b", frozenset({"steps.b.items"})) is None


def test_what_a_trigger_gives() -> None:
    assert S3Trigger(bucket="b").variables == ("bucket", "key", "folder", "size", "versionId")
    debounced = S3Trigger(bucket="b", debounce_s=0)
    assert debounced.variables == ("bucket", "uploads", "count")
    assert debounced.overlap is Overlap.PARALLEL
    assert ScheduleTrigger(expression="rate(1 day)").variables == ("time",)
