"""What AWS Batch and CloudWatch Logs answer when one asks them why children failed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from batchrelay.adapters.batch import BatchJobs
from batchrelay.adapters.cloudwatch_logs import PAGES_MAX, CloudWatchLogs
from batchrelay.domain.errors import Ambiguous, Denied, JobForgotten, NotDone, Refused, Throttled
from batchrelay.domain.failures import ChildFailure
from tests.contract.wires import Wire

Answer = tuple[int, str, str] | Exception

ERRORS = [
    ((400, "ClientException", '{"message": "no"}'), Refused),
    ((403, "AccessDeniedException", '{"message": "not authorized"}'), Denied),
    ((429, "TooManyRequestsException", '{"message": "slow down"}'), Throttled),
    ((500, "ServerException", '{"message": "oops"}'), Ambiguous),
    (ReadTimeoutError(endpoint_url="https://aws"), Ambiguous),
]


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def answer(**document: Any) -> Answer:
    return 200, "", json.dumps(document)


def array(*, failed: int, reason: str = "Array Child Job failed", size: int = 9) -> Answer:
    counts = {"SUCCEEDED": size - failed, "FAILED": failed} if failed else {}
    properties = {"size": size, "statusSummary": counts}
    job = {"jobId": "j", "status": "FAILED", "statusReason": reason, "arrayProperties": properties}
    return answer(jobs=[job])


def child(index: int, container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    named = {"jobId": f"j:{index}", "arrayProperties": {"index": index}, **more}
    return named if container is None else {**named, "container": container}


class Kept(Wire):
    """Keeps the requests that it answers."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(*answers)
        self.requests = list[Any]()

    def __call__(self, request: Any, **more: object) -> AWSResponse:
        self.requests.append(json.loads(request.body))
        return super().__call__(request, **more)


def jobs_on(*answers: Answer) -> tuple[BatchJobs, list[Any]]:
    """And the requests that AWS Batch is sent."""
    jobs, wire = BatchJobs(), Kept(*answers)
    jobs._client.meta.events.register("before-send.batch.*", wire)  # type: ignore[arg-type]  # the stub has no answer
    return jobs, wire.requests


def described(index: int, exit_code: int) -> dict[str, Any]:
    containers = [{"name": "main", "exitCode": exit_code}, {"name": "log", "exitCode": 143}]
    return child(index, {}, ecsProperties={"taskProperties": [{"containers": containers}]})


def test_children_of_several_containers_are_described_for_their_exit_codes() -> None:
    properties = {"size": 3, "statusSummary": {"FAILED": 2, "SUCCEEDED": 1}}
    parent = {"jobId": "j", "status": "FAILED", "arrayProperties": properties, "ecsProperties": {}}
    jobs, requests = jobs_on(
        answer(jobs=[parent]),
        answer(jobSummaryList=[child(0, {}), child(2, {})]),
        answer(jobs=[described(0, 65), described(2, 75)]),
    )
    failures = list(jobs.failed_children("j"))
    assert [(one.index, one.exit_code) for one in failures] == [(0, 65), (2, 75)]
    assert requests[-1] == {"jobs": ["j:0", "j:2"]}


def test_a_multi_node_parallel_job_failed_as_its_first_failed_node_did() -> None:
    nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": []}
    job = {"jobId": "j", "status": "FAILED", "statusReason": "Node failed", "nodeProperties": nodes}
    jobs, requests = jobs_on(
        answer(jobs=[job]),
        answer(
            jobs=[
                {"jobId": "j#0", "status": "FAILED", "container": {"exitCode": 143}},
                {"jobId": "j#1", "status": "FAILED", "container": {}},
                {"jobId": "j#2", "status": "FAILED", "container": {"exitCode": 9}},
            ]
        ),
    )
    assert list(jobs.failed_children("j")) == [ChildFailure(index=0, job_id="j", exit_code=9)]
    assert requests[-1] == {"jobs": ["j#0", "j#1", "j#2"]}


