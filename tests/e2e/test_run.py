"""What `batchrelay run` does and prints: real processes, on the cloud of all tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.command_line import batchrelay
from tests.e2e.shell_pipelines import WORD_COUNT, pipeline, shell, texts
from tests.functional.local_cloud.processes import is_alive

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("run_on_cloud")]


@pytest.mark.parametrize("count", [0, 5])
def test_word_count_of_any_number_of_texts(tmp_path: Path, count: int) -> None:
    folder = texts(tmp_path / "texts", count)
    done = batchrelay(
        "run", WORD_COUNT, "--param", f"source={folder}", "--output", "json",
        "--download", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    steps = {step["step"]: step for step in report["run"]["steps"]}
    assert report["run"]["status"] == "SUCCEEDED"
    assert steps["migrate"]["status"] == ("SKIPPED" if count == 0 else "SUCCEEDED")
    assert steps["migrate"]["children"] == count
    top = json.loads((tmp_path / "out/merge/top.json").read_text())
    assert top == ({"lamp": 3 * count} if count else {})
    assert report["output"].endswith("/output/top.json")
    [notice] = report["notices"]
    assert notice["subject"] == "word-count SUCCEEDED"
    assert f"Run {report['run']['runId']}, " in notice["message"]
    assert report["output"] in notice["message"]


WORDS = {
    "batch": (11, 0), "aws": (7, 1), "service": (4, 2), "amazon": (2, 3), "storage": (5, 0),
    "computing": (1, 3), "jobs": (4, 0), "data": (0, 4), "services": (2, 1), "simple": (1, 2),
    "workloads": (3, 0),
}  # fmt: skip
"""The table of a public post whose plan, migrate and merge this example ports: how often each word
stands in the first text and in the second."""

OTHERS = {"and": (12, 4), "S3": (3, 3), "bucket": (1, 1), "of": (9, 9)}
"""Words that the table leaves out: stop words, short ones, rare ones."""


@pytest.mark.parametrize("count", [2, 1])
def test_the_word_table_of_the_plan_migrate_merge_post(tmp_path: Path, count: int) -> None:
    """Of two texts by an array of two, and of one text that holds both by a plain job."""
    every = WORDS | OTHERS
    written = [
        " ".join(" ".join([word] * times[text]) for word, times in every.items())
        for text in range(2)
    ]
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, text in enumerate(written if count == 2 else ["\n".join(written)], start=1):
        (folder / f"file{number}.txt").write_text(text.title() + "\n")
    out = tmp_path / "out"
    done = batchrelay("run", WORD_COUNT, "--param", f"source={folder}", "--download", str(out))
    assert done.exit_code == 0, done.output
    assert f"migrate      SUCCEEDED  {count}/{count}" in done.stdout
    table = {word: sum(times) for word, times in WORDS.items()}
    top = json.loads((out / "merge/top.json").read_text())
    assert top == table
    assert list(top.values()) == [11, 8, 6, 5, 5, 4, 4, 4, 3, 3, 3]
    printed = re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)
    assert {word: int(times) for word, times in printed} == table


def test_a_failing_child_is_named_with_its_last_words(tmp_path: Path) -> None:
    script = (
        'echo working; test $AWS_BATCH_JOB_ARRAY_INDEX != 2 || { echo "disk is full"; exit 7; }'
    )
    steps = [
        {
            "jobName": "fan",
            "arrayProperties": {"size": 4},
            "containerOverrides": shell(script),
        },
        {"jobName": "after", "dependsOn": [{"jobName": "fan"}]},
    ]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.exit_code == 1
    assert "step fan failed: child 2 of 4, exit code 7: disk is full" in done.stdout
    assert "after        SKIPPED    (needs fan, which is FAILED)" in done.stdout
    assert "notice: p FAILED" in done.stdout


def test_a_failure_names_the_item_so_that_it_cannot_act(tmp_path: Path) -> None:
    items = [{"sample": f"S{n}"} for n in range(6)]
    items[5] = {"sample": "S5\x1b[2J[bold]\n\u202e" + "x" * 200}
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    each = {"file": "${params.list}", "format": "jsonl"}
    script = "test $AWS_BATCH_JOB_ARRAY_INDEX != LAST || exit 7"
    for chunk, last, who in (
        (1, 5, r'child 5 of 6 (item {"sample": "S5\u001b[2J[bold]\n\u202exxx'),
        (2, 1, 'child 1 of 3 (items 2 to 3, the first {"sample": "S2"}), exit code 7'),
    ):
        flow = {"forEach": each, "chunk": chunk}
        command = shell(script.replace("LAST", str(last)))
        steps = [{"jobName": "fan", "flow": flow, "containerOverrides": command}]
        file = pipeline(tmp_path, steps=steps, params={"list": {"type": "s3uri"}})
        done = batchrelay("run", file, "--param", f"list={tmp_path / 'one.jsonl'}")
        assert done.exit_code == 1
        [line] = [line for line in done.stdout.splitlines() if line.startswith("step fan failed")]
        assert line.startswith(f"step fan failed: {who}")
        assert line.endswith("), exit code 7")
        assert len(line) < 180


def test_a_long_last_log_and_a_progress_bar_are_cut_with_a_notice(tmp_path: Path) -> None:
    write = "import sys; sys.stdout.write(''.join(f'\\r{n} of 400000' for n in range(400000)))"
    steps = [{"jobName": "bar", "containerOverrides": shell(f'python3 -c "{write}"; exit 3')}]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert "step bar failed: exit code 3: 399999 of 400000\n" in done.stdout
    assert len(done.stdout) < 2_000
    steps = [{"jobName": "long", "containerOverrides": shell("seq 1 1500")}]
    lines = batchrelay("run", pipeline(tmp_path, steps=steps)).stdout.splitlines()
    first = lines.index("the last 1,000 lines of the last job's log:")
    assert (lines[first + 1], lines[first + 1_000]) == ("501", "1500")


def test_a_list_of_the_wrong_type_fails_its_step_before_anything_is_submitted(
    tmp_path: Path,
) -> None:
    (tmp_path / "plan.json").write_text('{"Items": {"a": 1}}')
    steps = [{"jobName": "fan", "flow": {"forEach": {"file": "${params.plan}", "items": "Items"}}}]
    file = pipeline(tmp_path, steps=steps, params={"plan": {"type": "s3uri"}})
    done = batchrelay("run", file, "--param", f"plan={tmp_path / 'plan.json'}")
    assert done.exit_code == 1
    assert "plan.json: byte 10: there is no list at Items" in done.stdout


def test_a_missing_file_fails_its_step_with_a_sentence(tmp_path: Path) -> None:
    each = {"file": "s3://${env.bucket}/absent.json", "items": "Items"}
    steps = [{"jobName": "fan", "flow": {"forEach": each}}]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.exit_code == 1
    assert "absent.json: there is no such object" in done.stdout


def test_two_queues_run_to_the_end_and_nothing_of_a_job_outlives_it(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    steps = [
        {"jobName": "a", "arrayProperties": {"size": 20}},
        {"jobName": "b", "jobQueue": "other"},
        {
            "jobName": "c",
            "containerOverrides": shell(f"sleep 77 & echo $! > {marker}"),
        },
    ]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.exit_code == 0, done.output
    assert not is_alive(int(marker.read_text()))


def test_a_definition_that_cannot_run_here_is_reported_with_its_line(tmp_path: Path) -> None:
    definition = {
        "jobDefinitionName": "sh",
        "type": "container",
        "containerProperties": {
            "image": "none",
            "command": ["true"],
            "vcpus": 1,
            "memory": 64,
            "secrets": [{"name": "TOKEN", "valueFrom": "token"}],
        },
    }
    steps = [{"jobName": "a"}]
    done = batchrelay("run", pipeline(tmp_path, steps=steps, jobDefinitions=[definition]))
    assert done.exit_code == 2
    assert "secrets is not supported by this local AWS Batch: there are no secrets" in done.stderr


def test_an_output_that_was_never_written_is_reported(tmp_path: Path) -> None:
    steps = [{"jobName": "a", "flow": {"output": "s3://${env.bucket}/absent"}}]
    file = pipeline(tmp_path, steps=steps)
    done = batchrelay("run", file, "--download", str(tmp_path / "out"))
    assert done.exit_code == 1, done.output
    assert "step a left nothing at s3://" in done.stdout
    assert batchrelay("run", file, "--download", "/proc/absent").exit_code == 2


def test_a_diamond_joins(tmp_path: Path) -> None:
    steps = [
        {"jobName": "top"},
        {"jobName": "left", "dependsOn": [{"jobName": "top"}], "arrayProperties": {"size": 3}},
        {"jobName": "right", "dependsOn": [{"jobName": "top"}]},
        {
            "jobName": "bottom",
            "dependsOn": [{"jobName": "left"}, {"jobName": "right"}],
            "containerOverrides": shell('echo "$BATCHRELAY_STEP of $BATCHRELAY_RUN_ID"'),
        },
    ]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.exit_code == 0, done.output
    assert any(line.startswith("bottom of k") for line in done.stdout.splitlines())
