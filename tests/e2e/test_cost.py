"""What a step costs in calls, counted: docs/reference/cost.md has it in dollars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.values import Json
from batchrelay_cli.pipeline_file.read import read
from batchrelay_local.calls import write_units
from batchrelay_local.launch import LocalCloud
from benchmarks.cost import Cost, cost_of
from benchmarks.pipelines import chain
from benchmarks.workflow import played_on
from tests.conftest import stop_schedules
from tests.stack import ROOT
from verification.crash_matrix.machine import machine

pytestmark = pytest.mark.cloud
STEPS = 6
_REQUEST = {"jobQueue": "q", "jobDefinition": "noop:1"}


def test_a_transition_of_a_chain_is_one_read_two_writes_and_one_submission() -> None:
    """Beside the definition, which a process reads once: here every invocation is a new one."""
    steps = tuple(
        Step(name=f"s{n}", needs=(f"s{n - 1}",) if n else (), request=_REQUEST)
        for n in range(STEPS)
    )
    with machine() as on:
        on.runs.put_pipeline(Pipeline(name="chain", version=1, steps=steps))
        played = on.play("chain1", None, pipeline="chain")
    handlers = Counter(handler for handler, _ in played.invocations)
    assert handlers == {"start_run": 1, "on_job_event": STEPS}, "one invocation for each end"
    definition = 1
    for handler, ended in played.invocations[:-1]:
        calls = Counter(ended.calls)
        reads = calls.pop("dynamodb.GetItem")
        assert reads == definition + (handler == "on_job_event")
        assert calls == {"dynamodb.PutItem": 2, "batch.SubmitJob": 1}
    last = Counter(played.invocations[-1][1].calls)
    assert last == {
        "dynamodb.GetItem": definition + 1,
        "dynamodb.PutItem": 2,
        "eventbridge.PutEvents": 1,
    }


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud of which no other test makes calls."""
    cloud = LocalCloud.start(directory=tmp_path_factory.mktemp("counted"))
    stop_schedules(cloud)
    yield cloud
    cloud.stop()


def cost(cloud: LocalCloud, file: Path) -> Cost:
    return cost_of(*played_on(cloud, read(file), {}))


def test_a_step_costs_at_most_a_third_of_a_transition_of_step_functions(
    counted: LocalCloud, tmp_path: Path
) -> None:
    """Steps without items; from counted calls and list prices."""
    example = ROOT / "examples/array-workflow/pipeline.yaml"
    assert cost(counted, chain(tmp_path, 8)).beside_a_transition <= 1 / 3
    assert cost(counted, example).beside_a_transition <= 1 / 3


@pytest.mark.parametrize("name", ["checkpoint", "sizes"])
def test_a_fan_out_costs_at_most_a_third_of_the_same_in_step_functions(
    counted: LocalCloud, name: str
) -> None:
    file = ROOT / "examples" / name / "pipeline.yaml"
    assert cost(counted, file).beside_the_same <= 1 / 3


@pytest.mark.parametrize(("length", "units"), [(0, 1), (1_011, 1), (1_012, 2)])
def test_a_write_is_paid_for_by_the_kib(length: int, units: int) -> None:
    """Names count too, 2 + 8 bytes of them; the bytes are 3."""
    assert write_units({"pk": {"S": "x" * length}, "document": {"B": "eHh4"}}) == units


def test_any_item_can_be_measured() -> None:
    values: tuple[Mapping[str, Json], ...] = (
        {"BOOL": True},
        {"NULL": True},
        {"N": "123"},
        {"L": [{"S": "x"}]},
        {"M": {}},
    )
    assert write_units({f"name-{n}": value for n, value in enumerate(values)}) == 1
