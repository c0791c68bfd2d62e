"""The file that is written: readable, and without a surprise of YAML."""

from __future__ import annotations

import pytest
import yaml

from batchrelay_cli.adopt.draft import Draft, Step
from batchrelay_cli.adopt.text import document_of, text_of
from batchrelay_cli.pipeline_file.document import parse


def draft(*steps: Step) -> Draft:
    return Draft(source="in", form="SubmitJob", name="p", steps=list(steps))


def step(**entry: object) -> Step:
    return Step(entry={"jobName": "a", **entry}, line=3, origin="here")


def test_short_lists_stand_on_one_line_and_the_flow_comes_last() -> None:
    flow = {"when": "params.x == 'y'"}
    one = step(flow=flow, command=["echo", "hello"], jobQueue="q", dependsOn=[{"jobName": "b"}])
    assert text_of(draft(one)) == (
        "# Made by batchrelay adopt from in: SubmitJob.\n"
        "pipeline: p\n"
        "\n"
        "steps:\n"
        "# in:3: here\n"
        "- jobName: a\n"
        "  dependsOn:\n"
        "  - {jobName: b}\n"
        "  jobQueue: q\n"
        "  command: [echo, hello]\n"
        "  flow:\n"
        "    when: params.x == 'y'\n"
    )


@pytest.mark.parametrize(
    "value",
    [
        "1e3",
        "-1.5E-3",
        "1",
        "0x10",
        "1_000",
        "1:30",
        "no",
        "True",
        "null",
        "~",
        "",
        "=",
        "<<",
        "2026-01-31",
        ".inf",
        "-",
        "?",
        "a\tb",
        "x" * 300,
        "word " * 60,
        "\n\n",
        " \n a",
        "\xa0",
    ],
)
def test_a_text_is_the_same_text_for_every_reader_of_yaml(value: str) -> None:
    one = draft(step(x=value, inner={value: [value, {"y": value}]}))
    assert parse(text_of(one)).data == document_of(one)
    assert yaml.safe_load(text_of(one)) == document_of(one)


@pytest.mark.parametrize("value", [1, -5, 1.5, 1e300, 1e-7, True, None, 10**30, [], {}])
def test_a_number_stays_one(value: object) -> None:
    one = draft(step(x=value))
    assert parse(text_of(one)).data == document_of(one)


def test_a_value_that_stands_twice_is_written_twice() -> None:
    shared = {"a": ["b", {"c": "d"}]}
    assert "&" not in text_of(draft(step(x=shared, y=shared)))


def test_a_comment_is_one_line_whatever_it_says() -> None:
    one = Step(entry={"jobName": "a"}, line=1, origin="x\npipeline: other\r\u2028\x00" + "y" * 999)
    hostile = draft(one)
    hostile.source = "in\n- x"
    hostile.leave(1, "a: x\ny", "z\nsteps: []")
    assert parse(text_of(hostile)).data == {"pipeline": "p", "steps": [{"jobName": "a"}]}
    assert max(map(len, text_of(hostile).splitlines())) < 320
