"""`flow.maxRunning` as a consumable resource of AWS Batch: one for each step and end of a run.

Every job of the step needs one unit of it, so that AWS Batch starts no more of them than it has
units, whatever part, round or level they are of. The number of the redrive is part of the name: who
deletes late what an earlier end left deletes nothing that runs now (docs/decisions/0027).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.values import Json

OVERRIDE = "consumableResourcePropertiesOverride"
LIST = "consumableResourceList"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumableResource:
    """What the children of a step share."""

    name: str
    """At most 128 characters, as of a job."""
    units: int


def resources_prefix(run_id: str) -> str:
    """How the names of a run's consumable resources begin.

    With an underscore, as the names of its queues: what may delete every `br_*` (template.yaml)
    deletes nothing whose name is made of dashes.
    """
    return f"br_{run_id}-x"


def resource_needed(run: Run, step: Step) -> ConsumableResource | None:
    """The resource of a step that bounds how many of its children run; None of any other."""
    if step.max_running is None:
        return None
    name = f"{resources_prefix(run.id)}{run.redrive_number}-{step.label}"
    return ConsumableResource(name=name, units=step.max_running)


def is_over(name: str, run_id: str, redrive: int) -> bool:
    """Whether a resource is of this run, and of this end of it or an earlier one."""
    match = re.match(rf"{re.escape(resources_prefix(run_id))}([0-9]+)-", name)
    return match is not None and int(match[1]) <= redrive


def with_resource(request: Mapping[str, Json], resource: ConsumableResource) -> dict[str, Json]:
    """A SubmitJob request of which every job, or child, needs a unit beside what it needs."""
    own = request.get(OVERRIDE)
    listed = own.get(LIST) if isinstance(own, Mapping) else None
    needed: Json = {"consumableResource": resource.name, "quantity": 1}
    needs = [*(listed if isinstance(listed, list) else ()), needed]
    return {**request, OVERRIDE: {LIST: needs}}
