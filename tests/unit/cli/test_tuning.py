"""What `tune` says of a step whose jobs have several containers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from batchrelay.domain.sizing import Advice, Size, Split
from batchrelay.preparation.chunk_size import Times
from batchrelay.prices import Unknown
from batchrelay_cli.pipeline_file.merged_containers import MergedContainer
from batchrelay_cli.verbs.tune import _write
from batchrelay_cli.views.tuning import Tuning, print_tunings, tuning_document

SIZE = Size(vcpus=1, memory_mib=640)
ADVICE = Advice(size=SIZE, peak_mib=500, cpu_ratio=None, killed=0, items=9)
UNKNOWN = Unknown(reason="no price")


def tuning(**fields: Any) -> Tuning:
    one: dict[str, Any] = {
        "step": "a", "group": 0, "container": None, "now": SIZE, "is_fargate": False,
        "times": Times.of([400.0]), "chunk": 1, "other_requirements": {}, "container_mib": None,
        "advice": None, "no_advice": None, "split": None,
        "item_cost": UNKNOWN, "run_cost": UNKNOWN, "advised_cost": UNKNOWN,
    }  # fmt: skip
    return Tuning(**(one | fields))


def sentences(one: Tuning) -> str:
    text = io.StringIO()
    print_tunings(Console(file=text, width=300), [one])
    return text.getvalue()


def container(**fields: Any) -> MergedContainer:
    return MergedContainer(**{"name": "main", "under": {}, "over": {}} | fields)


@pytest.mark.parametrize(
    ("one", "form"),
    [
        (
            container(),
            (
                "ecsPropertiesOverride: {taskProperties: [{containers: [{name: main, resource"
                'Requirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "640"}]}]}]}'
            ),
        ),
        (
            container(is_of_pod=True),
            (
                "eksPropertiesOverride: {podProperties: {containers: [{name: main, resources: "
                '{limits: {cpu: "1", memory: 640Mi}, requests: {cpu: "1", memory: 640Mi}}}]}}'
            ),
        ),
        (
            container(name=""),
            (
                "containerOverrides: "
                '{resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "640"}]}'
            ),
        ),
    ],
)
def test_an_advice_names_its_container_and_has_its_form(one: MergedContainer, form: str) -> None:
    split = Split(above_mib=5, large=ADVICE, others=ADVICE, saving=0.5)
    shown = sentences(tuning(container=one, advice=ADVICE, split=split))
    of = "container main: " if one.name else ""
    assert f"  recommended: {of}VCPU 1, MEMORY 640: 99 % of 9 items" in shown
    assert f"flow: {{groups: [{{when: item.size > 5MiB, {form}}}]}}" in shown


def test_where_it_is_unclear_which_was_measured_a_sentence_says_so() -> None:
    one = tuning(no_advice="two of them run it")
    assert "  no advice on memory and vCPUs: two of them run it\n" in sentences(one)
    document = tuning_document(one)
    assert (document["container"], document["noAdvice"]) == (None, "two of them run it")


def test_the_size_of_one_of_several_containers_is_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    text = "pipeline: p\nsteps:\n  - {jobName: a, jobQueue: Q, jobDefinition: d}\n"
    file.write_text(text)
    written = [*_write(file, [tuning(container=container(), advice=ADVICE, chunk=None)])]
    assert written == [
        f"{file}: step a: write the size of container main by hand",
        f"{file}: step a stays as it is",
    ]
    assert file.read_text() == text
