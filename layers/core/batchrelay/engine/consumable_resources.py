"""The consumable resources of a run: there before a job needs one, gone after the run's end.

Creating one is no effect of its own. It can be repeated as often as one likes, so it is part of
each submission that needs it, whichever process performs that: as a work queue is made by the
preparation that fills it. Deleting is an effect, because no other call does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from batchrelay.domain.consumable_resources import is_over, resource_needed, resources_prefix
from batchrelay.domain.effects import DeleteConsumableResources, SubmitJob
from batchrelay.domain.errors import BatchrelayError, NotDone, Throttled
from batchrelay.domain.events import ConsumableResourcesLeft, Event
from batchrelay.domain.requests import step_of
from batchrelay.domain.run import Run
from batchrelay.ports import ConsumableResources, RunStore


def missing_resources(
    resources: ConsumableResources, run: Run, effects: Iterable[SubmitJob]
) -> dict[str, BatchrelayError]:
    """Why a step's jobs cannot be submitted now, by its label: its resource may not be there.

    Whatever that was, no job was submitted: what may be tried again is Throttled.
    """
    problems: dict[str, BatchrelayError] = {}
    for key in {effect.key.label: effect.key for effect in effects}.values():
        resource = resource_needed(run, step_of(run, key))
        if resource is None:
            continue
        try:
            resources.ensure(resource)
        except NotDone as error:
            problems[key.label] = Throttled(str(error))
        except BatchrelayError as error:
            problems[key.label] = error
    return problems


def delete_resources(resources: ConsumableResources, effect: DeleteConsumableResources) -> None:
    """Delete those of this end of the run, and what late submissions of earlier ones left.

    Raises: NotDone.
    """
    for name in resources.names(resources_prefix(effect.run_id)):
        if is_over(name, effect.run_id, effect.redrive):
            resources.delete(name)


def as_stored(runs: RunStore, run: Run, events: Sequence[Event]) -> Run:
    """Loaded anew for what changes nothing of a run that goes on: it may have ended since."""
    is_silent = bool(events) and all(isinstance(e, ConsumableResourcesLeft) for e in events)
    return runs.load(run.id) if is_silent else run
