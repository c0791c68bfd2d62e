"""No error quotes what is in an object: its reader may not be one who may read the object.

A caller of the API may choose the object (`forEach.file: ${params.list}`), and sees the reasons.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from batchrelay.codec import encode_run
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.pipeline import (
    Aggregate,
    ListFile,
    ListFormat,
    NoticeRule,
    Param,
    Pipeline,
    Step,
)
from batchrelay.domain.run import StartRequest
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.preparation.items.sources import Sources
from tests.builders import ENVIRONMENT, MemoryCloud, pipeline
from tests.handlers import CONTEXT, api, prepare, serve

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

WORD, NUMBER = "cnry7", "7352911"
"""What is planted as a text, and as a number."""
PARTS = (WORD, NUMBER, "cnry", "73529")
LIST = "s3://payroll/list"
TOPIC = ENVIRONMENT["topicArn"]

LISTS: list[tuple[str, bytes, dict[str, Any]]] = [
    (".csv", f"a,b\n1,{WORD},3\n".encode(), {}),
    (".csv", f"{WORD},{WORD}\n".encode(), {}),
    (".csv", f"a, {WORD}\n".encode(), {}),
    (".csv", f"{WORD},,\n".encode(), {}),
    (".csv", f"a,{WORD}\na,{WORD}\n".encode(), {}),
    (".csv", f"a,b\n\ufeff{WORD},2\n".encode(), {}),
    (".csv", f"sep=;\n{WORD};b\n".encode(), {}),
    (".csv", f"{WORD};b\n1;2\n".encode(), {}),
    (".csv", f"<{WORD}>\n".encode(), {}),
    (".csv", f'{{"{WORD}": 1}}\n'.encode(), {}),
    (".csv", f'a,b\n1,"{WORD}\n'.encode(), {}),
    (".csv", f'a,b\n1,"x"{WORD}\n'.encode(), {}),
    (".csv", f"a,b\n1,{WORD}\r{WORD}\n".encode(), {}),
    (".tsv", f"{WORD}\tb\n1\n".encode(), {}),
    (".json", f'["{WORD}"'.encode(), {}),
    (".json", f'["{WORD}" {WORD}]'.encode(), {}),
    (".json", f"[{WORD}]".encode(), {}),
    (".json", f'{{"{WORD}": 1, "{WORD}": 2}}'.encode(), {"items": "Items"}),
    (".json", f'[{{"{WORD}": 1, "{WORD}": 2}}]'.encode(), {}),
    (".json", f'{{"{WORD}": [1]}}'.encode(), {"items": "Items"}),
    (".json", f'{{"Items": "{WORD}"}}'.encode(), {"items": "Items"}),
    (".json", f'"{WORD}"'.encode(), {"items": "Items.x"}),
    (".json", f"[{NUMBER}e999]".encode(), {}),
    (".json", f'["{WORD}\\ud800"]'.encode(), {}),
    (".json", f'["\\{WORD}"]'.encode(), {}),
    (".json", f'[] "{WORD}"'.encode(), {}),
    (".jsonl", f"{WORD}\n".encode(), {}),
    (".jsonl", f'"a" {WORD}\n'.encode(), {}),
    (".jsonl", f'{{"{WORD}": 1, "{WORD}": 2}}\n'.encode(), {}),
    (".jsonl", f'{{"x": {NUMBER}e-999}}\n'.encode(), {}),
    (".jsonl", f'"{WORD}\\udc00"\n'.encode(), {}),
    (".jsonl", f'{{"key": "{WORD}"\n'.encode(), {}),
    (".txt", f"{WORD}\rb\n".encode(), {}),
    (".txt", f'{{"{WORD}": 1}}\n'.encode(), {}),
    (".txt", f"<{WORD}>\n".encode(), {}),
    (".txt", f"- {WORD}\n- {WORD}\n".encode(), {}),
    (".txt", f"{WORD};1\n{WORD};2\n".encode(), {}),
    (".txt", f"a\n\ufeff{WORD}\n".encode(), {}),
    (".txt", f"{WORD}\xff".encode("latin-1"), {}),
    (".txt", f"{WORD}\0".encode(), {}),
    (".txt", f"PK\x03\x04{WORD}\xff".encode("latin-1"), {}),
    (".txt", gzip.compress(WORD.encode())[:-4], {}),
    (".txt", gzip.compress(b"")[:10] + f"{WORD}{WORD}".encode(), {}),
    ("", WORD.encode(), {"output": "s3://b/${item.name.x}"}),
    (".jsonl", f'{{"{WORD}": "{WORD}"}}\n'.encode(), {"output": "s3://b/${item.id}"}),
    (".jsonl", f'{{"id": null, "x": {NUMBER}}}\n'.encode(), {"output": "s3://b/${item.id}"}),
    (".jsonl", f'"{WORD}"\n"{WORD}"\n'.encode(), {"output": "s3://b/${item}.out"}),
    (".jsonl", f"{NUMBER}\n{NUMBER}\n".encode(), {"skip_existing": "s3://b/${item}.out"}),
]
"""How the object's name ends, what is in it, and what the step says."""


def definition(step: Step) -> Pipeline:
    params = (Param(name="list", default=LIST),)
    rule = NoticeRule(topic=TOPIC, on=frozenset({"FAILED", "SUCCEEDED"}))
    return pipeline(step, params=params, notify=(rule,))


def prepared(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch, params: dict[str, str], resume: str = ""
) -> dict[str, Any]:
    serve(cloud, monkeypatch)
    order = StartRequest(run_id="run1", pipeline="test", version=1, params=params)
    cloud.engine.start(order)
    if resume:  # another invocation has put it down, and asked for this one
        run = cloud.runs.load("run1")
        state = replace(run.state("fan"), resume=resume)
        cloud.runs.save(run.with_step("fan", state))
    body = {"run_id": "run1", "step": "fan", "round": 0, **({"resume": resume} if resume else {})}
    event = {"Records": [{"messageId": "m0", "body": json.dumps(body)}]}
    return dict(prepare.handler(event, CONTEXT))