def test_the_pages_of_failed_children_are_asked_for_one_after_the_other() -> None:
    killed = {"exitCode": 137, "reason": "OutOfMemoryError: Container killed"}
    first = answer(
        jobSummaryList=[child(2, killed, statusReason="Essential container in task exited")],
        nextToken="more",
    )
    host = "Host EC2 (instance i-0a) terminated."
    second = answer(jobSummaryList=[child(5, statusReason=host), child(7, {"exitCode": 0})])
    jobs, sent = jobs_on(array(failed=3), first, second)
    failures = jobs.failed_children("j")
    reason = "Essential container in task exited, OutOfMemoryError: Container killed"
    assert next(failures) == ChildFailure(index=2, job_id="j:2", exit_code=137, reason=reason)
    assert len(sent) == 2
    assert list(failures) == [
        ChildFailure(index=5, job_id="j:5", reason=host),
        ChildFailure(index=7, job_id="j:7", exit_code=0),
    ]
    listing = {"arrayJobId": "j", "jobStatus": "FAILED"}
    assert sent == [{"jobs": ["j"]}, listing, {**listing, "nextToken": "more"}]


@pytest.mark.parametrize(
    ("parent", "listed", "counts"),
    [
        (array(failed=3), (2, 5), "2 of 3"),
        (array(failed=3), (), "0 of 3"),
        (array(failed=0), (), "0 of 1"),  # its reason says that one failed
    ],
)
def test_a_listing_that_lags_is_asked_again_later(
    parent: Answer, listed: tuple[int, ...], counts: str
) -> None:
    jobs, _ = jobs_on(parent, answer(jobSummaryList=[child(index) for index in listed]))
    indexes = list[int]()
    with pytest.raises(NotDone, match=f"ListJobs lags: {counts} failed children of j"):
        indexes.extend(failure.index for failure in jobs.failed_children("j"))
    assert indexes == list(listed)


def test_counts_that_lag_hide_no_child() -> None:
    jobs, _ = jobs_on(array(failed=1), answer(jobSummaryList=[child(2), child(5)]))
    assert [failure.index for failure in jobs.failed_children("j")] == [2, 5]


def test_an_array_that_ended_before_it_had_children_failed_as_a_whole() -> None:
    reason = "Dependent Job failed"
    jobs, _ = jobs_on(array(failed=0, reason=reason, size=2), answer(jobSummaryList=[]))
    assert list(jobs.failed_children("j")) == [
        ChildFailure(index=0, job_id="j:0", reason=reason),
        ChildFailure(index=1, job_id="j:1", reason=reason),
    ]


def test_a_child_is_a_job_of_its_own() -> None:
    described = child(7, {"exitCode": 3}, status="FAILED")
    described["arrayProperties"]["statusSummary"] = {}
    jobs, sent = jobs_on(answer(jobs=[described]))
    assert list(jobs.failed_children("j:7")) == [ChildFailure(index=7, job_id="j:7", exit_code=3)]
    assert sent == [{"jobs": ["j:7"]}]


def test_a_job_that_is_left_out_is_forgotten() -> None:
    jobs, _ = jobs_on(answer(jobs=[]))
    with pytest.raises(JobForgotten):
        list(jobs.failed_children("j"))


@pytest.mark.parametrize(("answer", "error"), ERRORS)
@pytest.mark.parametrize("before", [(), (array(failed=1),)])
def test_an_error_is_classed_whichever_call_meets_it(
    before: tuple[Answer, ...], answer: Answer, error: type[Exception]
) -> None:
    jobs, _ = jobs_on(*before, answer)
    with pytest.raises(error) as raised:
        list(jobs.failed_children("j"))
    assert type(raised.value) is error


# --- what they printed


