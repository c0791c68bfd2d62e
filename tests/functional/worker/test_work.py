"""A child at work, against the local cloud's S3 and SQS, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from batchrelay.adapters.s3 import S3Objects
from batchrelay.adapters.sqs import SqsQueues
from batchrelay.preparation.manifest import ManifestWriter
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of
from tests.stack import ROOT

pytestmark = pytest.mark.cloud
BUCKET = "work"
OLDEST = "3.8"


@pytest.fixture(scope="module")
def s3(cloud: LocalCloud) -> Any:
    client = client_of(cloud, "s3")
    client.create_bucket(Bucket=BUCKET)
    return client


class Step:
    """A step's manifest, and processes that are children of it."""

    def __init__(self, cloud: LocalCloud, s3: Any, name: str, items: list[Any], chunk: int) -> None:
        self.cloud, self.s3, self.name, self.chunk = cloud, s3, name, chunk
        self.queue = ""
        objects = S3Objects()
        objects.__dict__["_client"] = s3
        writer = ManifestWriter.begin(objects, f"s3://{BUCKET}/{name}/items.jsonl", chunk)
        for item in items:
            writer.add(item)
        writer.complete()

    def environment(self, index: int, attempt: int, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "worker"),
            **self.cloud.environment,
            "AWS_BATCH_JOB_ARRAY_INDEX": str(index),
            "AWS_BATCH_JOB_ATTEMPT": str(attempt),
            "BATCHRELAY_MANIFEST": f"s3://{BUCKET}/{self.name}/items.jsonl",
            "BATCHRELAY_CHUNK": str(self.chunk),
            "BATCHRELAY_OFFSET": "0",
            "BATCHRELAY_RESULTS": f"s3://{BUCKET}/{self.name}/results/",
            **({"BATCHRELAY_QUEUE": self.queue} if self.queue else {}),
            **more,
        }

    def start(
        self, index: int, *words: str, attempt: int = 1, python: str = sys.executable, **more: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [python, "-m", "batchrelay_worker.main", *words],
            env=self.environment(index, attempt, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def child(self, index: int, *words: str, **options: Any) -> tuple[int, str, str]:
        process = self.start(index, *words, **options)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def record(self, index: int) -> dict[str, Any]:
        key = f"{self.name}/results/{index:07d}.json"
        document: dict[str, Any] = json.loads(
            self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        )
        return document


SAY = ("run", "--", "sh", "-c", 'echo "$0 $ITEM_NUMBER"', "{item}")


def test_a_child_does_its_own_items(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "own", ["a b+c%20é.txt", "b", "c", "d", "e"], chunk=2)
    outputs = [step.child(index, *SAY)[1] for index in range(3)]
    assert outputs == ["a b+c%20é.txt 0\nb 1\n", "c 2\nd 3\n", "e 4\n"]
    record = step.record(1)
    assert (record["child"], record["attempt"], record["done"]) == (1, 1, True)
    assert [(i["n"], i["ok"], i["tries"], i["code"]) for i in record["items"]] == [
        (2, True, 1, 0),
        (3, True, 1, 0),
    ]


def test_an_old_python_is_enough(cloud: LocalCloud, s3: Any) -> None:
    found = shutil.which(f"python{OLDEST}")
    works = (
        found
        and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
    )
    if not found or not works:
        pytest.skip(
            f"there is no working python{OLDEST} on this machine; `make check` reads for it"
        )
    step = Step(cloud, s3, "old", ["a"], chunk=1)
    assert step.child(0, *SAY, python=found)[:2] == (0, "a 0\n")


def test_items_are_printed_for_programs_that_loop_themselves(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "printed", [{"key": "é"}, 2], chunk=2)
    assert step.child(0, "items") == (0, '{"key": "é"}\n2\n', "")


def test_a_failed_item_is_tried_again_and_the_others_go_on(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "fails", ["a", "b", "c"], chunk=3)
    words = (
        "run",
        "--attempts",
        "3",
        "--backoff",
        "0.01",
        "--",
        "sh",
        "-c",
        'test "$0" != b || exit 7',
        "{item}",
    )
    code, _, err = step.child(0, *words)
    assert code == 7, "the exit code that all failed items share"
    assert "item 1 (2 of 3) failed after 3 tries: exit code 7" in err
    entries = {i["n"]: (i["ok"], i["tries"], i.get("why")) for i in step.record(0)["items"]}
    assert entries == {0: (True, 1, None), 1: (False, 3, "exit code 7"), 2: (True, 1, None)}


def test_a_second_attempt_does_only_what_is_left(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "again", ["a", "b", "c"], chunk=3)
    assert step.child(0, "run", "--", "sh", "-c", 'test "$0" != b', "{item}")[0] == 1
    code, out, err = step.child(0, *SAY, attempt=2)
    assert (code, out) == (0, "b 1\n")
    assert "attempt 2: 2 items were done before" in err
    assert sorted(i["n"] for i in step.record(0)["items"] if i["ok"]) == [0, 1, 2]


def test_sigterm_reaches_the_program_and_keeps_what_is_done(
    cloud: LocalCloud, s3: Any, tmp_path: Path
) -> None:
    step = Step(cloud, s3, "term", ["a", "b", "c"], chunk=3)
    script = f'test "$0" != b || {{ trap "echo stopped; exit 0" TERM; touch {tmp_path}/at-b; sleep 30 >/dev/null 2>&1 & wait; }}'
    process = step.start(0, "run", "--", "sh", "-c", script, "{item}")
    deadline = time.monotonic() + 20
    while not (tmp_path / "at-b").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, "stopped\n")
    assert [i["n"] for i in step.record(0)["items"]] == [0]
    assert step.child(0, *SAY, attempt=2)[1] == "b 1\nc 2\n"


def test_an_item_with_an_existing_output_is_skipped(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "skip", [{"key": "in/x y.txt"}, {"key": "in/z.txt"}], chunk=2)
    s3.put_object(Bucket=BUCKET, Key="skip/out/x y", Body=b"")
    pattern = f"s3://{BUCKET}/skip/out/{{item.stem}}"
    words = ("run", "--skip-existing", pattern, "--", "echo", "{item.name}")
    assert step.child(0, *words)[1] == "z.txt\n"
    assert [i.get("skipped") for i in step.record(0)["items"]] == [True, None]


def test_lists_become_words_and_absent_values_are_reported(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "words", [{"inputs": ["a b", "c"], "n": 3}], chunk=1)
    words = (
        "run",
        "--",
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1:])",
        "{item.inputs}",
        "x{item.n}",
    )
    assert step.child(0, *words)[1] == "['a b', 'c', 'x3']\n"
    code, _, err = step.child(0, "run", "--", "echo", "{item.nope}")
    assert code == 1
    assert "item 0 has no nope" in err


