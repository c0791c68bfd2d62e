"""A run in its midst, and the event that comes next."""

from __future__ import annotations

import tempfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from batchrelay.codec import stored_run
from batchrelay.domain.effects import SubmitJob
from batchrelay.domain.events import Event, JobSubmitted, JobSucceeded
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.run import Run
from batchrelay.domain.transitions import advance, new_run
from batchrelay_cli.pipeline_file.read import read
from benchmarks.pipelines import chain

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Midway:
    """A chain of which one half has ended, and the end of the job that runs."""

    run: Run
    text: str
    event: Event

    @classmethod
    def of(cls, steps: int) -> Midway:
        """Played from its start."""
        with tempfile.TemporaryDirectory() as folder:
            pipeline = read(chain(Path(folder), steps)).pipeline
        run = new_run(run_id="k1", pipeline=pipeline, params={}, environment={"bucket": "b"}, at=AT)
        run, event = _submitted(run, 0)
        for number in range(1, steps // 2):
            run, event = _submitted(advance(run, event), number)
        return cls(run=run, text=_text(run), event=event)


def _submitted(run: Run, number: int) -> tuple[Run, Event]:
    """The run whose next job is submitted, and the end of that job."""
    [effect] = [effect for effect in pending_effects(run) if isinstance(effect, SubmitJob)]
    job_id = f"12345678-1234-4234-8234-{number:012}"
    run = advance(run, JobSubmitted(key=effect.key, job_id=job_id, at=AT))
    return run, JobSucceeded(key=effect.key, job_id=job_id, at=AT)


def _text(run: Run) -> str:
    document = stored_run(run).document
    return document if isinstance(document, str) else zlib.decompress(document).decode()
