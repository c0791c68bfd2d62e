"""What both sides of a wire need is written on each; here it is compared.

The worker has its own distribution and imports nothing of ours, and the local cloud knows us by
AWS's wire only. So neither can import the other's constant.
"""

from __future__ import annotations

import re

from batchrelay.adapters import batch as core_batch
from batchrelay.adapters import sqs as core_sqs
from batchrelay.domain.values import offsets_uri
from batchrelay.preparation import manifest
from batchrelay_cli.pipeline_file import commands
from batchrelay_cli.stack import client, local_setup
from batchrelay_cli.views import failure
from batchrelay_local.batch import definitions, model, tags
from batchrelay_worker import items, work
from tests.stack import ROOT

VARIABLE = re.compile(r'"(BATCHRELAY_[A-Z_]+)"')


def variables(folder: str) -> set[str]:
    texts = (path.read_text() for path in sorted((ROOT / folder).rglob("*.py")))
    return {name for text in texts for name in VARIABLE.findall(text)}


def test_the_tags_of_a_local_job_are_those_that_the_local_cloud_reads() -> None:
    assert commands.ENTRYPOINT_TAG == definitions.ENTRYPOINT_TAG
    assert local_setup.DIRECTORY_TAG == tags.DIRECTORY_TAG


def test_a_describe_jobs_asks_for_as_many_as_the_local_batch_answers() -> None:
    sizes = {core_batch.DESCRIBE_IDS_MAX, client.DESCRIBE_IDS_MAX, model.DESCRIBE_IDS_MAX}
    assert sizes == {100}


def test_a_worker_extends_its_message_by_the_time_that_the_queue_gives() -> None:
    assert work.VISIBILITY_S == core_sqs.VISIBILITY_S > 2 * work.EXTEND_S
    assert work.DEAD == core_sqs.DEAD_SUFFIX


def test_the_worker_reads_the_variables_that_a_job_is_given() -> None:
    set_here, read = variables("layers/core/batchrelay"), variables("worker/batchrelay_worker")
    assert len(read) > 5
    assert read <= set_here
    assert set_here - read == {
        "BATCHRELAY_RUN_ID",  # for the user's program
        "BATCHRELAY_STEP",
        "BATCHRELAY_ROUND",
        "BATCHRELAY_PART",
    }


def test_an_offset_has_the_same_bytes_on_all_sides() -> None:
    written = manifest._offset(1 << 40)
    assert len(written) == items._OFFSET_BYTES == failure._OFFSET_BYTES
    assert int.from_bytes(written, "little") == 1 << 40
    uri = "s3://b/runs/r/s/items.jsonl"
    assert offsets_uri(uri) == uri[: -len(".jsonl")] + ".offsets"
