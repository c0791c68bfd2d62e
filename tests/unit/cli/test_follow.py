"""`logs --follow`: which streams are read, how often, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from batchrelay_cli.client import Client
from batchrelay_cli.client.follow import (
    FOLLOWED_MAX,
    LATE_S,
    PAGES_MAX,
    PAUSE_S,
    PAUSE_S_MAX,
    Follower,
    JobsOfRun,
    OneJob,
)
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.log_streams import LogStream, streams_of


class AbsentError(Exception):
    """ResourceNotFoundException."""


@dataclass
class Cloud:
    """Jobs, and what they have printed so far; time passes in pauses only."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    printed: dict[str, list[str]] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    steps: list[Any] = field(default_factory=list)
    """What happens in each pause; then nothing does."""
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    reads: list[int] = field(default_factory=lambda: [0])
    throttled: int = 0
    exceptions: ClassVar[Any] = SimpleNamespace(ResourceNotFoundException=AbsentError)
    meta: ClassVar[Any] = SimpleNamespace(endpoint_url="https://batch.eu-central-1.amazonaws.com")

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        if self.throttled:
            self.throttled -= 1
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "DescribeJobs")
        return {"jobs": [self.jobs[job_id] for job_id in jobs if job_id in self.jobs]}

    def list_jobs(self, *, arrayJobId: str, jobStatus: str) -> dict[str, Any]:  # noqa: N803  # AWS's
        assert jobStatus == "RUNNING"
        ids = [one for one in self.children if one.startswith(f"{arrayJobId}:")]
        return {"jobSummaryList": [{"jobId": job_id} for job_id in ids]}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        self.reads[-1] += 1
        name = request["logStreamName"]
        if name not in self.printed:
            raise AbsentError
        lines = self.printed[name]
        token = request.get("nextToken")
        start = int(token) if token else 0
        if token is None and not request["startFromHead"]:
            start = max(0, len(lines) - request["limit"])
        events = [{"message": line} for line in lines[start:]]
        return {"events": events, "nextForwardToken": str(len(lines))}

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.reads.append(0)
        if self.steps:
            self.steps.pop(0)()
        assert len(self.pauses) < 100, "it never ends"

    @property
    def stack(self) -> Stack:
        return Stack(make_client=lambda _: self, outputs={})

    def follower(self, jobs: Any) -> Follower:
        return Follower(stack=self.stack, jobs=jobs, pause=self.pause, clock=lambda: self.now)


def job(status: str, *streams: str, job_id: str = "j") -> dict[str, Any]:
    """A job of one container; a stream for each attempt, the last of which may be running."""
    ended = streams if status in ("SUCCEEDED", "FAILED") else streams[:-1]
    return {
        "jobId": job_id,
        "status": status,
        "container": {"logStreamName": streams[-1]} if streams else {"image": "i"},
        "attempts": [{"container": {"logStreamName": name}} for name in ended],
    }


def test_a_child_is_followed_over_its_attempts_until_it_has_ended() -> None:
    cloud = Cloud(jobs={"j": job("RUNNABLE")})

    def begin() -> None:
        cloud.jobs["j"], cloud.printed["s1"] = job("RUNNING", "s1"), ["one"]

    def again() -> None:
        cloud.printed["s1"].append("two")
        cloud.jobs["j"], cloud.printed["s2"] = job("RUNNING", "s1", "s2"), ["three"]

    def end() -> None:
        cloud.jobs["j"] = job("SUCCEEDED", "s1", "s2")

    def late() -> None:
        cloud.printed["s2"].append("four")

    cloud.steps = [begin, again, end, late]
    follower = cloud.follower(OneJob("j"))
    lines = ["one", "two", "three", "four"]
    assert list(follower.lines()) == [("", line) for line in lines]
    assert follower.last_job["status"] == "SUCCEEDED"
    assert cloud.pauses == [PAUSE_S] * (3 + round(LATE_S / PAUSE_S))


def test_of_what_runs_already_the_end_of_its_latest_attempt_is_shown() -> None:
    cloud = Cloud(jobs={"j": job("FAILED", "s1", "s2")})
    cloud.printed = {"s1": ["earlier"], "s2": [str(number) for number in range(1_500)]}
    lines = [line for _, line in cloud.follower(OneJob("j")).lines()]
    assert (len(lines), lines[0], lines[-1]) == (1_000, "500", "1499")


def test_a_stream_that_is_not_there_yet_is_asked_for_again() -> None:
    cloud = Cloud(jobs={"j": job("RUNNING", "s")})
    cloud.steps = [
        lambda: None,
        lambda: cloud.printed.update(s=["hello"]),
        lambda: cloud.jobs.update(j=job("SUCCEEDED", "s")),
    ]
    assert list(cloud.follower(OneJob("j")).lines()) == [("", "hello")]


def test_throttling_makes_the_pauses_longer_and_loses_no_line() -> None:
    cloud = Cloud(jobs={"j": job("RUNNING", "s")}, printed={"s": ["a"]}, throttled=7)
    cloud.steps = [*[lambda: None] * 8, lambda: cloud.jobs.update(j=job("SUCCEEDED", "s"))]
    assert list(cloud.follower(OneJob("j")).lines()) == [("", "a")]
    assert cloud.pauses[:8] == [2.0, 4.0, 8.0, 16.0, *[PAUSE_S_MAX] * 3, PAUSE_S]