def test_a_program_that_is_not_there_fails_its_items(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "gone", ["a"], chunk=1)
    code, _, err = step.child(0, "run", "--", "no-such-program")
    assert code == 127
    assert "no-such-program: [Errno 2]" in err


def test_objects_are_copied(cloud: LocalCloud, s3: Any, tmp_path: Path) -> None:
    step = Step(cloud, s3, "copy", ["a"], chunk=1)
    body = bytes(range(256)) * 100
    (tmp_path / "f").write_bytes(body)
    uri = f"s3://{BUCKET}/copy/a b+c%20é~.bin"
    assert step.child(0, "put", str(tmp_path / "f"), uri)[0] == 0
    assert step.child(0, "get", uri, str(tmp_path / "g"))[0] == 0
    assert (tmp_path / "g").read_bytes() == body
    code, _, err = step.child(0, "get", f"s3://{BUCKET}/copy/nothing")
    assert code == 1
    assert "404 NoSuchKey" in err


def test_outside_a_job_it_is_reported(cloud: LocalCloud, s3: Any) -> None:
    step = Step(cloud, s3, "outside", ["a"], chunk=1)
    _, _, err = step.child(0, "items", AWS_BATCH_JOB_ARRAY_INDEX="")
    assert (
        err == "[batchrelay] AWS_BATCH_JOB_ARRAY_INDEX is not set: this is no child of an array\n"
    )


# --- the queue


def queued(cloud: LocalCloud, s3: Any, name: str, items: list[Any]) -> tuple[Step, Any]:
    step = Step(cloud, s3, name, items, chunk=1)
    sqs = client_of(cloud, "sqs")
    queues = SqsQueues()
    queues.__dict__["_client"] = sqs
    step.queue = queues.create(f"br-{name}")
    queues.send(step.queue, [str(row) for row in range(len(items))])
    return step, sqs


def test_workers_share_a_queue(cloud: LocalCloud, s3: Any) -> None:
    step, sqs = queued(cloud, s3, "shared", list(range(30)))
    workers = [step.start(index, "run", "--", "echo", "{item}") for index in range(2)]
    outputs = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert sorted(map(int, outputs[0] + outputs[1])) == list(range(30))
    assert all(outputs), "both had some"
    left = sqs.get_queue_attributes(QueueUrl=step.queue, AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == (
        "0",
        "0",
    )


def test_an_item_that_fails_is_a_dead_letter_and_is_not_forgotten(
    cloud: LocalCloud, s3: Any
) -> None:
    step, sqs = queued(cloud, s3, "fails-in-queue", ["a", "b", "c"])
    script = 'echo "$0"; test "$0" != b || exit 9'
    code, out, _ = step.child(
        0, "run", "--attempts", "2", "--backoff", "0", "--", "sh", "-c", script, "{item}"
    )
    assert (code, sorted(out.split())) == (9, ["a", "b", "b", "c"])
    dead = sqs.receive_message(QueueUrl=step.queue + "-dead")["Messages"]
    assert [message["Body"] for message in dead] == ["1"]
    assert step.child(0, *SAY, attempt=2)[:2] == (9, ""), "a retry of the child does not hide it"


def test_an_item_that_ends_its_workers_becomes_a_dead_letter(cloud: LocalCloud, s3: Any) -> None:
    step, sqs = queued(cloud, s3, "poison", ["a"])
    sqs.set_queue_attributes(QueueUrl=step.queue, Attributes={"VisibilityTimeout": "1"})
    for attempt in (1, 2, 3):
        kill = ("run", "--", "sh", "-c", "kill -9 $PPID")
        assert step.child(0, *kill, attempt=attempt)[0] == -9
        time.sleep(1.1)  # until the message is visible again
    code, out, err = step.child(0, *SAY, attempt=4)
    assert (code, out) == (1, "")
    assert "1 message is a dead letter" in err


def test_a_message_is_given_back_on_sigterm(cloud: LocalCloud, s3: Any, tmp_path: Path) -> None:
    step, _ = queued(cloud, s3, "back", ["a"])
    process = step.start(0, "run", "--", "sh", "-c", f"touch {tmp_path}/on; exec sleep 30")
    deadline = time.monotonic() + 20
    while not (tmp_path / "on").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert step.child(0, "run", "--", "echo", "{item}", attempt=2)[:2] == (0, "a\n")
