"""What `make audit` looks at, with planted faults; what needs no other tool is looked at here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message
from importlib.metadata import PathDistribution
from pathlib import Path

import botocore.session
import pytest

from tests.stack import ROOT
from verification.audit import hashes, licences, reference, vulnerabilities
from verification.audit.__main__ import LOCKS
from verification.audit.accepted import ACCEPTED, Acceptance, Finding, acceptances, problems

HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_with_its_hashes(lock: Path) -> None:
    assert hashes.problems(lock) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("boto3==1.43.0\n", "boto3 has no hash"),
        (f"a==1 \\\n    {HASH}\nboto3==1.43.0 \\\n    # via x\n", "boto3 has no hash"),
        ("boto3==1.43.0 --hash=md5:0\n", "boto3 has no hash"),
        (f"boto3>=1.43 \\\n    {HASH}\n", "boto3>=1.43 is not one version"),
        (f"git+https://example.com/x {HASH}\n", "git+https://example.com/x is not one version"),
        ("# nothing\n", "names no package"),
    ],
)
def test_a_planted_package_without_a_hash_is_found(tmp_path: Path, text: str, problem: str) -> None:
    lock = tmp_path / "dev.lock"
    lock.write_text(text)
    assert hashes.problems(lock) == [f"dev.lock: {problem}"]


def distribution(folder: Path, **metadata: str) -> PathDistribution:
    message = Message()
    for name, value in {"Metadata-Version": "2.4", "Name": "x", "Version": "1", **metadata}.items():
        message[name.replace("_", "-")] = value
    info = folder / "x-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(message.as_string())
    return PathDistribution(info)


@pytest.mark.parametrize(
    ("metadata", "licence", "is_allowed"),
    [
        ({"License_Expression": "MIT"}, "MIT", True),
        ({"License_Expression": "MIT OR GPL-3.0-only"}, "MIT OR GPL-3.0-only", True),
        ({"License_Expression": "MIT AND GPL-3.0-only"}, "MIT AND GPL-3.0-only", False),
        ({"License_Expression": "AGPL-3.0-or-later"}, "AGPL-3.0-or-later", False),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, "MIT", True),
        ({"License": "GPL"}, "GPL", False),
        ({"License": "BSD 3-Clause"}, "BSD-3-Clause", True),
        ({"License": "line " * 50}, "", False),
        ({}, "", False),
    ],
)
def test_a_licence_is_read_and_judged(
    tmp_path: Path, metadata: Mapping[str, str], licence: str, is_allowed: bool
) -> None:
    found = licences.licence_of(distribution(tmp_path, **metadata))
    assert (found, licences.is_allowed(found)) == (licence, is_allowed)


def test_every_installed_licence_is_allowed() -> None:
    site_packages = Path(pytest.__file__).parent.parent
    assert [*licences.findings(site_packages)] == []


def test_every_accepted_finding_has_a_reason() -> None:
    accepted = acceptances(ACCEPTED.read_text())
    assert {entry.tool for entry in accepted} == {
        "checkov",
        "cfn-lint",
        "licences",
        "policy-sentry",
    }
    with pytest.raises(ValueError, match=r"checkov\.CKV_1 has no reason"):
        acceptances('[checkov.CKV_1]\nof = ["Bucket"]\nreason = " "\n')


def test_a_finding_without_a_reason_and_a_reason_without_a_finding_are_problems() -> None:
    meant = Acceptance(tool="checkov", rule="R", of=frozenset({"A", "B"}), reason="so it is")
    found = [Finding(rule="R", of=name, message="text") for name in ("A", "C")]
    assert problems("checkov", found, [meant]) == ["R C: text", "R B: accepted, and not found"]
    assert problems("cfn-lint", found[:1], [meant]) == ["R A: text"], "of another tool"


def test_a_vulnerability_is_found() -> None:
    answer = {"dependencies": [{"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}
    finding = Finding(rule="PYSEC-1", of="x", message="x 1")
    assert vulnerabilities.read(json.dumps(answer), "") == [finding]


@pytest.mark.parametrize(
    ("output", "errors", "reason"),
    [
        ("", "Traceback\nConnectionError: no route\n", "ConnectionError: no route"),
        ("", "", "it printed nothing"),
        (
            json.dumps({"dependencies": [{"name": "x", "skip_reason": "not found on PyPI"}]}),
            "",
            "1 of 1 packages: x",
        ),
    ],
)
def test_what_was_not_looked_up_is_never_clean(output: str, errors: str, reason: str) -> None:
    with pytest.raises(vulnerabilities.NotChecked, match=reason):
        vulnerabilities.read(output, errors)


def test_an_action_that_aws_does_not_have_and_a_star_without_need_are_found() -> None:
    kinds: dict[str, dict[str, object]] = {
        "ListJobs": {"": {}},
        "SubmitJob": {"job-queue": {}, "": {}},
    }
    privileges = {name: {"resource_types": types} for name, types in kinds.items()}
    document = {"version": "1", "batch": {"privileges": privileges}}
    actions = ("batch:ListJobs", "batch:SubmitJob", "batch:TerminateJobs")
    found = reference.compare(document, actions, ["batch:ListJobs", "batch:SubmitJob"])
    assert found == [
        Finding(
            rule=reference.UNKNOWN,
            of="batch:TerminateJobs",
            message="the reference does not list it",
        ),
        Finding(rule=reference.STARRED, of="batch:SubmitJob", message="job-queue"),
    ]


def test_the_page_has_every_accepted_finding_with_its_reason() -> None:
    page = (ROOT / "docs/reference/audit.md").read_text()
    rows = [
        f"| {entry.tool} | {entry.rule} | {len(entry.of)} | {entry.reason} |"
        for entry in acceptances(ACCEPTED.read_text())
    ]
    table = "| tool | finding | of so many | reason |\n| --- | --- | --- | --- |\n"
    assert table + "\n".join(rows) + "\n" in page


def test_an_action_that_the_reference_lacks_is_an_operation_of_botocore() -> None:
    operations = botocore.session.get_session().get_service_model("batch").operation_names
    accepted = [e for e in acceptances(ACCEPTED.read_text()) if e.rule == reference.UNKNOWN]
    actions = {action for entry in accepted for action in entry.of}
    assert actions <= {f"batch:{name}" for name in operations}
