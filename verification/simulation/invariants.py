"""What must hold at every save, at every submission, and at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchrelay.codec import decode_run, encode_run
from batchrelay.domain.end_effects import report_uri
from batchrelay.domain.limits import PREPARE_ATTEMPTS_MAX
from batchrelay.domain.pending_effects import is_open, pending_effects
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import NoticeState, Run
from batchrelay.domain.step_state import NO_ATTEMPTS, JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.values import JobKey, succeeded_uri
from batchrelay.preparation.failures.files import failed_numbers
from verification.simulation.budgets import check_budget, check_hold, check_spent
from verification.simulation.max_running import check_all_deleted

if TYPE_CHECKING:
    from verification.simulation.plan import Plan
    from verification.simulation.world import World

UNPREPARED = " attempts, the last: "
"""What the reason says of a step whose preparation was killed too often."""

ROUNDS_MAX = 10_000
"""More than a step ever has."""

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
    check_hold(stored, run)
    is_redriven = run.redrive != stored.redrive
    for step in run.pipeline.steps:
        if not is_redriven:
            _check_step(stored.state(step.name), run.state(step.name))
        if run.state(step.name).status in (StepStatus.SUBMITTING, StepStatus.ACTIVE):
            events = [need for need in step.needs if need not in step.n_to_n_needs]
            blocked = [need for need in events if not run.state(need).lets_dependents_run]
            assert not blocked, f"{step.name} runs before {blocked}"
    assert decode_run(encode_run(run), run.pipeline, run.version) == run


def _check_step(old: StepState, new: StepState) -> None:
    if new.status is not StepStatus.PREPARING:
        assert (new.attempts, new.resume) == (NO_ATTEMPTS, ""), new
    assert new.attempts.begun <= PREPARE_ATTEMPTS_MAX, new
    if old.status.is_terminal:
        assert new == old, f"{old} became {new}"
    assert _rank(new) >= _rank(old), f"{old.status} -> {new.status}"
    if new.round != old.round:
        is_over = new.status.is_terminal
        rounds = (*new.earlier_rounds, new.parts) if is_over else new.earlier_rounds
        kept = rounds[: len(old.earlier_rounds)]
        assert new.level > old.level or kept == old.earlier_rounds, f"{old} became {new}"
        return  # its parts are new
    for before, after in zip(old.parts, new.parts, strict=False):
        _check_part(before, after)


def _rank(state: StepState) -> tuple[int, int]:
    """A step begins anew with every round, or level of an aggregate; and the last one is over."""
    is_over = state.status.is_terminal
    return (ROUNDS_MAX if is_over else state.round), _RANK.get(state.status, 9)


def _check_part(old: Part, new: Part) -> None:
    assert old.job_id in (None, new.job_id), f"{old} became {new}"
    assert old.outcome in (None, new.outcome), f"{old} became {new}"


def check_submission(stored: Run, key: JobKey, request: Mapping[str, Any]) -> None:
    """The intent was saved before the call."""
    step = stored.pipeline.step_of_label(key.label)
    assert step is not None, key
    state = stored.state(step.name)
    check_budget(stored, key)
    if key.round < state.round:  # a rival comes late, and makes a duplicate
        return
    assert state.status not in (StepStatus.WAITING, StepStatus.PREPARING), f"{key}: not intended"
    size = state.parts[key.part].size
    assert request.get("arrayProperties") == ({"size": size} if size > 1 else None), request
    n_to_n_needs = sum("jobId" in entry for entry in request.get("dependsOn", ()))
    assert n_to_n_needs <= len(step.n_to_n_needs), request
    if step.sequential:
        earlier = state.parts[: key.part]
        assert all(part.outcome is JobOutcome.SUCCEEDED for part in earlier), f"{key}: too early"


def check_end(world: World) -> None:
    """The run ended as its plan says, by exactly one effective job a part, with its notices."""
    run = world.run
    expected = plan_as_played(world).expected_steps()
    wrong = {
        step.name: (run.state(step.name).status, expected[step.name])
        for step in run.pipeline.steps
        if run.state(step.name).status not in expected[step.name]
    }
    assert not wrong, wrong
    _check_what_was_there(world, run)
    assert not world.queues.messages, "a queue was left behind"
    check_all_deleted(world)
    assert run.status is world.plan.expected_run(run), run.status
    assert not is_open(run), pending_effects(run)
    assert not list(world.runs.open_runs()), "the sparse index still lists it"
    _check_jobs(world, run)
    if not world.zombies:
        _check_items(world, run)
    rules = [number for number, rule in enumerate(run.pipeline.notify) if run.status in rule.on]
    latest = "" if run.redrive is None else f"-{run.redrive.number}"
    ends = tuple(f"-{run.status.lower()}{latest}" for _ in rules)
    sent = {notice.id for notice in world.notices.published if notice.id.endswith(ends)}
    assert len(sent) == len(rules), sent
    _check_end_events(world, run)
    _check_report(world, run)
    check_spent(run)


def _check_report(world: World, run: Run) -> None:
    """Its own object, there before the notice and the event that link to it; or the reason."""
    assert (run.report is not None) is run.pipeline.report, run.report
    uri = report_uri(run)
    ends = [json.loads(change.detail) for change in world.event_bus.published]
    latest = [end["report"] for end in ends if end["redrive"] == run.redrive_number]
    assert set(latest) == {uri}, latest
    if uri is not None:
        assert world.objects.objects[uri] == str(run.status).encode()
    elif run.report is not None:
        assert run.report.problem, run.report


def _check_end_events(world: World, run: Run) -> None:
    """Each end of the run was published, and every copy of one says the same."""
    assert (run.end_event, run.end_event_since) == (NoticeState.SENT, None), run
    published = {(change.time, change.detail) for change in world.event_bus.published}
    details = [json.loads(detail) for _, detail in published]
    ends = Counter((detail["runId"], detail["redrive"]) for detail in details)
    redrives = 0 if run.redrive is None else run.redrive.number
    assert ends == {(run.id, number): 1 for number in range(redrives + 1)}, ends
    latest = max(details, key=lambda detail: detail["redrive"])
    assert latest["status"] == str(run.status), latest


def plan_as_played(world: World) -> Plan:
    """The plan, with what the faults of the world made of it."""
    return replace(world.plan, unprepared=_unprepared(world))


def _unprepared(world: World) -> frozenset[str]:
    """The steps whose preparation was killed too often, and the world counted as many kills."""
    names = [name for name, s in world.run.steps.items() if UNPREPARED in s.reason]
    for name in names:
        assert world.dead_attempts[name] >= PREPARE_ATTEMPTS_MAX, (name, world.run.state(name))
    return frozenset(names)


def _check_what_was_there(world: World, run: Run) -> None:
    """What was left out because it is there is known of every step that continues those items."""
    for step in run.pipeline.steps:
        state = run.state(step.name)
        if state.status is StepStatus.SUCCEEDED or state.children == 0:
            assert state.existing == world.plan.left_out(step), (step.name, state)


def _parts_of(run: Run, step: Step, state: StepState) -> Iterator[tuple[JobKey, Part]]:
    """Those of every round that failed items made; of an aggregate, of its latest level."""
    for round_number, parts in state.every_round:
        for number, part in enumerate(parts):
            key = JobKey(run_id=run.id, label=step.label, round=round_number, part=number)
            yield key, part


def _check_items(world: World, run: Run) -> None:
    """Every item ran as often as it had to, and the lists of failures are right."""
    for step in run.pipeline.steps:
        state, outcome = run.state(step.name), world.plan.outcome(step)
        if outcome is None or state.status is not outcome.status:
            continue
        begun = {n for name, n in world.item_runs.rounds if name == step.name}
        assert not begun & outcome.never_begun, f"{step.name}: the rest began: {begun}"
        if state.status not in (StepStatus.SUCCEEDED, StepStatus.PARTIAL):
            continue
        succeeded = {n for name, n in world.item_runs.succeeded if name == step.name}
        failed = outcome.own | outcome.upstream
        assert len(succeeded) == outcome.items - len(failed), (step.name, outcome.items, failed)
        assert not succeeded & failed, (step.name, failed)
        if state.status is StepStatus.PARTIAL:
            assert failed_numbers(world.objects, state) == failed, (step.name, failed)
            assert (state.failed_items, state.upstream_items) == (
                len(outcome.own - outcome.upstream),
                len(outcome.upstream),
            ), state
            listed = world.objects.objects[succeeded_uri(state.failures)].splitlines()
            assert len(listed) == len(succeeded), (step.name, listed)


def _check_jobs(world: World, run: Run) -> None:
    adopted, withdrawn = {}, set()
    for step in run.pipeline.steps:
        state = run.state(step.name)
        for key, part in _parts_of(run, step, state):
            name = key.name
            if part.outcome is JobOutcome.CANCELLED and part.job_id is None:
                withdrawn.add(name)
            if part.job_id is not None:
                adopted[name] = part.job_id
                assert world.jobs.jobs[part.job_id].name == name
                outcome = world.jobs.jobs[part.job_id].outcome
                wanted = JobOutcome.FAILED if part.outcome is JobOutcome.CANCELLED else part.outcome
                assert outcome is wanted, part
    for job in world.jobs.jobs.values():  # the earlier levels of an aggregate
        earlier = JobKey.parse(job.name)
        assert earlier is not None, job
        earlier_step = run.pipeline.step_of_label(earlier.label)
        assert earlier_step is not None, job
        if earlier.round < run.state(earlier_step.name).round:
            adopted.setdefault(job.name, job.job_id)
    submitted = Counter(job.name for job in world.jobs.jobs.values())
    unknown = set(submitted) ^ set(adopted)
    if world.zombies and world.plan.is_stopped:  # submitted hours after it was withdrawn
        unknown -= withdrawn
    assert not unknown, f"a job was submitted that no part knows, or the reverse: {unknown}"
    if not world.zombies:
        assert set(submitted.values()) <= {1}, f"submitted twice: {submitted.most_common(1)}"
    left = [job for job in world.jobs.jobs.values() if job.outcome is None]
    assert not left, f"still running: {left}"
