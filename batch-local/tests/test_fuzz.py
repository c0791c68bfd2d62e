"""Requests drawn from botocore's own model, and broken ones: never a 500 of ours, and what is
refused changes nothing. The long form: FUZZ=10000 .venv/bin/pytest batch-local/tests/test_fuzz.py"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_local.api.operations import operations
from job_api import api_with_a_job

CASES = int(os.environ.get("FUZZ", "300"))
_TEXTS = st.sampled_from(
    ["", "q", "d", "d:1", "e", "id-1", "id-1:0", "RUNNABLE", "JOB_NAME", "N_TO_N", "SEQUENTIAL"]
    + ["RETRY", "EXIT", "*", "1*", "container", "true", "2", "AWS_BATCH_X", "a=b", "x" * 200, "é\0"]
)
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXTS,
    "integer": st.sampled_from([-1, 0, 1, 2, 3, 59, 60, 10_001]),
    "long": st.integers(-1, 10**13),
    "boolean": st.booleans(),
    "float": st.floats(0, 9),
    "double": st.floats(0, 9),
}
_JUNK = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


def drawn(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """A value of a shape, now and then of none."""
    match shape:
        case StructureShape():
            required = set(shape.required_members)
            members = {
                name: drawn(inner, depth + 1)
                for name, inner in shape.members.items()
                if name in required or depth < 3
            }
            return st.fixed_dictionaries(
                {name: value for name, value in members.items() if name in required},
                optional={n: value for n, value in members.items() if n not in required},
            )
        case ListShape():
            return st.lists(drawn(shape.member, depth + 1), max_size=2)
        case MapShape():
            return st.dictionaries(_TEXTS, drawn(shape.value, depth + 1), max_size=2)
        case _:
            return st.one_of(_SCALARS.get(shape.type_name, _TEXTS), *([_JUNK] if depth > 4 else []))


POSTS = sorted(path for method, path in operations() if method == "POST" and "{" not in path)


@settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
@given(data=st.data(), path=st.sampled_from(POSTS))
def test_any_request_of_the_model_is_answered_in_awss_shapes(
    data: st.DataObject, path: str
) -> None:
    api, scheduler = api_with_a_job()
    shape = operations()["POST", path].input_shape
    assert shape is not None
    request = data.draw(drawn(shape))
    before = Counter(job.status for job in scheduler.jobs.values())
    status, answer = api.handle("POST", path, json.dumps(request).encode(), {})
    assert status in (200, 400), answer
    if status == 400:
        assert answer["__type"] == "ClientException"
        assert Counter(job.status for job in scheduler.jobs.values()) == before


@settings(max_examples=CASES)
@given(
    body=st.binary(max_size=60) | st.text(max_size=30).map(str.encode), path=st.sampled_from(POSTS)
)
def test_a_body_that_is_no_request_is_refused(body: bytes, path: str) -> None:
    api, _ = api_with_a_job()
    status, _ = api.handle("POST", path, body, {})
    assert status in (200, 400)


def test_the_rest_of_the_api_answers() -> None:
    api, scheduler = api_with_a_job()
    arn = "arn:aws:batch:us-east-1:000000000000:job-queue/q"
    tags_path = f"/v1/tags/{arn.replace(':', '%3A').replace('/', '%2F')}"
    assert api.handle("POST", tags_path, b'{"tags": {"a": "b", "c": "d"}}', {}) == (200, {})
    assert api.handle("DELETE", tags_path, b"", {"tagKeys": ["a"]}) == (200, {})
    assert api.handle("GET", tags_path, b"", {}) == (200, {"tags": {"c": "d"}})
    assert api.handle("POST", "/v1/absent", b"", {})[0] == 404
    many = json.dumps({"jobs": ["x"] * 51, "reason": "r"}).encode()
    assert api.handle("POST", "/v1/canceljobs", many, {})[0] == 400
    bulk = json.dumps({"jobs": ["id-1", "absent"], "reason": "r"}).encode()
    status, answer = api.handle("POST", "/v1/terminatejobs", bulk, {})
    assert (status, answer) == (200, {"successful": ["id-1", "absent"], "errors": []})
    assert scheduler.jobs["id-1"].is_terminated
