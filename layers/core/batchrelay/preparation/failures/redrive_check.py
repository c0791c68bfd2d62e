"""Whether what a redrive needs is still there."""

from __future__ import annotations

from batchrelay.domain.errors import InvalidItems, NotRedrivable
from batchrelay.domain.failures import Cause, FailureClass, takes
from batchrelay.domain.pipeline import Step
from batchrelay.domain.redrive import Again, RedriveOrder, steps_to_redrive
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part
from batchrelay.domain.values import failures_uri, manifest_uri, numbers_uri
from batchrelay.ports import Objects
from batchrelay.preparation.failures.files import causes_for_good


def check_failures(objects: Objects, run: Run, order: RedriveOrder) -> None:
    """That the lists of failures and items can be read, and have such failures.

    A step that follows another child by child (N_TO_N) need not have any of its own: it runs what
    failed there.

    Raises: NotRedrivable.
    """
    again = steps_to_redrive(run, order.step)
    of_items = [run.pipeline.step(name) for name, how in again.items() if how is Again.FAILED_ITEMS]
    causes = {step.name: _causes(objects, run, step) for step in of_items}
    if not order.classes:
        return
    having = [name for name, known in causes.items() if _has(order, known)]
    for name, known in causes.items():
        follows = not again.keys().isdisjoint(run.pipeline.step(name).n_to_n_needs)
        if known and name not in having and not follows:
            classes = ", ".join(sorted(order.classes))
            there = ", ".join(dict.fromkeys(map(_class_of, known)))
            instead = f". Name a step that has one: {', '.join(having)}" if having else ""
            raise NotRedrivable(f"step {name} has no failure of {classes}; it has {there}{instead}")


def _causes(objects: Objects, run: Run, step: Step) -> list[Cause]:
    """Those that were collected at its end. Raises: NotRedrivable."""
    state = run.state(step.name)
    try:
        for uri in _uris(run, step):
            next(iter(objects.read(uri)), b"")
        causes = causes_for_good(objects, state)
    except InvalidItems as error:
        raise NotRedrivable(
            f"step {step.name}: what failed is no longer known: {error}; start a new run: "
            "skipExisting leaves out what is done"
        ) from None
    return causes if state.is_collected else []


def _has(order: RedriveOrder, causes: list[Cause]) -> bool:
    return any(takes(order.classes, cause.named, cause.exit_code) for cause in causes)


def _uris(run: Run, step: Step) -> list[str]:
    """What finding its failed items reads, and writing down at its end which succeeded."""
    state = run.state(step.name)
    states = [state, *(run.state(need) for need in sorted(step.n_to_n_needs))]
    uris = [failures_uri(known.failures) for known in states if known.failures]
    if state.manifest is not None:
        uris += [manifest_uri(state.manifest, group) for group in _groups(state.first_parts)]
    if state.is_retry and not state.is_collected:
        groups = _groups(state.parts)
        uris += [numbers_uri(state.failures, group) for group in groups]
        if state.manifest is not None:
            uris += [manifest_uri(state.failures, group) for group in groups]
    return uris


def _groups(parts: tuple[Part, ...]) -> list[int]:
    return sorted({part.group for part in parts})


def _class_of(cause: Cause) -> str:
    has_codes = cause.named is FailureClass.EXIT_CODE and cause.exit_code is not None
    return f"{cause.named}:{cause.exit_code}" if has_codes else cause.named
