"""What must hold at every save, at every submission, and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchrelay.codec import decode_run, encode_run
from batchrelay.domain.obligations import is_open, owed
from batchrelay.domain.run import Part, Run, StepState, StepStatus
from batchrelay.domain.values import JobKey

if TYPE_CHECKING:
    from tests.simulation.world import World

_RANK = {
    StepStatus.WAITING: 0,
    StepStatus.PREPARING: 1,
    StepStatus.SUBMITTING: 2,
    StepStatus.ACTIVE: 3,
}


def check_save(stored: Run | None, run: Run) -> None:
    """A step only goes forward, a terminal one stays, a job once adopted is never exchanged."""
    if stored is None or stored.version != run.version:
        return  # the save will be refused
    for step in run.pipeline.steps:
        _check_step(stored.state(step.name), run.state(step.name))
        if run.state(step.name).status in (StepStatus.SUBMITTING, StepStatus.ACTIVE):
            blocked = [n for n in step.needs if not run.state(n).lets_dependents_run]
            assert not blocked, f"{step.name} runs before {blocked}"
    assert decode_run(encode_run(run), run.pipeline, run.version) == run


def _check_step(old: StepState, new: StepState) -> None:
    if old.status.is_terminal:
        assert new == old, f"{old} became {new}"
    assert _RANK.get(new.status, 9) >= _RANK.get(old.status, 9), f"{old.status} -> {new.status}"
    for before, after in zip(old.parts, new.parts, strict=False):
        _check_part(before, after)


def _check_part(old: Part, new: Part) -> None:
    assert old.job_id in (None, new.job_id), f"{old} became {new}"
    assert old.outcome in (None, new.outcome), f"{old} became {new}"


def check_submission(stored: Run, key: JobKey, request: Mapping[str, Any]) -> None:
    """The intent was saved before the call."""
    step = stored.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = stored.state(step.name)
    assert state.status not in (StepStatus.WAITING, StepStatus.PREPARING), f"{key}: not intended"
    size = state.parts[key.part].size
    assert request.get("arrayProperties") == ({"size": size} if size > 1 else None), request


def check_end(world: World) -> None:
    """The run ended as its plan says, by exactly one effective job a part, with its notices."""
    run = world.run
    statuses = {step.name: run.state(step.name).status for step in run.pipeline.steps}
    assert statuses == world.plan.expected_steps(), statuses
    assert run.status is world.plan.expected_run(), run.status
    assert not is_open(run), owed(run)
    assert not list(world.runs.open_runs()), "the sparse index still lists it"
    _check_jobs(world, run)
    rules = [number for number, rule in enumerate(run.pipeline.notify) if run.status in rule.on]
    sent = {notice.id for notice in world.notices.published}
    assert len(sent) == len(rules), sent


def _check_jobs(world: World, run: Run) -> None:
    adopted = {}
    for step in run.pipeline.steps:
        state = run.state(step.name)
        for number, part in enumerate(state.parts):
            name = JobKey(run_id=run.id, label=step.label, round=0, part=number).name
            if part.job_id is not None:
                adopted[name] = part.job_id
                assert world.jobs.jobs[part.job_id].name == name
                assert world.jobs.jobs[part.job_id].outcome is part.outcome
    submitted = Counter(job.name for job in world.jobs.jobs.values())
    assert set(submitted) == set(adopted), "a job was submitted that no part knows, or the reverse"
    if not world.zombies:
        assert set(submitted.values()) <= {1}, f"submitted twice: {submitted.most_common(1)}"
    left = [job for job in world.jobs.jobs.values() if job.outcome is None]
    assert not left, f"still running: {left}"
