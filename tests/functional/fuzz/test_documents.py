"""Pipeline files, orders, events, lists of items, stored runs: all a little wrong."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchrelay.codec import decode_pipeline, decode_run, encode_pipeline, encode_run
from batchrelay.domain.effects import Prepare
from batchrelay.domain.errors import CodecError, InputError
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay_cli.pipeline_file.problems import PipelineFileError, Problem
from batchrelay_cli.pipeline_file.read import read
from tests.builders import MemoryCloud, pipeline, run_of, step
from tests.handlers import CONTEXT, on_job_event, serve, start_run
from tests.stack import ROOT
from verification.fuzz.mutation import mutated, seeds

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
FILES = sorted((ROOT / "examples").glob("*/pipeline.yaml"))
ROUNDS_MAX = 60


def test_a_pipeline_file_is_refused_at_its_place_or_runs_to_an_end(tmp_path: Path) -> None:
    documents = [yaml.safe_load(path.read_text()) for path in FILES]
    counts: Counter[str] = Counter()
    wrong: list[tuple[int, Problem]] = []
    for seed in seeds():
        rng = random.Random(seed)
        document = mutated(rng.choice(documents), rng)
        path = tmp_path / "pipeline.json"
        path.write_text(json.dumps(document))
        try:
            definition = read(path).pipeline
        except PipelineFileError as error:
            wrong.extend((seed, problem) for problem in error.problems)
            counts["refused"] += 1
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {document}") from error
        counts[_played(definition, seed)] += 1
    assert all(p.line >= 1 and p.column >= 1 and p.message for _, p in wrong), wrong
    assert counts["refused"], counts
    assert counts["ended"] > 20, counts


def _played(definition: Pipeline, seed: int) -> str:
    """It starts and ends, or it is refused and leaves no run."""
    assert decode_pipeline(json.loads(json.dumps(encode_pipeline(definition))), 1) == definition
    cloud = MemoryCloud(definition)
    needed = {param.name: "s3://b/k" for param in definition.params if param.default is None}
    order = StartRequest(run_id="run1", pipeline=definition.name, version=1, params=needed)
    try:
        cloud.engine.start(order)
    except InputError:
        assert cloud.runs.runs == {}, f"seed {seed}: a refused start left a run"
        return "not started"
    except Exception as error:
        raise AssertionError(f"seed {seed}: {encode_pipeline(definition)}") from error
    for _ in range(ROUNDS_MAX):
        if not cloud.runs.open_ids:
            return "ended"
        _play_round(cloud, seed)
    raise AssertionError(f"seed {seed}: {cloud.runs.runs['run1'].steps}")


def _play_round(cloud: MemoryCloud, seed: int) -> None:
    try:
        while cloud.preparations.requested:
            wanted = cloud.preparations.requested.pop()
            assert isinstance(wanted, Prepare)
            cloud.engine.prepare(wanted.run_id, wanted.step, wanted.round)
        for job in list(cloud.jobs.jobs.values()):
            cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
        cloud.clock.move(10_000)
        cloud.engine.reconcile("run1")
    except Exception as error:
        raise AssertionError(f"seed {seed}: {cloud.runs.runs['run1']}") from error


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> MemoryCloud:
    running = MemoryCloud(pipeline(step("a", size=3), step("b", "a"), step("c", file="s3://b/c")))
    serve(running, monkeypatch)
    running.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    return running


def test_an_order_is_answered_and_a_refused_one_leaves_no_run(cloud: MemoryCloud) -> None:
    counts: Counter[str] = Counter()
    order = {"runId": "run7", "pipeline": "test", "version": 1, "params": {"a": "b"}}
    for seed in seeds():
        runs = dict(cloud.runs.runs)
        event = mutated({**order, "runId": f"run{seed}"}, random.Random(seed))
        try:
            answer = start_run.handler(event, CONTEXT)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {event}") from error
        counts["refused" if "error" in answer else "started"] += 1
        if "error" in answer:
            assert cloud.runs.runs == runs, f"seed {seed}: {event}"
    assert counts["refused"] > 20, counts
    assert counts["started"] > 20, counts


def came_back(answer: Mapping[str, Any]) -> bool:
    """Whether the one message of a batch goes back to its queue."""
    failures = answer["batchItemFailures"]
    assert failures in ([], [{"itemIdentifier": "m"}])
    return bool(failures)


def test_an_event_is_a_fact_nothing_or_goes_back(cloud: MemoryCloud) -> None:
    paths = [p for p in (ROOT / "events/batch").glob("*.json") if ".expected" not in p.name]
    events = [json.loads(path.read_text()) for path in sorted(paths)]
    counts: Counter[bool] = Counter()
    for event in events:  # of the run that is there
        event["detail"]["jobName"] = "br-run1-a-r0-p0"
    for seed in seeds():
        rng = random.Random(seed)
        event = mutated(rng.choice(events), rng)
        record = {"messageId": "m", "body": json.dumps(event)}
        try:
            answer = on_job_event.handler({"Records": [record]}, CONTEXT)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {event}") from error
        counts[came_back(answer)] += 1
        run = cloud.runs.runs["run1"]
        assert decode_run(encode_run(run), run.pipeline, run.version) == run, f"seed {seed}"
    assert counts[True] > 20, counts
    assert counts[False] > 20, counts


def test_a_triggers_message_is_a_run_a_batch_nothing_or_goes_back(cloud: MemoryCloud) -> None:
    paths = [p for p in (ROOT / "events/triggers").glob("*.json") if ".expected" not in p.name]
    counts: Counter[str] = Counter()
    messages = [{**json.loads(path.read_text()), "pipeline": "test"} for path in sorted(paths)]
    cloud.pipelines.register(cloud.pipelines.get_pipeline("test", 1), cloud.clock.now())
    for seed in seeds():
        rng = random.Random(seed)
        message = mutated(rng.choice(messages), rng)
        record = {"messageId": "m", "body": json.dumps(message)}
        runs, noted = len(cloud.runs.runs), len(cloud.upload_batches.seen)
        try:
            answer = start_run.handler({"Records": [record]}, CONTEXT)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {message}") from error
        after = (len(cloud.runs.runs), len(cloud.upload_batches.seen))
        counts["came back" if came_back(answer) else "handled"] += 1
        if came_back(answer):
            assert after == (runs, noted), f"seed {seed}"
        else:
            counts["a run or an upload"] += after != (runs, noted)
    assert min(counts[kind] for kind in ("came back", "handled", "a run or an upload")) > 10, counts


LISTS = (
    ("list.json", b'{"Items": [1, "two", {"three": 3}]}'),
    ("list.jsonl", b'{"a": 1}\n{"a": 2}\n'),
    ("list.csv", b'name,size\n"a,b",3\nc,4\n'),
    ("list.tsv", b'name\tsize\n"a\tb"\t3\nc\t4\n'),
    ("list.txt", b"one\ntwo\n"),
    ("list.json", b'{"cnry": 1, "Items": ["cnry", {"cnry": "cnry"}], "more": "cnry"}'),
    ("list.jsonl", b'{"cnry": "cnry"}\n["cnry", {"cnry": 2, "cnry3": 3}]\n'),
    ("list.csv", b'cnry,cnry2\n"cnry,b",cnry\ncnry,4\n'),
    ("list.txt", b"cnry one\ncnry two\n"),
    ("list.json.gz", gzip.compress(b'{"Items": [1, 2, 3]}', mtime=0)),
)  # fmt: skip


def test_a_list_of_items_makes_parts_or_fails_its_step(tmp_path: Path) -> None:
    for seed in seeds():
        rng = random.Random(seed)
        name, body = rng.choice(LISTS)
        broken = bytearray(body)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(broken) + 1)
            broken[at : at + rng.choice((0, 1, 3))] = rng.randbytes(rng.choice((0, 1, 2)))
        path = tmp_path / "pipeline.json"
        flow = {"forEach": {"file": f"s3://b/{name}"}, "output": "s3://b/out/${item}"}
        if ".json" in name and ".jsonl" not in name:
            flow["forEach"]["items"] = "Items"  # type: ignore[index]
        entry = {"jobName": "a", "jobDefinition": "d", "jobQueue": "q", "flow": flow}
        path.write_text(json.dumps({"pipeline": "test", "steps": [entry]}))
        cloud = MemoryCloud(read(path).pipeline)
        cloud.objects.objects[f"s3://b/{name}"] = bytes(broken)
        cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
        try:
            state = cloud.engine.prepare("run1", "a", 0).run.state("a")
        except Exception as error:
            raise AssertionError(f"seed {seed}: {name} {bytes(broken)!r}") from error
        fates = (StepStatus.ACTIVE, StepStatus.FAILED, StepStatus.SKIPPED)
        assert state.status in fates, f"seed {seed}: {state}"
        assert state.status is StepStatus.ACTIVE or state.reason, f"seed {seed}: {state}"
        assert "cnry" not in state.reason, f"seed {seed}: {bytes(broken)!r}: {state.reason}"


def test_a_stored_document_is_read_or_refused_with_its_path() -> None:
    retry = RetryFailed(
        rounds=2, when=frozenset({"Killed"}), overrides={"jobQueue": "q"}, memory_factor=1.5
    )
    run: Run = run_of(
        step("a", size=3, retry_failed=retry, tolerate=Tolerate(percent=5)),
        step("b", "a", file="s3://b/k", retry_failed=retry, tolerate=Tolerate(count=1)),
        timeout_s=60,
    )
    documents: tuple[tuple[Any, Any], ...] = (
        (encode_run(run), lambda stored: decode_run(stored, run.pipeline, 1)),
        (encode_pipeline(run.pipeline), lambda stored: decode_pipeline(stored, 1)),
    )
    messages: list[str] = []
    for seed in seeds():
        rng = random.Random(seed)
        document, decode = rng.choice(documents)
        try:
            decode(mutated(document, rng))
        except CodecError as error:
            messages.append(str(error))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    assert [error for error in messages if not error.startswith(("run", "pipeline"))] == []
