"""`doctor --account` without permissions: each is named, and nothing was made."""

from __future__ import annotations

import errno
import io
from collections.abc import Mapping
from typing import Any

import pytest

from batchrelay_cli.doctor.live import LivePort
from batchrelay_cli.doctor.permissions import (
    MissingPermissions,
    Permission,
    permission_of,
    principal_of,
)
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.session import NoNetwork, NotMade, Session
from batchrelay_cli.doctor.transcript import TranscriptWriter
from tests.unit.cli.doctor.aws import ACCOUNT, CALLER, Respond, StubAws, client_error, port_to

PLACE = Place(id="0123456789", is_local=False)
NAME = "batchrelay-doctor-0123456789"
EFFECTS = ("create", "put", "register", "attach", "tag", "receive", "set")
"""How methods begin that make or change something."""


def session(aws: StubAws) -> Session:
    port, _ = port_to(aws, PLACE)
    return Session(port=port, place=PLACE, region="eu-west-1", say=lambda _: None)


def missing(aws: StubAws) -> MissingPermissions:
    with pytest.raises(MissingPermissions) as error:
        session(aws).run(lambda *_: None)
    return error.value


def has_effect(call: str) -> bool:
    return call.partition(".")[2].startswith(EFFECTS)


def allowed(request: Mapping[str, Any], *denied: str) -> dict[str, Any]:
    """What IAM's simulator answers."""
    return {
        "EvaluationResults": [
            {
                "EvalActionName": name,
                "EvalDecision": "implicitDeny" if name in denied else "allowed",
            }
            for name in request["ActionNames"]
        ]
    }


def test_what_the_simulator_does_not_allow_is_named_with_its_resource() -> None:
    principals = set()

    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        assert name == "iam.simulate_principal_policy"
        principals.add(request["PolicySourceArn"])
        return allowed(request, "batch:CreateJobQueue", "iam:PassRole", "s3:PutObject")

    aws = StubAws(respond)
    error = missing(aws)
    assert error.is_complete
    assert error.missing == (
        Permission(action="batch:CreateJobQueue", resource="*"),
        Permission(action="iam:PassRole", resource=f"arn:aws:iam::{ACCOUNT}:role/{NAME}"),
        Permission(action="s3:PutObject", resource=f"arn:aws:s3:::{NAME}/*"),
    )
    assert principals == {f"arn:aws:iam::{ACCOUNT}:role/Team+Admin"}
    assert set(aws.calls) == {"iam.simulate_principal_policy"}


def test_without_the_simulator_calls_without_effect_are_tried() -> None:
    def respond(name: str, _: Mapping[str, Any]) -> dict[str, Any]:
        if name in ("events.delete_rule", "ec2.describe_subnets"):
            raise client_error("UnauthorizedOperation" if "ec2" in name else "AccessDenied")
        if name == "batch.submit_job":
            raise client_error(
                "AccessDeniedException",
                f"User: {CALLER} is not authorized to perform: batch:SubmitJob on resource: "
                f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-queue/q",
            )
        if name == "iam.simulate_principal_policy":
            raise client_error("AccessDenied")
        raise client_error("ClientException", "it does not exist")

    aws = StubAws(respond)
    error = missing(aws)
    assert not error.is_complete
    assert error.missing == (
        Permission(action="ec2:DescribeSubnets"),
        Permission(
            action="batch:SubmitJob",
            resource=f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-queue/q",
        ),
        Permission(action="events:DeleteRule"),
    )
    assert [call for call in aws.calls if has_effect(call)] == []


def in_an_account(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """An account in which everything is allowed, and nothing is there."""
    if name == "iam.simulate_principal_policy":
        return allowed(request)
    if name == "ec2.describe_subnets":
        return {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}]}
    if name == "ec2.describe_security_groups":
        return {"SecurityGroups": [{"GroupId": "sg-1"}]}
    if name.startswith("batch.describe"):
        return {"computeEnvironments": [], "jobQueues": [], "jobDefinitions": []}
    return {}


def but(**answers: Any) -> Respond:
    """That account, but for these calls: an answer, or an error."""

    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer = answers.get(name.replace(".", "_"))
        if isinstance(answer, Exception):
            raise answer
        return in_an_account(name, request) if answer is None else answer

    return respond


def test_what_is_refused_in_the_midst_is_named_and_what_was_made_is_removed() -> None:
    """A boundary, or a policy of the organisation, which IAM's simulator does not know."""
    aws = StubAws(but(iam_create_role=client_error("AccessDenied")))
    error = missing(aws)
    assert error.missing == (Permission(action="iam:CreateRole"),)
    made = [call for call in aws.calls if has_effect(call)]
    assert made == ["logs.create_log_group", "iam.create_role"]
    assert aws.calls[-3:] == [
        "iam.detach_role_policy",
        "iam.delete_role",
        "logs.delete_log_group",
    ]


def test_a_compute_environment_that_is_invalid_is_reported_with_awss_reason() -> None:
    environments = [{"status": "INVALID", "statusReason": "CLIENT_ERROR - no subnet"}]

    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if name == "iam.create_role":
            return {"Role": {"Arn": "arn"}}
        if name == "batch.describe_compute_environments":
            return {"computeEnvironments": environments}
        if name == "batch.delete_compute_environment":
            environments.clear()
        return in_an_account(name, request)

    aws = StubAws(respond)
    one = session(aws)
    with pytest.raises(NotMade, match=f"{NAME}-wide is INVALID: CLIENT_ERROR - no subnet"):
        one.run(lambda *_: None)


