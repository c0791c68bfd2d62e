"""What was left of a work queue runs again, with real processes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.failing_runs import FailingRuns, results_of, sizes

pytestmark = pytest.mark.cloud

ITEMS, FAILED, FATAL = 50, (7, 21, 33), 40

PROGRAM = """\
if test "$BATCHRELAY_ROUND" = "$3"; then
  case $1 in 7|21|33) exit 3;; 40) kill -KILL $PPID; exit 1;; esac
fi
echo "$1 in round $BATCHRELAY_ROUND" | batchrelay-worker put - "$2$1"
"""


@pytest.fixture(autouse=True)
def _program(runs: FailingRuns) -> None:
    (runs.folder / "pulled.sh").write_text(PROGRAM)


def pulled(*, broken_round: int = 0, **flow: Any) -> dict[str, Any]:
    """A step of three workers; in that round three items fail, and one kills its worker."""
    results = "s3://${env.bucket}/results/${run.id}/"
    words = ["sh", "pulled.sh", "{item.number}", results, str(broken_round)]
    return {
        "jobName": "pulled",
        "containerOverrides": {"command": ["batchrelay-worker", "run", "--", *words]},
        "flow": {"forEach": {"file": "${params.plan}"}, "queue": {"workers": 3}, **flow},
    }


def test_items_that_failed_and_one_that_killed_its_worker_run_again(runs: FailingRuns) -> None:
    plan = runs.written("plan.txt", "".join(f"i{number:02d}\n" for number in range(ITEMS)))
    run = runs.play(pulled(retryFailed={"rounds": 1}), plan=plan)
    assert run.status == "SUCCEEDED", run.state("pulled").reason
    assert sizes(run, "pulled") == [[3], [3]]
    again = {*FAILED, FATAL}
    assert runs.texts(results_of(run)) == {
        str(number): f"{number} in round {int(number in again)}\n" for number in range(ITEMS)
    }
    causes = json.loads(runs.texts(f"{run.state('pulled').failures}causes.json")[""])["causes"]
    assert {(c["class"], c["exitCode"], c["count"]) for c in causes} == {
        ("ExitCode", 3, 3),
        ("Killed", 137, 1),
    }


def test_what_was_left_of_a_queue_is_tolerated(runs: FailingRuns) -> None:
    plan = runs.written("plan.txt", "".join(f"i{number:02d}\n" for number in range(ITEMS)))
    run = runs.play(pulled(tolerate={"count": 4}), plan=plan)
    assert (run.status, run.state("pulled").failed_items) == ("PARTIAL", 4)
    assert [f["number"] for f in runs.failures(run, "pulled")] == [*FAILED, FATAL]
    assert len(runs.texts(results_of(run))) == ITEMS - 4