def logs_on(job: dict[str, Any], *answers: Answer) -> tuple[CloudWatchLogs, list[Any]]:
    """And the requests that CloudWatch Logs is sent."""
    logs, wire = CloudWatchLogs(), Kept(*answers)
    batch, client = logs._jobs.meta.events, logs._client.meta.events
    batch.register("before-send.batch.*", Wire(answer(jobs=[job])))  # type: ignore[arg-type]  # the stub has no answer
    client.register("before-send.cloudwatch-logs.*", wire)  # type: ignore[arg-type]  # the stub has no answer
    return logs, wire.requests


def refusal(status: int, code: str) -> Answer:
    """CloudWatch Logs names its errors in the body."""
    return status, "", json.dumps({"__type": code, "message": "no"})


RAN = {"jobId": "j:1", "container": {"logStreamName": "s"}}


def page(*lines: str, token: str) -> Answer:
    events = [{"timestamp": 1, "message": line} for line in lines]
    return answer(events=events, nextBackwardToken=token, nextForwardToken="f")


@pytest.mark.parametrize(
    ("job", "group", "stream"),
    [
        (RAN, "/aws/batch/job", "s"),
        (
            {"container": {"logStreamName": "s", "logConfiguration": {"options": {"a": "b"}}}},
            "/aws/batch/job",
            "s",
        ),
        (
            {
                "container": {"logConfiguration": {"options": {"awslogs-group": "mine"}}},
                "attempts": [{"container": {"logStreamName": n}} for n in ("first", "last")],
            },
            "mine",
            "last",
        ),
    ],
)
def test_a_log_is_where_the_job_says(job: dict[str, Any], group: str, stream: str) -> None:
    logs, sent = logs_on(job, page("one", "two", token="b"))
    assert logs.tail("j:1", 20) == ("one", "two")
    place = {"logGroupName": group, "logStreamName": stream}
    assert sent == [{**place, "limit": 20, "startFromHead": False}]


def test_empty_pages_are_passed_over() -> None:
    logs, sent = logs_on(RAN, page(token="3"), page(token="2"), page("one", token="1"))
    assert logs.tail("j:1", 20) == ("one",)
    assert [request.get("nextToken") for request in sent] == [None, "3", "2"]


def test_an_empty_log_ends_at_the_same_token() -> None:
    logs, sent = logs_on(RAN, page(token="3"), page(token="3"))
    assert (logs.tail("j:1", 20), len(sent)) == ((), 2)


def test_pages_without_a_line_are_not_read_for_ever() -> None:
    logs, sent = logs_on(RAN, *(page(token=str(n)) for n in range(9)))
    assert (logs.tail("j:1", 20), len(sent)) == ((), PAGES_MAX)


@pytest.mark.parametrize("job", [{"jobId": "j:1"}, {"container": {}, "attempts": []}])
def test_what_never_ran_has_no_log(job: dict[str, Any]) -> None:
    logs, sent = logs_on(job, page("x", token="1"))
    assert (logs.tail("j:1", 20), sent) == ((), [])


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_is_gone_or_must_not_be_read_has_no_lines(code: str) -> None:
    logs, _ = logs_on(RAN, refusal(400, code))
    assert logs.tail("j:1", 20) == ()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(400, "InvalidParameterException"), Refused),
        (refusal(400, "ThrottlingException"), Throttled),
        (refusal(500, "ServiceUnavailableException"), Ambiguous),
    ],
)
def test_other_errors_of_a_log_are_classed(answer: Answer, error: type[Exception]) -> None:
    logs, _ = logs_on(RAN, answer)
    with pytest.raises(error):
        logs.tail("j:1", 20)


def test_a_job_that_must_not_be_described_is_refused() -> None:
    logs = CloudWatchLogs()
    denied = Wire((403, "AccessDeniedException", '{"message": "not authorized"}'))
    logs._jobs.meta.events.register("before-send.batch.*", denied)  # type: ignore[arg-type]  # the stub has no answer
    with pytest.raises(Denied):
        logs.tail("j:1", 20)