def test_what_cannot_be_removed_is_named_with_the_command_that_removes_it() -> None:
    aws = StubAws(
        but(
            iam_create_role=client_error("ServiceFailure", "later"),
            logs_delete_log_group=client_error("OperationAbortedException", "busy"),
        )
    )
    one = session(aws)
    with pytest.raises(NotMade, match=r"iam\.CreateRole: ServiceFailure: later"):
        one.run(lambda *_: None)
    assert [(entry.what, entry.command) for entry in one.leftovers] == [
        (f"log group /{NAME}", f"aws logs delete-log-group --log-group-name /{NAME}")
    ]


def test_a_second_interrupt_names_what_is_left() -> None:
    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if name == "iam.create_role":
            raise client_error("ServiceFailure")
        if name == "logs.delete_log_group":
            raise KeyboardInterrupt
        return in_an_account(name, request)

    one = session(StubAws(respond))
    with pytest.raises(KeyboardInterrupt):
        one.run(lambda *_: None)
    assert [(entry.what, entry.why) for entry in one.leftovers] == [
        (f"log group /{NAME}", "interrupted")
    ]


def test_a_first_interrupt_while_it_removes_leaves_nothing() -> None:
    interrupts = [KeyboardInterrupt]

    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if name == "iam.create_role":
            raise client_error("ServiceFailure")
        if name == "logs.delete_log_group" and interrupts:
            raise interrupts.pop()
        return in_an_account(name, request)

    aws = StubAws(respond)
    one = session(aws)
    with pytest.raises(KeyboardInterrupt):
        one.run(lambda *_: None)
    assert one.leftovers == []
    assert aws.calls.count("logs.delete_log_group") == 2


def test_an_interrupt_while_it_removes_is_the_second_one_after_one_before() -> None:
    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if name in ("iam.create_role", "logs.delete_log_group"):
            raise KeyboardInterrupt
        return in_an_account(name, request)

    aws = StubAws(respond)
    one = session(aws)
    with pytest.raises(KeyboardInterrupt):
        one.run(lambda *_: None)
    assert [entry.what for entry in one.leftovers] == [f"log group /{NAME}"]
    assert aws.calls.count("logs.delete_log_group") == 1


def test_everything_is_removed_if_what_reads_its_lines_has_gone() -> None:
    def say(line: str) -> None:
        if line.startswith("removing"):
            raise SystemExit(1)

    def respond(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if name == "iam.create_role":
            raise client_error("ServiceFailure")
        return in_an_account(name, request)

    aws = StubAws(respond)
    one = session(aws)
    one.say = say
    with pytest.raises(SystemExit):
        one.run(lambda *_: None)
    assert "logs.delete_log_group" in aws.calls


class FullDisk(io.StringIO):
    """A file for which there is room until the first resource is made."""

    is_full = False

    def write(self, text: str) -> int:
        self.is_full |= '"logs.CreateLogGroup"' in text
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_everything_is_removed_although_the_disk_is_full() -> None:
    aws = StubAws(in_an_account)
    port = LivePort(aws.client, TranscriptWriter(FullDisk(), PLACE, "eu-west-1"))
    one = Session(port=port, place=PLACE, region="eu-west-1", say=lambda _: None)
    with pytest.raises(OSError, match="No space left"):
        one.run(lambda *_: None)
    assert one.leftovers == []
    assert aws.calls[-2:] == ["logs.create_log_group", "logs.delete_log_group"]
    with pytest.raises(OSError, match="No space left"):
        port.call("Q1", "batch", "ListJobs", {})
    with pytest.raises(OSError, match="No space left"):
        port.finish()


def test_an_account_without_a_default_vpc_is_asked_for_subnets() -> None:
    aws = StubAws(but(ec2_describe_subnets={"Subnets": []}))
    with pytest.raises(NoNetwork, match="eu-west-1 has no default VPC: name subnets"):
        session(aws).run(lambda *_: None)
    assert [call for call in aws.calls if has_effect(call)] == []


@pytest.mark.parametrize(
    ("caller", "principal"),
    [
        (CALLER, f"arn:aws:iam::{ACCOUNT}:role/Team+Admin"),
        (f"arn:aws-cn:iam::{ACCOUNT}:user/jane", f"arn:aws-cn:iam::{ACCOUNT}:user/jane"),
    ],
)
def test_policies_are_those_of_a_user_or_a_role(caller: str, principal: str) -> None:
    assert principal_of(caller) == principal


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("s3.ListObjectsV2", "s3:ListBucket"),
        ("s3.PutBucketNotificationConfiguration", "s3:PutBucketNotification"),
        ("batch.TerminateJobs", "batch:TerminateJob"),
        ("sqs.DeleteMessageBatch", "sqs:DeleteMessage"),
    ],
)
def test_a_denied_call_is_named_as_iam_names_it(call: str, action: str) -> None:
    error = CallFailed(call=call, code="AccessDenied", message="Access Denied")
    assert (error.is_denied, permission_of(error)) == (True, Permission(action=action))
