"""Every job has tags of its pipeline, run and step that AWS takes, whatever names a run has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.codec.pipelines import decode_pipeline, encode_pipeline
from batchrelay.domain.job_tags import JOB_TAGS, is_tag_char, tag_value, with_job_tags
from batchrelay.domain.request_rules import submit_violations
from batchrelay.domain.requests import submit_request
from batchrelay.domain.values import NAME, RUN_ID, JobKey, Json
from tests.builders import key, run_of, step

ECS_TAG = re.compile(r"[\w\s.:/=+\-@]*")
"""As far as Python's `re` can say `^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$`. Source: ECS, Tag."""


def request_of(*, job_tags: bool = True, **request: Json) -> Mapping[str, Json]:
    run = run_of(step("Fan", request=request), params={"x": "a,b (c)"})
    run = replace(run, pipeline=replace(run.pipeline, job_tags=job_tags))
    return submit_request(run, key("fan"))


OURS = {"batchrelay:pipeline": "test", "batchrelay:run": "run1", "batchrelay:step": "Fan"}


def test_a_job_has_the_tags_of_its_pipeline_run_and_step() -> None:
    request = request_of()
    assert (request["tags"], request["propagateTags"]) == (OURS, True)
    assert tuple(OURS) == JOB_TAGS


def test_what_the_file_says_wins() -> None:
    own: Mapping[str, Json] = {"team": "a", "batchrelay:step": "mine"}
    request = request_of(tags=own, propagateTags=False)
    assert (request["tags"], request["propagateTags"]) == ({**OURS, **own}, False)


def test_a_pipeline_may_be_without_them() -> None:
    assert request_of(job_tags=False).keys().isdisjoint({"tags", "propagateTags"})
    own: Mapping[str, Json] = {"team": "a"}
    assert request_of(job_tags=False, tags=own)["tags"] == own


@pytest.mark.parametrize("job_tags", [True, False])
def test_a_pipeline_is_stored_with_its_switch(job_tags: bool) -> None:
    pipeline = replace(run_of(step("a")).pipeline, job_tags=job_tags)
    document = json.loads(json.dumps(encode_pipeline(pipeline)))
    assert document.get("jobTags") is (None if job_tags else False)
    assert decode_pipeline(document, pipeline.version) == pipeline


def test_a_value_that_a_run_knows_is_made_a_tag() -> None:
    tags = request_of(tags={"x": "${params.x}", "plain": "a b"})["tags"]
    assert tags == {**OURS, "x": "a_b _c_", "plain": "a b"}


@given(st.text(max_size=400))
def test_any_text_makes_a_tag_that_aws_takes(text: str) -> None:
    value = tag_value(text)
    assert list(submit_violations({"tags": {"k": value}})) == []
    assert len(value) == min(len(text), 256)
    kept = all(map(is_tag_char, text)) and not text.lower().startswith("aws:")
    assert (value == text[:256]) is kept or len(text) > 256
    assert tag_value(value) == value


def test_a_long_value_is_cut() -> None:
    assert tag_value("x" * 256) == tag_value("x" * 257) == "x" * 256


def test_no_value_looks_like_one_of_aws() -> None:
    assert [tag_value(t) for t in ("aws:x", "AWS:x", "aws", "my aws:")] == [
        "_ws:x",
        "_WS:x",
        "aws",
        "my aws:",
    ]


@given(
    pipeline=st.from_regex(NAME, fullmatch=True),
    run_id=st.from_regex(RUN_ID, fullmatch=True),
    name=st.from_regex(NAME, fullmatch=True),
)
def test_every_name_that_a_run_can_have_is_a_tag(pipeline: str, run_id: str, name: str) -> None:
    request = with_job_tags({}, pipeline=pipeline, run_id=run_id, step=name)
    assert list(submit_violations(request)) == []
    tags = request["tags"]
    assert isinstance(tags, Mapping)
    assert list(tags.values()) == [pipeline, run_id, name]
    assert all(ECS_TAG.fullmatch(f"{k}{value}") for k, value in tags.items())


def test_the_longest_names_take_little_of_a_request() -> None:
    """AWS Batch takes 30,720 bytes."""
    request = with_job_tags({}, pipeline="p" * 128, run_id="0" * 32, step="s" * 128)
    assert len(json.dumps(request)) < 450


def test_the_tags_are_the_same_in_every_round_and_part() -> None:
    run = run_of(step("Fan", size=20_000))
    parts = [JobKey(run_id="run1", label="fan", round=0, part=part) for part in (0, 1)]
    assert [submit_request(run, part)["tags"] for part in parts] == [OURS, OURS]
