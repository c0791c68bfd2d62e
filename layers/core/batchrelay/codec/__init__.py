"""dict <-> domain. No dict travels past this file.

Every document carries its schema version. What an older version wrote is read for ever; what a
newer one wrote is refused by name.

A run in short: {"schema", "id", "pipeline", "pipelineVersion", "status", "startedAt",
"endedAt"?, "params", "environment", "steps": {name: {"s": status, "t": since, …}},
"duplicateJobs"?, "notices"?, "noticesSince"?}. Inside `steps` names are short, because a run of
500 steps is one item; times are milliseconds of the epoch; parts are records of equal length
(parts.py).
"""

from batchrelay.codec.pipelines import decode_pipeline, encode_pipeline
from batchrelay.codec.reader import check_text, compact_json
from batchrelay.codec.requests import decode_start_request
from batchrelay.codec.runs import decode_run, encode_run, run_pipeline
from batchrelay.codec.stored import deflated, pipeline_text, stored_run

__all__ = [
    "check_text",
    "compact_json",
    "decode_pipeline",
    "decode_run",
    "decode_start_request",
    "deflated",
    "encode_pipeline",
    "encode_run",
    "pipeline_text",
    "run_pipeline",
    "stored_run",
]
