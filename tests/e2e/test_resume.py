"""A run after one that failed in part, on the local cloud: what is missing is made, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.e2e.command_line import batchrelay, document, printed

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
SAMPLES = ("S01", "S02", "S03", "S04")
PIPELINE = """
pipeline: resume
params:
  samples: {type: s3uri}
  broken: none
  out: s3://${env.bucket}/resume/
defaults: {jobQueue: Q, jobDefinition: tools}
steps:
  - jobName: align
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'echo bam | batchrelay-worker put - "$1$ITEM_SAMPLE.bam"', sh, "${params.out}"]
    flow:
      forEach: {file: "${params.samples}"}
      output: ${params.out}${item.sample}.bam
      skipExisting: ${params.out}${item.sample}.bam
  - jobName: call
    dependsOn: [{jobName: align, type: N_TO_N}]
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'test "$ITEM_SAMPLE" != "$2" && echo vcf | batchrelay-worker put - "$1$ITEM_SAMPLE.vcf"', sh, "${params.out}", "${params.broken}"]
    flow: {output: "${params.out}${item.sample}.vcf"}
  - jobName: merge
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'printf "%s\\n" "$@" | sort | batchrelay-worker put - "$0"', "{item.output}", "{item.inputs}"]
    flow: {aggregate: {of: call, fanIn: 10}, output: "${params.out}all.txt"}
jobDefinitions:
  - {jobDefinitionName: tools, type: container, containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}}
"""


def run(*params: str) -> dict[str, tuple[Any, ...]]:
    """Each step's status, items and items that were there."""
    given = [word for param in params for word in ("--param", param)]
    run_id = document("start", "resume", *given)["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code in (0, 1)
    shown = document("status", run_id)
    return {s["step"]: (s["status"], s["items"], s["existing"]) for s in shown["steps"]}


def test_the_second_run_makes_what_the_first_did_not(stays: LocalCloud, tmp_path: Path) -> None:
    samples = tmp_path / "samples.csv"
    samples.write_text("\n".join(("sample", *SAMPLES)) + "\n")
    printed("deploy", write(tmp_path, PIPELINE))
    first = run(f"samples={samples}", "broken=S02")
    assert first == {
        "align": ("SUCCEEDED", 4, 0),
        "call": ("FAILED", 4, 0),
        "merge": ("SKIPPED", None, 0),
    }
    assert run(f"samples={samples}") == {
        "align": ("SUCCEEDED", 1, 3),
        "call": ("SUCCEEDED", 1, 3),
        "merge": ("SUCCEEDED", 1, 0),
    }
    bucket, s3 = stays.outputs["BucketName"], client_of(stays, "s3")
    body = s3.get_object(Bucket=bucket, Key="resume/all.txt")["Body"].read().decode()
    assert body.splitlines() == [f"s3://{bucket}/resume/{sample}.vcf" for sample in SAMPLES]
    third = run(f"samples={samples}")
    assert third == {
        "align": ("SKIPPED", 0, 4),
        "call": ("SKIPPED", 0, 4),
        "merge": ("SUCCEEDED", 1, 0),
    }
    assert s3.get_object(Bucket=bucket, Key="resume/all.txt")["Body"].read().decode() == body
    printed("undeploy", "resume")
