"""What AWS Batch answers, and what it means for a submission."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from batchrelay.adapters.batch import LOOK_TRIES, SUBMIT_THREADS, THROTTLED_TRIES, BatchJobs
from batchrelay.aws_lambda.settings import Settings
from batchrelay.aws_lambda.wiring import engine, trigger_dispatch
from batchrelay.domain.errors import Ambiguous, Denied, Refused, Throttled
from batchrelay.domain.limits import EFFECT_S_MAX
from tests.contract.wires import RawBody, Wire

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

REQUEST = {"jobName": "br-a-b-r0-p0", "jobQueue": "q", "jobDefinition": "d"}


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits before it tries again; no test here asks for that."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def answer_by(wire: Wire, client: BatchClient) -> None:
    """Every request of a client is answered by a wire."""
    events = client.meta.events
    events.register("before-send.batch.*", wire)  # type: ignore[arg-type]  # the stub has no answer


def jobs_on(wire: Wire, naps: list[float]) -> BatchJobs:
    jobs = BatchJobs(sleep=naps.append)
    for client in (jobs._submitter, jobs._client):
        answer_by(wire, client)
    return jobs


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, "ClientException", '{"message": "no such queue"}'), Refused),
        ((403, "AccessDeniedException", '{"message": "not authorized"}'), Denied),
        ((500, "ServerException", '{"message": "oops"}'), Ambiguous),
        ((500, "AuthorizerConfigurationException", "{}"), Ambiguous),
        ((503, "", ""), Ambiguous),
        (ReadTimeoutError(endpoint_url="https://batch"), Ambiguous),
        (EndpointConnectionError(endpoint_url="https://batch"), Ambiguous),
    ],
)
def test_an_answer_is_classed_and_the_request_is_sent_once(
    answer: tuple[int, str, str] | Exception, error: type[Exception]
) -> None:
    wire, naps = Wire(answer), list[float]()
    [answered] = jobs_on(wire, naps).submit_all([REQUEST])
    assert type(answered) is error
    assert (wire.sent, naps) == (1, [])


def test_a_request_that_botocore_does_not_know_is_refused() -> None:
    wire = Wire((200, "", "{}"))
    [answered] = jobs_on(wire, []).submit_all([{**REQUEST, "fieldOf2031": 1}])
    assert isinstance(answered, Refused)
    assert "Unknown parameter in input" in str(answered)
    assert wire.sent == 0


def test_a_termination_that_is_not_allowed_stays_pending() -> None:
    denied = (403, "AccessDeniedException", '{"message": "not authorized"}')
    assert jobs_on(Wire(denied), []).terminate(["job"], "duplicate") == ()


def test_throttling_is_tried_again_with_jitter_and_then_left_to_a_later_invocation() -> None:
    wire, naps = Wire((429, "TooManyRequestsException", '{"message": "slow down"}')), list[float]()
    [answered] = jobs_on(wire, naps).submit_all([REQUEST])
    assert isinstance(answered, Throttled)
    assert wire.sent == THROTTLED_TRIES
    assert len(naps) == THROTTLED_TRIES - 1
    assert all(0 < nap <= 4 for nap in naps)


def test_a_throttled_submission_may_succeed_later() -> None:
    accepted = (200, "", '{"jobId": "id-1", "jobName": "x", "jobArn": "arn"}')
    wire = Wire((429, "TooManyRequestsException", "{}"), accepted)
    assert jobs_on(wire, []).submit_all([REQUEST]) == ("id-1",)


def test_nothing_is_sent_that_could_outlast_the_invocation() -> None:
    wire, naps = Wire((429, "TooManyRequestsException", "{}")), list[float]()
    jobs = replace(jobs_on(wire, naps), time_left=lambda: EFFECT_S_MAX - 1)
    [answered] = jobs.submit_all([REQUEST])
    assert isinstance(answered, Throttled)
    assert (wire.sent, naps) == (0, [])


def test_many_submissions_are_sent_at_the_same_time_and_answered_in_their_order() -> None:
    together = threading.Barrier(SUBMIT_THREADS, timeout=10)

    class Echo(Wire):
        def __call__(self, request: Any, **_: object) -> AWSResponse:
            together.wait()
            name = json.loads(request.body)["jobName"]
            body = json.dumps({"jobId": f"id-{name}", "jobName": name, "jobArn": "arn"})
            return AWSResponse(request.url, 200, HTTPHeaders(), RawBody(body.encode()))

    names = [f"job{number}" for number in range(3 * SUBMIT_THREADS)]
    requests = [{**REQUEST, "jobName": name} for name in names]
    answers = jobs_on(Echo((200, "", "{}")), []).submit_all(requests)
    assert answers == tuple(f"id-{name}" for name in names)


def test_one_submission_that_fails_does_not_lose_the_ids_of_the_others() -> None:
    class Odd(Wire):
        def __call__(self, request: Any, **_: object) -> AWSResponse:
            name = json.loads(request.body)["jobName"]
            if name == "odd":
                raise RuntimeError("a bug")
            body = json.dumps({"jobId": f"id-{name}", "jobName": name, "jobArn": "arn"})
            return AWSResponse(request.url, 200, HTTPHeaders(), RawBody(body.encode()))

    requests = [{**REQUEST, "jobName": name} for name in ("a", "odd", "c")]
    first, second, third = jobs_on(Odd((200, "", "{}")), []).submit_all(requests)
    assert (first, str(second), third) == ("id-a", "a bug", "id-c")


def test_the_listing_is_compared_again_and_turned_round() -> None:
    """The filter ignores case, and AWS lists the newest first."""
    names = {"new": "br-a-b-r0-p0", "similar": "BR-A-B-R0-P0", "old": "br-a-b-r0-p0"}
    listed = [
        {"jobId": job_id, "jobName": name, "createdAt": 9 - number}
        for number, (job_id, name) in enumerate(names.items())
    ]
    wire = Wire((200, "", json.dumps({"jobSummaryList": listed})))
    assert jobs_on(wire, []).find("q", "br-a-b-r0-p0") == ("old", "new")


def test_jobs_are_described_100_at_a_time() -> None:
    wire = Wire((200, "", '{"jobs": []}'))
    assert jobs_on(wire, []).describe([f"job-{n}" for n in range(250)]) == ()
    assert wire.sent == 3


@pytest.mark.parametrize(
    ("answer", "error", "sent"),
    [
        ((400, "ClientException", '{"message": "no"}'), Refused, 1),
        ((403, "AccessDeniedException", '{"message": "not authorized"}'), Denied, 1),
        ((429, "TooManyRequestsException", '{"message": "slow down"}'), Throttled, LOOK_TRIES),
        ((500, "ServerException", "{}"), Ambiguous, LOOK_TRIES),
        (EndpointConnectionError(endpoint_url="https://batch"), Ambiguous, LOOK_TRIES),
    ],
)
def test_a_look_is_answered_soon_or_not_at_all(
    answer: tuple[int, str, str] | Exception, error: type[Exception], sent: int
) -> None:
    wire, jobs = Wire(answer), BatchJobs.looked_at()
    answer_by(wire, jobs._client)
    with pytest.raises(error):
        jobs.describe(["job"])
    assert wire.sent == sent


def test_no_client_is_made_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cold start makes the clients that it needs, and an import makes no client."""

    def refuse(service: str, **_: object) -> None:
        raise AssertionError(f"a client of {service} was made")

    monkeypatch.setattr(boto3, "client", refuse)
    settings = Settings(
        table="t",
        bucket="b",
        topic_arn="a",
        prepare_queue_url="q",
        trigger_queue_url="q",
        run_ttl_days=1,
    )
    trigger_dispatch(settings, engine(settings))


def test_what_could_not_be_terminated_in_bulk_stays_pending() -> None:
    """The answer is 200 all the same. Source: TerminateJobs, errors."""
    errors = [{"job": "b", "code": "ThrottlingException", "message": "slow down"}]
    answer = (200, "", json.dumps({"successful": ["a"], "errors": errors}))
    assert jobs_on(Wire(answer), []).terminate(["a", "b"], "enough") == ("a",)


def test_many_are_terminated_in_batches_and_what_has_no_bulk_one_by_one() -> None:
    ids = [f"job-{number}" for number in range(120)]
    wire = Wire((200, "", "{}"))
    assert jobs_on(wire, []).terminate(ids, "enough") == tuple(ids)
    assert wire.sent == 3
    unknown = (404, "UnknownOperationException", "{}")
    wire = Wire(unknown, (200, "", "{}"))
    assert jobs_on(wire, []).terminate(ids[:2], "enough") == ("job-0", "job-1")
    assert wire.sent == 3


def test_a_termination_whose_answer_was_lost_stays_pending() -> None:
    lost = (500, "ServerException", "{}")
    assert jobs_on(Wire(lost), []).terminate(["a"], "enough") == ()
