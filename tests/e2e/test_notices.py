"""How the end of a run is reported, on the local cloud: a notice, a URL, an event."""

from __future__ import annotations

import json
import re
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from batchrelay.domain.state_change import DETAIL_TYPE, SOURCE
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.docs.snippets import snippet
from tests.e2e.command_line import batchrelay, document, ended_runs, printed

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
FILE = """
pipeline: NAME
params: {source: {type: string, default: none}}
steps:
  - jobName: make
    jobDefinition: make
    jobQueue: Noticed
    containerOverrides: {command: ["true", "${params.source}"]}
    flow: {output: "s3://${env.bucket}/results/NAME.csv"}
notify: [{topicArn: "${env.topicArn}", link: "${steps.make.output}", presign: 1h}]
jobDefinitions:
  - jobDefinitionName: make
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""


REPORTED = """
pipeline: reported
params: {label: {type: string, default: "</script><img src=x onerror=alert(1)>"}}
report: true
steps:
  - jobName: work
    jobDefinition: work
    jobQueue: Reported
    arrayProperties: {size: 3}
    flow: {tolerate: {count: 1}}
notify: [{topicArn: "${env.topicArn}", on: [PARTIAL], presign: 1h}]
jobDefinitions:
  - jobDefinitionName: work
    type: container
    containerProperties:
      image: i
      vcpus: 1
      memory: 64
      command: [sh, -c, "echo '<script>alert(2)</script>'; test $AWS_BATCH_JOB_ARRAY_INDEX != 1"]
"""


class Page(HTMLParser):
    """The tags of a page, and its title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.title = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["title"] and not self.title:
            self.title = data


def queue(cloud: LocalCloud, name: str) -> tuple[str, str]:
    """URL and ARN."""
    sqs = client_of(cloud, "sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def received(cloud: LocalCloud, url: str) -> Any:
    messages = client_of(cloud, "sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
    return json.loads(messages["Messages"][0]["Body"])


def chained(cloud: LocalCloud) -> None:
    """The rule of the page, as CloudFormation would make it."""
    resources = snippet("notices.md", "Start a pipeline when another has succeeded")["Resources"]
    rule = resources["FirstSucceeded"]["Properties"]
    [target] = rule["Targets"]
    events = client_of(cloud, "events")
    events.put_rule(Name="chain", EventPattern=json.dumps(rule["EventPattern"]))
    name = cloud.outputs["StartRunName"]
    functions = client_of(cloud, "lambda")
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    transformer = target["InputTransformer"]
    targets = [{"Id": target["Id"], "Arn": arn, "InputTransformer": transformer}]
    events.put_targets(Rule="chain", Targets=targets)


def test_the_end_of_a_run_is_a_notice_with_a_url_and_an_event_that_starts_another(
    stays: LocalCloud, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        printed("deploy", write(tmp_path, FILE.replace("NAME", name)))
    notices, arn = queue(stays, "notices")
    topic = stays.outputs["TopicArn"]
    client_of(stays, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    ends, arn = queue(stays, "ends-of-runs")
    events = client_of(stays, "events")
    pattern = {"source": [SOURCE], "detail-type": [DETAIL_TYPE], "detail": {"pipeline": ["first"]}}
    events.put_rule(Name="ends-of-runs", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends-of-runs", Targets=[{"Id": "1", "Arn": arn}])
    chained(stays)
    bucket = stays.outputs["BucketName"]
    client_of(stays, "s3").put_object(Bucket=bucket, Key="results/first.csv", Body=b"a,b\n")

    printed("start", "first")
    [first] = ended_runs("first")
    run_id = first["runId"]
    event, notice = received(stays, ends), received(stays, notices)
    attributes = {name: a["Value"] for name, a in notice["MessageAttributes"].items()}
    assert notice["Subject"] == "first SUCCEEDED"
    assert attributes["batchrelay.runId"] == run_id
    of_notice = json.loads(attributes["batchrelay.run"])
    link = of_notice.pop("link")
    assert of_notice.pop("reportLink") is None
    assert of_notice == event["detail"]
    [url] = re.findall(r"at most until .* UTC\): (http.*)", notice["Message"])
    assert link["url"] == url
    with urllib.request.urlopen(url) as answer:  # noqa: S310  # the cloud's own
        assert answer.read() == b"a,b\n"

    [second] = ended_runs("second")
    assert document("status", second["runId"])["params"] == {
        "source": f"s3://{bucket}/results/first.csv"
    }


def test_a_run_leaves_a_report_that_its_notice_and_its_event_link_to(
    stays: LocalCloud, tmp_path: Path
) -> None:
    printed("deploy", write(tmp_path, REPORTED))
    notices, arn = queue(stays, "notices-with-reports")
    topic = stays.outputs["TopicArn"]
    client_of(stays, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    printed("start", "reported")
    [run] = ended_runs("reported", statuses=["PARTIAL"])
    run_id = run["runId"]
    notice = received(stays, notices)
    uri = f"s3://{stays.outputs['BucketName']}/runs/{run_id}/report-0.html"
    assert f"\nReport: {uri}\n" in notice["Message"]
    [url] = re.findall(r"at most until .* UTC\): (http.*)", notice["Message"])
    with urllib.request.urlopen(url) as answer:  # noqa: S310  # the cloud's own
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        page = Page(answer.read().decode())
    assert page.title == f"reported {run_id}: PARTIAL"
    assert (page.tags.count("script"), page.tags.count("img")) == (2, 0), "none of the run's texts"

    status = document("status", run_id)
    assert (status["report"], status["reportProblem"], status["isOpen"]) == (uri, None, False)
    assert status["cost"] is None, "unknown: this machine has no price"
    shown = batchrelay("status", run_id)
    assert (shown.exit_code, f"report: {uri}" in shown.stdout.replace("\n", "")) == (4, True)
    body = client_of(stays, "s3").get_object(
        Bucket=stays.outputs["BucketName"], Key=f"runs/{run_id}/run-0.json"
    )["Body"]
    report = json.loads(body.read())
    assert report["run"]["status"] == "PARTIAL"
    assert report["steps"][0]["measured"]["states"] == {"SUCCEEDED": 2, "FAILED": 1}
    assert report["region"] is None, "no console shows a local cloud"