def test_another_refusal_ends_it() -> None:
    cloud = Cloud(jobs={"j": job("RUNNING", "s")})

    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetLogEvents")

    cloud.get_log_events = denied  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="AccessDenied"):
        list(cloud.follower(OneJob("j")).lines())


TASK: Mapping[str, Any] = {
    "jobId": "j",
    "status": "RUNNING",
    "ecsProperties": {
        "taskProperties": [
            {
                "containers": [
                    {"name": "web", "logStreamName": "w2"},
                    {
                        "name": "db",
                        "logStreamName": "d2",
                        "logConfiguration": {"options": {"awslogs-group": "mine"}},
                    },
                ]
            }
        ]
    },
    "attempts": [
        {
            "taskProperties": [
                {
                    "containers": [
                        {"name": "web", "logStreamName": "w1"},
                        {"name": "db", "logStreamName": "d1"},
                    ]
                }
            ]
        }
    ],
}


def test_each_container_of_a_task_has_a_stream_with_its_name() -> None:
    assert streams_of(TASK) == [
        LogStream(group="/aws/batch/job", name="w1", container="web"),
        LogStream(group="mine", name="d1", container="db"),
        LogStream(group="/aws/batch/job", name="w2", container="web"),
        LogStream(group="mine", name="d2", container="db"),
    ]


def test_the_lines_of_several_containers_have_their_names() -> None:
    cloud = Cloud(jobs={"j": dict(TASK)}, printed={"w2": ["hello"], "d2": ["ready"]})
    cloud.steps = [lambda: cloud.jobs.update(j={**TASK, "status": "SUCCEEDED"})]
    lines = list(cloud.follower(OneJob("j")).lines())
    assert lines == [("web", "hello"), ("db", "ready")]


def part(
    job_id: str | None, outcome: str | None, children: int = 1, round_number: int = 0
) -> dict[str, Any]:
    return {"jobId": job_id, "outcome": outcome, "children": children, "round": round_number}


class Answers(Client):
    """The API of a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.stack)
        self.cloud = cloud

    def status(self, run_id: str) -> Any:
        assert run_id == "r"
        return self.cloud.run


def run_of(status: str, **steps: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    listed = [{"step": name, "status": s, "jobs": jobs} for name, (s, jobs) in steps.items()]
    return {"runId": "r", "status": status, "steps": listed}


def test_a_run_is_followed_from_now_on_over_its_steps() -> None:
    cloud = Cloud()
    cloud.run = run_of("RUNNING", a=("SUCCEEDED", [part("a", "SUCCEEDED")]), b=("ACTIVE", [
        part("b", "SUBMITTED", 3)]), c=("WAITING", []))  # fmt: skip
    cloud.children = ["b:0", "b:2"]
    cloud.jobs = {name: job("RUNNING", name, job_id=name) for name in ("b:0", "b:2")}
    cloud.printed = {"a": ["before"], "b:0": ["zero"], "b:2": ["two"], "c": ["end"]}

    def end() -> None:
        cloud.children = []
        cloud.jobs = {name: job("SUCCEEDED", name, job_id=name) for name in ("b:0", "b:2", "c")}
        cloud.run = run_of("SUCCEEDED", a=("SUCCEEDED", [part("a", "SUCCEEDED")]), b=("SUCCEEDED", [
            part("b", "SUCCEEDED", 3)]), c=("SUCCEEDED", [part("c", "SUCCEEDED")]))  # fmt: skip

    cloud.steps = [end]
    jobs = JobsOfRun(client=Answers(cloud), run_id="r")
    assert sorted(cloud.follower(jobs).lines()) == [("b:0", "zero"), ("b:2", "two"), ("c", "end")]
    assert jobs.status == "SUCCEEDED"


def test_the_only_job_of_a_step_that_has_ended_is_shown() -> None:
    cloud = Cloud(jobs={"a": job("FAILED", "a", job_id="a")}, printed={"a": ["oh"]})
    cloud.run = run_of("FAILED", a=("FAILED", [part("a", "FAILED")]), b=("SKIPPED", []))
    jobs = JobsOfRun(client=Answers(cloud), run_id="r", step="a")
    assert list(cloud.follower(jobs).lines()) == [("", "oh")]
    assert jobs.status == "FAILED"


def test_few_children_are_followed_at_a_time_with_few_calls() -> None:
    cloud = Cloud()
    names = [f"b:{number}" for number in range(FOLLOWED_MAX + 5)]
    cloud.run = run_of("RUNNING", b=("ACTIVE", [part("b", "SUBMITTED", 100)]))
    cloud.children, cloud.printed = names, {name: [name] for name in names}
    cloud.jobs = {name: job("RUNNING", name, job_id=name) for name in names}
    jobs = JobsOfRun(client=Answers(cloud), run_id="r")
    lines: Iterator[tuple[str, str]] = cloud.follower(jobs).lines()
    seen = {next(lines)[1] for _ in range(FOLLOWED_MAX)}
    assert seen == set(names[:FOLLOWED_MAX])
    assert set(cloud.reads) == {PAGES_MAX}

    def end() -> None:
        cloud.jobs = {name: job("SUCCEEDED", name, job_id=name) for name in names}
        cloud.children = names[FOLLOWED_MAX:]

    def over() -> None:
        cloud.run = run_of("SUCCEEDED", b=("SUCCEEDED", [part("b", "SUCCEEDED", 100)]))

    cloud.steps = [end, *[lambda: None] * 10, over]
    assert {line for _, line in lines} == set(names[FOLLOWED_MAX:])
