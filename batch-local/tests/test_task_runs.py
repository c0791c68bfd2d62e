"""The containers of an attempt, without processes: the laws on top of batch/task_runs.py."""

from __future__ import annotations

from typing import Any

from batch_local.model import Condition, ContainerRun, ContainerSpec, ContainerState
from batch_local.scheduling.task_runs import NEVER_STARTED_CODE, advance, end, withdraw


class Task:
    """Containers by name, and what was ordered of them."""

    def __init__(self, **specs: dict[str, Any]) -> None:
        self.runs = [
            ContainerRun(spec=ContainerSpec(name=name, command=("true",), **more))
            for name, more in specs.items()
        ]
        self.by_name = {run.spec.name: run for run in self.runs}

    def advance(self, main_node: int = 0) -> tuple[list[str], list[str], str | None]:
        """Names of what starts, of what stops, and of what decides."""
        orders = advance(self.runs, main_node)
        deciding = None if orders.deciding is None else orders.deciding.spec.name
        return _names(orders.starts), _names(orders.stops), deciding

    def begin(self, *names: str) -> None:
        for name in names:
            self.by_name[name].state = ContainerState.RUNNING
            self.by_name[name].log_stream = name

    def end(self, name: str, code: int | None = 0, reason: str | None = None) -> None:
        end(self.runs, self.by_name[name], code, reason)


def _names(runs: list[ContainerRun]) -> list[str]:
    return [run.spec.name for run in runs]


SIDECAR: dict[str, Any] = {"is_essential": False}


def after(name: str, condition: Condition) -> dict[str, Any]:
    return {"depends_on": ((name, condition),)}


def test_all_start_together_and_the_essential_one_ends_the_others() -> None:
    task = Task(main={}, log=SIDECAR)
    assert task.advance() == (["main", "log"], [], None)
    task.begin("main", "log")
    assert task.advance() == ([], [], None)
    task.end("main", 3)
    assert task.advance() == ([], ["log"], None)
    assert task.advance() == ([], [], None), "it is asked once"
    task.end("log", 143)
    assert task.advance() == ([], [], "main")


def test_a_container_that_is_not_essential_may_fail() -> None:
    task = Task(main={}, log=SIDECAR)
    task.advance()
    task.begin("main", "log")
    task.end("log", 1)
    assert task.advance() == ([], [], None)
    task.end("main", 0)
    assert task.advance() == ([], [], "main")


def test_start_waits_until_the_other_runs() -> None:
    task = Task(db=SIDECAR, main=after("db", Condition.START))
    assert task.advance() == (["db"], [], None)
    task.begin("db")
    assert task.advance() == (["main"], [], None)


def test_complete_waits_for_any_end_and_success_for_a_good_one() -> None:
    for condition, code, starts in (
        (Condition.COMPLETE, 1, ["main"]),
        (Condition.COMPLETE, 0, ["main"]),
        (Condition.SUCCESS, 0, ["main"]),
    ):
        task = Task(init=SIDECAR, main=after("init", condition))
        task.advance()
        task.begin("init")
        assert task.advance() == ([], [], None)
        task.end("init", code)
        assert task.advance() == (starts, [], None)


def test_a_container_whose_dependency_failed_never_starts_and_ends_the_task() -> None:
    task = Task(init=SIDECAR, log=SIDECAR, main=after("init", Condition.SUCCESS))
    task.advance()
    task.begin("init", "log")
    task.end("init", 9)
    assert task.advance() == ([], ["log"], None)
    task.end("log", 143)
    assert task.advance() == ([], [], "main")
    main = task.by_name["main"]
    assert (main.exit_code, main.log_stream) == (NEVER_STARTED_CODE, None)
    assert "dependency [init] for target [main] as dependency did not exit succ" in str(main.reason)


def test_what_cannot_start_fails_those_that_wait_for_its_start() -> None:
    task = Task(db=SIDECAR, proxy=SIDECAR | after("db", Condition.START), main={})
    task.advance()
    task.begin("main")
    task.end("db", None, "CannotPullContainerError")
    assert task.advance() == ([], [], None), "neither is essential"
    assert task.by_name["proxy"].exit_code == NEVER_STARTED_CODE


def test_the_essential_container_that_ended_first_decides() -> None:
    task = Task(one={}, two={})
    task.advance()
    task.begin("one", "two")
    task.end("two", 5)
    assert task.advance() == ([], ["one"], None)
    task.end("one", 143)
    assert task.advance() == ([], [], "two")


def test_an_attempt_that_is_to_stop_starts_nothing_more() -> None:
    task = Task(init=SIDECAR, main=after("init", Condition.COMPLETE))
    task.advance()
    task.begin("init")
    assert _names(withdraw(task.runs)) == ["init"]
    task.end("init", 143)
    assert task.advance() == ([], [], "init")


POD: dict[str, Any] = {"is_essential": False, "is_of_pod": True}


def test_a_pod_ends_with_all_and_the_first_that_failed_decides() -> None:
    task = Task(a=POD, b=POD, c=POD)
    assert task.advance() == (["a", "b", "c"], [], None)
    task.begin("a", "b", "c")
    task.end("b", 0)
    task.end("c", 4)
    assert task.advance() == ([], [], None)
    task.end("a", 5)
    assert task.advance() == ([], [], "c")


def test_a_pod_whose_first_container_failed_begins_no_other() -> None:
    task = Task(init=POD, main=POD | after("init", Condition.SUCCESS))
    task.advance()
    task.begin("init")
    task.end("init", 9)
    assert task.advance() == ([], [], "init")
    assert (task.by_name["main"].exit_code, task.by_name["main"].rank) == (None, None)


def test_nodes_begin_after_the_main_node_and_end_with_it() -> None:
    task = Task(a={"node": 0}, main={"node": 1}, b={"node": 2})
    assert task.advance(1) == (["main"], [], None)
    task.begin("main")
    assert task.advance(1) == (["a", "b"], [], None)
    task.begin("a", "b")
    task.end("a", 9)
    assert task.advance(1) == ([], [], None), "another node may end as it likes"
    task.end("main", 0)
    assert task.advance(1) == ([], ["b"], None)
    task.end("b", 143)
    assert task.advance(1) == ([], [], "main")


def test_a_node_of_several_containers_ends_with_its_essential_one() -> None:
    task = Task(main={}, work={"node": 1}, log=SIDECAR | {"node": 1})
    task.advance()
    task.begin("main")
    assert task.advance() == (["work", "log"], [], None)
    task.begin("work", "log")
    task.end("work", 0)
    assert task.advance() == ([], ["log"], None)


def test_no_node_begins_if_the_main_node_cannot() -> None:
    task = Task(main={}, work={"node": 1})
    task.advance()
    task.end("main", None, "CannotPullContainerError")
    assert task.advance() == ([], [], "main")
    assert task.by_name["work"].rank is None
