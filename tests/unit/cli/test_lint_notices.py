"""What lint says of `notify`, `presign` above all."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read

FILE = """\
pipeline: linked
params: {x: {type: s3uri, default: "s3://inbox/a"}}
defaults: {jobQueue: Q, jobDefinition: d}
steps:
  - {jobName: a, flow: {output: "OUTPUT"}}
notify:
  - topicArn: "${env.topicArn}"
    NOTICE
"""
ONE = "s3://${env.bucket}/${run.id}.csv"


def problems(tmp_path: Path, notice: str, output: str = ONE) -> list[str]:
    """With their lines."""
    path = tmp_path / "pipeline.yaml"
    path.write_text(FILE.replace("OUTPUT", output).replace("NOTICE", notice))
    try:
        file = read(path)
    except PipelineFileError as error:
        return [f"{problem.line}: {problem.message}" for problem in error.problems]
    return [f"{problem.line}: {problem.message}" for problem in file.document.warnings]


@pytest.mark.parametrize(
    ("presign", "seconds"), [("6h", 21_600), ("1", 1), ("12h", 43_200), ("30m", 1_800)]
)
def test_presign_is_a_time_of_twelve_hours_at_most(
    tmp_path: Path, presign: str, seconds: int
) -> None:
    path = tmp_path / "pipeline.yaml"
    notice = f'{{link: "${{steps.a.output}}", presign: {presign}}}'[1:-1].replace(", ", "\n    ")
    path.write_text(FILE.replace("OUTPUT", ONE).replace("NOTICE", notice))
    [rule] = read(path).pipeline.notify
    assert rule.presign_s == seconds


@pytest.mark.parametrize("presign", ["0", "12h1", "43_201", "1d", "-1", "true", "soon", "[1]"])
def test_a_time_that_no_url_is_valid_for_is_refused(tmp_path: Path, presign: str) -> None:
    notice = f'link: "s3://b/k"\n    presign: {presign}'
    [problem] = problems(tmp_path, notice)
    assert problem.startswith("9: presign is how long the URL is valid, 43,200 s at most")
    assert "such as `presign: 6h`" in problem


def test_presign_without_a_link_is_refused(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "presign: 1h")
    assert problem == (
        "8: presign needs a link, or `report: true` of the pipeline: what the URL is of"
    )


@pytest.mark.parametrize(
    ("link", "output"),
    [
        ("s3://b/folder/", ONE),
        ("s3://b", ONE),
        ("https://example.org/x", ONE),
        ("${params.x}/", ONE),
        ("${steps.a.output}", "s3://b/results/"),
        ("${steps.a.output}", "${params.x}/"),
    ],
)
def test_what_is_no_object_cannot_be_presigned(tmp_path: Path, link: str, output: str) -> None:
    [problem] = problems(tmp_path, f'link: "{link}"\n    presign: 1h', output)
    assert problem.startswith("9: presign needs a link to one object of S3, and ")


@pytest.mark.parametrize(
    ("link", "output"),
    [
        ("s3://b/k.csv", ONE),
        ("${steps.a.output}", ONE),
        ("${steps.a.output}k.csv", "s3://b/results/"),
        ("s3://b/${params.x}", ONE),
    ],
)
def test_one_object_can_be_presigned(tmp_path: Path, link: str, output: str) -> None:
    assert problems(tmp_path, f'link: "{link}"\n    presign: 1h', output) == []


def test_a_callers_parameter_that_chooses_what_is_presigned_is_a_warning(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, 'link: "${params.x}"\n    presign: 1h')
    assert problem.startswith("8: a caller's parameter, x, chooses the bucket of a presigned link")


def test_a_report_can_be_presigned_without_a_link(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    text = FILE.replace("OUTPUT", ONE).replace("NOTICE", "presign: 6h")
    path.write_text(f"{text}report: true\n")
    file = read(path)
    assert (file.pipeline.report, file.pipeline.notify[0].presign_s) == (True, 21_600)
    path.write_text(text.replace("    presign: 6h\n", ""))
    assert not read(path).pipeline.report


@pytest.mark.parametrize("value", ["yes please", "1", "[html]", "s3://bucket/report.html"])
def test_report_is_true_or_false(tmp_path: Path, value: str) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(f"{FILE.replace('OUTPUT', ONE).replace('    NOTICE', '')}report: {value}\n")
    with pytest.raises(PipelineFileError) as raised:
        read(path)
    [problem] = raised.value.problems
    assert problem.line == 9
    assert problem.message.startswith(
        "report is true or false: whether a run leaves its report in S3 when it ends; got "
    )
