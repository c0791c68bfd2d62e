"""The functions' roles allow what was recorded, and no more; a change of a role is seen.

`make verify-permissions` records. What the tests of a session call is held against the roles at
its end: tests/recorded_calls.py.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.policies import expanded
from tests.stack import template
from verification.permissions import seen
from verification.permissions.check import Needs, Roles
from verification.permissions.page import PAGE, with_tables

Statements = list[Any]
Change = Callable[[Statements], None]


@cache
def needs() -> Needs:
    return seen.read()


def test_every_call_that_was_recorded_is_allowed() -> None:
    """With parameters, which some tests need; what needs none is in the page's tables."""
    assert needs().total() > 5_000
    assert {function for function, _ in needs()} == set(Roles().by_default.functions)
    assert Roles().refused(needs()) == []


def test_nothing_is_allowed_that_was_never_needed() -> None:
    assert Roles().unused(needs()) == []
    assert Roles().stale_reasons(needs()) == [], "a reason that nothing needs any more"


def test_a_star_is_where_aws_has_no_arn() -> None:
    assert Roles().stars() == []


def test_the_page_has_the_tables_of_the_template_and_the_recording() -> None:
    page = PAGE.read_text()
    assert with_tables(page, needs()) == page, "python -m verification.permissions --keep"


@cache
def document() -> dict[str, Any]:
    return expanded(template())


def changed(function: str, change: Change) -> Roles:
    """The roles, once the statements of one were changed."""
    another = copy.deepcopy(document())
    [policy] = another["Resources"][f"{function}Role"]["Properties"]["Policies"]
    change(policy["PolicyDocument"]["Statement"])
    return Roles.of(another)


def statement(statements: Statements, sid: str) -> dict[str, Any]:
    """One of them, also where a condition of the template decides on it."""
    for entry in statements:
        whole = entry["Fn::If"][1] if "Fn::If" in entry else entry
        if whole["Sid"] == sid:
            assert isinstance(whole, dict)
            return whole
    raise LookupError(sid)


def allowed(action: str | list[str], resource: Any) -> Change:
    entry = {"Sid": "Planted", "Effect": "Allow", "Action": action, "Resource": resource}
    return lambda statements: statements.append(entry)


def with_resource(sid: str, resource: Any) -> Change:
    return lambda statements: statement(statements, sid).update(Resource=resource)


def with_action(sid: str, action: Any) -> Change:
    return lambda statements: statement(statements, sid).update(Action=action)


BUCKET = {"Fn::Sub": "${Bucket.Arn}/*"}
QUEUES = [{"Fn::GetAtt": [name, "Arn"]} for name in ("TriggerQueue", "JobEventQueue")]

OVER: list[tuple[str, str, Change]] = [
    ("an action that no handler calls", "AnswerApi", allowed("s3:DeleteObject", BUCKET)),
    ("one more in a list", "Prepare", with_action("CapacitiesRead", ["batch:ListJobs", "batch:X"])),
    ("every action of a service", "OnJobEvent", with_action("NoticesSent", "sns:*")),
    ("another function's right", "OnJobEvent", allowed("batch:ListJobs", "*")),
    ("one more queue", "StartRun", with_resource("MessagesReturned", QUEUES)),
    ("everything of a kind", "Reconcile", with_resource("OpenRunsListed", "*")),
    ("what Lambda reads, everywhere", "StartRun", with_resource("MessagesTaken", "*")),
    ("every object of a bucket", "AnswerApi", with_resource("FailuresRead", BUCKET)),
]


@pytest.mark.parametrize(("what", "function", "change"), OVER, ids=[what for what, _, _ in OVER])
def test_a_planted_grant_is_found(what: str, function: str, change: Change) -> None:
    roles = changed(function, change)
    page = PAGE.read_text()
    assert [*roles.unused(needs()), *roles.stars()] or with_tables(page, needs(), roles) != page


def test_a_planted_managed_policy_is_found() -> None:
    another = copy.deepcopy(document())
    role = another["Resources"]["AnswerApiRole"]["Properties"]
    role["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    with pytest.raises(AssertionError, match="policies that are not seen here"):
        Roles.of(another).unused(needs())


def test_a_planted_denial_is_found() -> None:
    """An explicit one wins over what another statement allows."""
    denial = {"Effect": "Deny", "Sid": "Planted", "Action": "dynamodb:Put*", "Resource": "*"}
    refused = changed("OnJobEvent", lambda statements: statements.append(denial)).refused(needs())
    assert refused
    assert all(line.startswith("OnJobEvent: dynamodb.") for line in refused)


def missing(roles: Roles) -> set[tuple[str, str]]:
    """What is refused, by function: without parameters, and with all of them."""
    refused = [f"{line} by default" for line in roles.refused_by_default(needs())]
    return {(line.partition(":")[0], line) for line in refused + roles.refused(needs())}


def test_a_missing_statement_is_found() -> None:
    """Each one that was needed, taken away alone."""
    roles = Roles()
    used = {
        (grant.function, grant.sid)
        for function, need in needs()
        for grant in roles.granting(function, need)
    }
    assert len(used) > 50
    for function, sid in sorted(used):

        def remove(statements: Statements, sid: str = sid) -> None:
            planted = statement(statements, sid)
            planted.update(Action="planted:Nothing")

        refused = missing(changed(function, remove)) - missing(roles)
        assert refused, f"{function} works without {sid}"
        assert {name for name, _ in refused} == {function}


UNDER: list[tuple[str, str, Change]] = [
    ("a table, not its index", "Reconcile", with_resource("OpenRunsListed", BUCKET)),
    (
        "a definition without a tag",
        "Reconcile",
        with_resource("JobsSubmitted", "arn:aws:batch:*:q"),
    ),
    ("one action of two", "AnswerApi", with_action("RunsReadAndWritten", "dynamodb:GetItem")),
    (
        "another prefix",
        "Prepare",
        with_resource("ManifestsWritten", {"Fn::Sub": "${Bucket.Arn}/r/*"}),
    ),
    ("another queue", "Prepare", with_resource("PreparationsRequested", QUEUES[0])),
]


@pytest.mark.parametrize(("what", "function", "change"), UNDER, ids=[what for what, _, _ in UNDER])
def test_a_planted_gap_is_found(what: str, function: str, change: Change) -> None:
    refused = missing(changed(function, change)) - missing(Roles())
    assert {name for name, _ in refused} == {function}
