"""Long work off the hot path: count a step's items and write its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.events import PreparationFailed, Prepared
from batchrelay.domain.expansion import expand
from batchrelay.domain.limits import ARRAY_SIZE_MAX
from batchrelay.domain.pipeline import ForEach
from batchrelay.domain.run import Run, StepStatus
from batchrelay.domain.variables import variables_of
from batchrelay.manifest import read_items, write_items
from batchrelay.ports import Clock, Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Prepares one round of one step. Doing it twice writes the same objects again."""

    objects: Objects
    clock: Clock

    def prepare(
        self, run: Run, step_name: str, round_number: int
    ) -> Prepared | PreparationFailed | None:
        """What came of it; None if this run does not wait for that preparation (any more)."""
        state = run.state(step_name)
        step = run.pipeline.step(step_name)
        if state.status is not StepStatus.PREPARING or state.round != round_number:
            return None
        assert step.for_each is not None, step
        source = expand(step.for_each.file, variables_of(run))
        manifest = manifest_uri(run, step_name, round_number)
        try:
            children = self._write(source, step.for_each, manifest)
        except InvalidItems as error:
            return PreparationFailed(
                at=self.clock.now(), step=step_name, round=round_number, reason=str(error)
            )
        return Prepared(
            at=self.clock.now(),
            step=step_name,
            round=round_number,
            children=children,
            manifest=manifest if children else None,
            items_file=None,
        )

    def _write(self, source: str, for_each: ForEach, manifest: str) -> int:
        items = read_items(self.objects.read(source), for_each.items, source)
        with (
            self.objects.write(manifest) as lines,
            self.objects.write(offsets_uri(manifest)) as offsets,
        ):
            count = write_items(islice(items, ARRAY_SIZE_MAX + 1), lines, offsets)
            if count > ARRAY_SIZE_MAX:
                raise InvalidItems(
                    f"{source}: more than {ARRAY_SIZE_MAX:,} items; this version fans out to one "
                    f"array, and AWS Batch allows an array {ARRAY_SIZE_MAX:,} children"
                )
        return count


def manifest_uri(run: Run, step: str, round_number: int) -> str:
    """Where a round's manifest lies."""
    return f"s3://{run.environment['bucket']}/runs/{run.id}/{step}/r{round_number}/items.jsonl"


def offsets_uri(manifest: str) -> str:
    """Where a manifest's offset table lies: beside it."""
    return manifest.removesuffix(".jsonl") + ".offsets"
