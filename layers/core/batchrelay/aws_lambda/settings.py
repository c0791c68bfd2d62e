"""The environment: read here, by a handler that was invoked, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from batchrelay.domain.errors import BatchrelayError

LISTS_SPARE_DAYS = 1
"""Between the stop of a run that is open for too long and the first of its lists that expires: the
reconcile that stops it may be half a day late (ReconcileMinutes), its jobs take minutes to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What template.yaml hands to every function."""

    table: str
    bucket: str
    topic_arn: str
    prepare_queue_url: str
    trigger_queue_url: str
    run_ttl_days: int
    """Days for which an ended run can still be looked at, and its lists are kept."""

    @property
    def open_days_max(self) -> int:
        """Days for which a run may be open: S3 counts from when a list was written, which is at the
        run's start at the earliest; what is uploaded for a run comes hours before it, at most."""
        return self.run_ttl_days - LISTS_SPARE_DAYS

    @property
    def environment(self) -> Mapping[str, str]:
        """What `${env.*}` means in a pipeline."""
        return {"bucket": self.bucket, "topicArn": self.topic_arn}

    @classmethod
    def read(cls) -> Settings:
        """Raises: BatchrelayError naming every variable that is missing."""
        names = (
            "TABLE",
            "BUCKET",
            "TOPIC_ARN",
            "PREPARE_QUEUE_URL",
            "TRIGGER_QUEUE_URL",
            "RUN_TTL_DAYS",
        )
        values = {name: os.environ.get(f"BATCHRELAY_{name}", "") for name in names}
        missing = [f"BATCHRELAY_{name}" for name, value in values.items() if not value]
        if missing:
            raise BatchrelayError(f"not set in the environment: {', '.join(missing)}")
        return cls(
            table=values["TABLE"],
            bucket=values["BUCKET"],
            topic_arn=values["TOPIC_ARN"],
            prepare_queue_url=values["PREPARE_QUEUE_URL"],
            trigger_queue_url=values["TRIGGER_QUEUE_URL"],
            run_ttl_days=int(values["RUN_TTL_DAYS"]),
        )
