"""What both sides of a wire need is written on each; here it is compared.

The worker has its own distribution and imports nothing of ours, and the local cloud knows us by
AWS's wire only. So neither can import the other's constant. The command line could import the local
Batch's, but then every verb would load a scheduler for two texts.
"""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from batch_local import model
from batch_local.containers import nodes, pods, tasks
from batch_local.definitions import revisions
from batch_local.resources import tags
from batch_local.scheduling import reasons
from batchrelay.adapters import sqs as core_sqs
from batchrelay.adapters.memory.objects import MemoryObjects
from batchrelay.domain import failures, job_containers
from batchrelay.domain import limits as core_limits
from batchrelay.domain.values import JobKey, existing_uri, manifest_uri, offsets_uri
from batchrelay.preparation import manifest
from batchrelay.preparation.chunk_size import item_records
from batchrelay.report import items as report_items
from batchrelay_cli.pipeline_file import commands, definition_kinds
from batchrelay_cli.stack import client, local_setup
from batchrelay_local import launch
from batchrelay_worker import items, log, work
from batchrelay_worker.aws import Aws
from batchrelay_worker.program import Program, Stopping
from batchrelay_worker.record import Record
from tests.stack import ROOT, resource

VARIABLE = re.compile(r'"(BATCHRELAY_[A-Z_]+)"')


def variables(folder: str) -> set[str]:
    texts = (path.read_text() for path in sorted((ROOT / folder).rglob("*.py")))
    return {name for text in texts for name in VARIABLE.findall(text)}


def test_the_tags_of_a_local_job_are_those_that_the_local_cloud_reads() -> None:
    assert commands.ENTRYPOINT_TAG == revisions.ENTRYPOINT_TAG
    assert local_setup.DIRECTORY_TAG == tags.DIRECTORY_TAG


def test_a_describe_jobs_asks_for_as_many_as_the_local_batch_answers() -> None:
    assert core_limits.DESCRIBE_IDS_MAX == model.DESCRIBE_IDS_MAX == 100


def test_a_job_that_never_ran_is_known_by_the_reason_that_the_local_batch_gives() -> None:
    assert client.DEPENDENCY_FAILED == reasons.DEPENDENCY_FAILED


def test_a_task_and_a_pod_have_as_many_containers_in_lint_as_in_the_local_batch() -> None:
    of_local_batch = {tasks.CONTAINERS_MAX, pods.CONTAINERS_MAX}
    assert {definition_kinds.CONTAINERS_MAX} == of_local_batch
    assert job_containers.NODES_MAX == nodes.NODES_MAX


def test_names_of_containers_have_one_form_in_lint_and_in_the_local_batch() -> None:
    assert definition_kinds.TASK_CONTAINER_NAME == tasks.CONTAINER_NAME
    assert definition_kinds.POD_CONTAINER_NAME == pods.CONTAINER_NAME


def test_logs_are_read_where_the_local_batch_writes_them() -> None:
    assert job_containers.LOG_GROUP == model.LOG_GROUP


def test_a_line_of_the_worker_is_known_by_how_it_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.log_line("2 of 3 items failed")
    assert capsys.readouterr().err == failures.WORKER + "2 of 3 items failed\n"


def test_the_worker_is_called_by_the_name_that_it_is_installed_under() -> None:
    project = tomllib.loads((ROOT / "worker/pyproject.toml").read_text())["project"]
    assert [commands.WORKER] == [launch.WORKER] == [*project["scripts"]]


@pytest.mark.parametrize("rule", ["JobEventRule", "JobBlockedRule"])
def test_the_rules_of_the_stack_match_the_names_of_our_jobs(rule: str) -> None:
    (condition,) = resource(rule)["EventPattern"]["detail"]["jobName"]
    key = JobKey(run_id="r1", label="align", round=0, part=0)
    rest = key.name.removeprefix(condition["prefix"])
    assert JobKey.parse(condition["prefix"] + rest) == key
    assert JobKey.parse(rest) is None


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
        "BATCHRELAY_RUN_STATUS",
    }


class StoredObjects(Aws):
    """What the worker has of S3, over the objects of the core's adapter in memory."""

    def __init__(self, objects: MemoryObjects) -> None:
        super().__init__({})
        self.stored = objects.objects

    def get(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        return self.stored[uri][first : None if last is None else last + 1]

    def put(self, uri: str, body: bytes) -> None:
        self.stored[uri] = body

    def exists(self, uri: str) -> bool:
        return uri in self.stored


def child(number: int, group: int = 0) -> items.Child:
    return items.Child.of(
        {
            "AWS_BATCH_JOB_ARRAY_INDEX": str(number),
            "BATCHRELAY_MANIFEST": manifest_uri("s3://b/m/", group),
            "BATCHRELAY_CHUNK": "2",
            "BATCHRELAY_RESULTS": "s3://b/results/",
        }
    )


@pytest.mark.parametrize("group", [0, 1])
def test_the_worker_reads_the_manifest_that_the_core_writes(group: int) -> None:
    objects = MemoryObjects()
    writer = manifest.ManifestWriter.begin(objects, manifest_uri("s3://b/m/", group), 2)
    for item in ("é", {"key": "b"}, "c"):
        writer.add(item)
    writer.complete()
    aws = StoredObjects(objects)
    item_lists = [items.items_of(child(number, group), aws) for number in range(writer.children)]
    assert item_lists == [[(0, "é"), (1, {"key": "b"})], [(2, "c")]]


def test_an_offset_has_the_same_bytes_on_all_sides() -> None:
    offset = manifest._offset(1 << 40)
    assert len(offset) == items._OFFSET_BYTES == report_items.OFFSET_BYTES
    assert int.from_bytes(offset, "little") == 1 << 40


def test_no_two_files_of_a_preparation_have_the_same_name() -> None:
    manifests = [manifest_uri("s3://b/m/", group) for group in range(3)]
    uris = [*manifests, *map(offsets_uri, manifests), existing_uri("s3://b/m/")]
    assert len({*uris}) == len(uris)


def test_the_core_reads_the_record_that_the_worker_writes_and_the_reference_shows_it() -> None:
    objects = MemoryObjects({"s3://b/out/here": b""})
    aws = StoredObjects(objects)
    program = Program(
        ["test", "{item}", "=", "good"],
        attempts=2,
        backoff_s=0,
        skip_existing="s3://b/out/{item}",
        aws=aws,
        stopping=Stopping(),
    )
    record = Record(child(7), aws)
    for number, value in enumerate(("good", "here", "bad", "good"), start=14):
        record.note(number, program.run(items.Item(number, value)))
    record.save(done=True)
    document = json.loads(objects.objects["s3://b/results/0000007.json"])
    times = [(entry["n"], entry["s"]) for entry in document["items"]]
    assert [*item_records(objects, "s3://b/results/")] == [times[0], times[3]]

    page = (ROOT / "docs/reference/manifest.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    only_in_ecs = {"usage", "items.oom"}
    assert keys(document) | only_in_ecs == keys(json.loads(example))


def keys(record: dict[str, list[dict[str, object]]]) -> set[str]:
    return {*record} | {f"items.{key}" for entry in record["items"] for key in entry}
