"""What cannot be looked at is named, and is no problem; a local cloud has only a part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import EndpointConnectionError

from tests.unit.cli.preflight.account import IMAGE, QUEUE_LINE, Account, checked, environment


def test_what_is_denied_is_named_and_no_problem(tmp_path: Path) -> None:
    denies = (
        "describe_compute_environments",
        "batch_get_image",
        "get_role",
        "describe_log_groups",
        "get_caller_identity",
    )
    problems, checks = checked(tmp_path, Account(denies=denies))
    assert problems == []
    answer = "was answered AccessDenied"
    assert checks.not_done == (
        f"compute environments: describe_compute_environments {answer}",
        f"image {IMAGE}: batch_get_image {answer}",
        f"role jobs: get_role {answer}",
        f"role pulls: get_role {answer}",
        f"log group /words: describe_log_groups {answer}",
        f"your own rights: get_caller_identity {answer}",
    )
    assert checks.done == ("platforms and sizes of job definitions: count",)


def test_a_service_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    account = Account()

    def client(service: str, config: Any = None) -> Any:
        if service == "iam":
            raise EndpointConnectionError(endpoint_url="https://iam")
        return Account.client(account, service, config)

    account.client = client  # type: ignore[method-assign]
    problems, checks = checked(tmp_path, account)
    assert problems == []
    assert [sentence.partition(":")[0] for sentence in checks.not_done] == [
        "role jobs",
        "role pulls",
        "your own rights",
    ]


def test_a_local_cloud_has_queues_and_sizes_only(tmp_path: Path) -> None:
    account = Account(environment("FARGATE", computeResources={"maxvCpus": 2}))
    problems, checks = checked(tmp_path, account, local=True)
    assert [problem.partition(" asks")[0] for problem in problems] == [
        f"{QUEUE_LINE}: a job of count"
    ]
    assert checks.not_done == ()
    assert {call["call"] for call in account.asked} == {
        "describe_job_queues",
        "describe_compute_environments",
    }