def everything_printed(cloud: MemoryCloud, capsys: pytest.CaptureFixture[str]) -> str:
    """Logs, what is stored of the run, what the API answers, and the notices."""
    texts = [*capsys.readouterr(), str(encode_run(cloud.runs.load("run1")))]
    for path in ("/runs/run1", "/runs/run1/history", "/runs/run1/steps/fan", "/runs"):
        event = {
            "httpMethod": "GET",
            "path": path,
            "resource": path,
            "headers": {},
            "queryStringParameters": None,
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {"stage": "v1"},
        }
        answer = api.handler(event, CONTEXT)
        assert answer["statusCode"] == 200, answer
        texts.append(answer["body"])
    return "\n".join([*texts, *map(str, cloud.notices.published)])


@pytest.mark.parametrize("number", range(len(LISTS)))
def test_no_word_of_a_list_is_in_an_error(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, content, options = LISTS[number]
    options = dict(options)
    form = ListFormat.JSON if "items" in options else None
    listed = ListFile(file="${params.list}", items=options.pop("items", ""), format=form)
    request = {"jobQueue": "queue", "jobDefinition": "noop:1"}
    step = Step(name="fan", request=request, for_each=listed, **options)
    cloud = MemoryCloud(definition(step))
    cloud.objects.objects[LIST + ends] = content
    assert prepared(cloud, monkeypatch, {"list": LIST + ends}) == {"batchItemFailures": []}
    state = cloud.runs.load("run1").state("fan")
    assert state.status is StepStatus.FAILED, content
    assert any(mark in state.reason for mark in ("line", "byte", "item")), state.reason
    texts = everything_printed(cloud, capsys)
    assert json.dumps(state.reason, ensure_ascii=False)[1:-1] in texts
    assert [part for part in PARTS if part in texts] == [], state.reason


@pytest.mark.parametrize("record", [WORD, f'{{"items": [{{"ok": 1, "n": 0, "s": "{WORD}"}}]}}'])
def test_no_word_of_a_result_record_is_in_an_error(
    record: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Jobs write there; `chunk: auto` reads it."""
    request = {"jobQueue": "queue", "jobDefinition": "noop:1"}
    step = Step(name="fan", request=request, for_each=ListFile(file=f"{LIST}.jsonl"), chunk=None)
    cloud = MemoryCloud(definition(step))
    cloud.objects.objects |= {
        f"{LIST}.jsonl": b"1\n",
        "s3://the-bucket/runs/-tuning/test/fan.json": b'{"results": ["s3://the-bucket/runs/r/"]}',
        "s3://the-bucket/runs/r/0000000.json": record.encode(),
    }
    assert prepared(cloud, monkeypatch, {}) == {"batchItemFailures": []}
    assert cloud.runs.load("run1").state("fan").chunk == 1
    texts = everything_printed(cloud, capsys)
    assert [part for part in PARTS if part in texts] == []


@pytest.mark.parametrize("stored", [WORD, f'{{"position": {{"{WORD}": 1}}}}', f'"{WORD}"'])
def test_an_error_holds_no_content_of_a_stored_object(
    stored: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Jobs may write below runs/."""
    request = {"jobQueue": "queue", "jobDefinition": "noop:1"}
    step = Step(name="fan", request=request, for_each=ListFile(file=f"{LIST}.jsonl"))
    cloud = MemoryCloud(definition(step))
    uri = "s3://the-bucket/runs/run1/fan/r0/t/suspended-1.json"
    cloud.objects.objects |= {f"{LIST}.jsonl": b"1\n", uri: stored.encode()}
    assert prepared(cloud, monkeypatch, {}, resume=uri) == {"batchItemFailures": []}
    reason = cloud.runs.load("run1").state("fan").reason
    assert reason == f"{uri}: not what an earlier invocation put down"
    texts = everything_printed(cloud, capsys)
    assert [part for part in PARTS if part in texts] == []


@pytest.mark.parametrize("row", [f'"{WORD}"', f'{{"{WORD}": 1}}', f'{{"output": {NUMBER}}}'])
def test_no_word_of_a_level_is_in_an_error(row: str) -> None:
    cloud = MemoryCloud(
        definition(Step(name="fan", request={}, aggregate=Aggregate(of="a", fan_in=2)))
    )
    cloud.objects.objects["s3://the-bucket/x/items.jsonl"] = row.encode()
    state = replace(StepState(), manifest="s3://the-bucket/x/")
    with pytest.raises(InvalidItems) as error:
        list(Sources(objects=cloud.objects).level_outputs(state))
    assert "item 0" in str(error.value)
    assert [part for part in PARTS if part in str(error.value)] == []


def test_a_python_error_text_is_not_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of any reader, also one that is yet to be written."""

    def read(*_: object) -> Any:
        return iter([int(WORD)])

    monkeypatch.setattr("batchrelay.preparation.items.sources.read_jsonl", read)
    request = {"jobQueue": "queue", "jobDefinition": "noop:1"}
    step = Step(name="fan", request=request, for_each=ListFile(file=f"{LIST}.jsonl"))
    cloud = MemoryCloud(definition(step))
    cloud.objects.objects[f"{LIST}.jsonl"] = b"1\n"
    prepared(cloud, monkeypatch, {})
    reason = cloud.runs.load("run1").state("fan").reason
    assert reason.startswith(
        "the items cannot be read: ValueError at test_contents_stay_inside.py:"
    )
    assert WORD not in everything_printed(cloud, capsys)
