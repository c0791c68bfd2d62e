"""Whether what a redrive needs is still there."""

from __future__ import annotations

from batchrelay.domain.errors import InvalidItems, NotRedrivable
from batchrelay.domain.failures import Cause, FailureClass, takes
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part
from batchrelay.domain.values import failures_uri, manifest_uri, numbers_uri
from batchrelay.ports import Objects
from batchrelay.preparation.failures.files import causes_for_good


def check_failures(objects: Objects, run: Run, step: Step, classes: frozenset[str]) -> None:
    """That the list of a step's failures, or of its items, can be read, and has such failures.

    Raises: NotRedrivable.
    """
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
    if (
        classes
        and state.is_collected
        and causes
        and not any(takes(classes, c.named, c.exit_code) for c in causes)
    ):
        known = ", ".join(dict.fromkeys(map(_class_of, causes)))
        raise NotRedrivable(
            f"step {step.name} has no failure of {', '.join(sorted(classes))}; it has {known}"
        )


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
