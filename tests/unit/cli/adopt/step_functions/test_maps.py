"""Maps: the lists of their items, and the jobs within them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.adopt.adopting import adopted
from tests.unit.cli.adopt.step_functions.definitions import (
    command,
    job,
    machine,
    over,
    step,
    words_of,
)

FILE = {"file": "${params.execution-input}", "items": "a.items"}


def test_a_map_over_the_input_lists_the_inputs_document() -> None:
    arguments = {"Parameters": {"index.$": "$.number"}, **command("go", "Ref::index", "--in")}
    arguments["ContainerOverrides"]["Environment"] = [{"Name": "KEY", "Value.$": "$.one.key"}]
    selector = {"one.$": "$$.Map.Item.Value", "number.$": "$$.Map.Item.Index"}
    result = adopted(
        over(machine("A", A=job(arguments)), ItemsPath="$.a.items", ItemSelector=selector)
    )
    assert result.steps == [
        step(
            "A",
            containerOverrides={
                "command": [
                    "batchrelay-worker",
                    "run",
                    "--",
                    "env",
                    "KEY={item.key}",
                    "go",
                    "{item.number}",
                    "--in",
                ]
            },
            flow={"forEach": FILE},
        )
    ]
    assert result.params["execution-input"]["type"] == "s3uri"


@pytest.mark.parametrize(
    ("reader", "items"),
    [
        (
            {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a/b"},
             "Parameters": {"Bucket": "b", "Key.$": "$.key"}},
            {"file": "s3://b/${params.key}", "items": "a.b"},
        ),
        (
            {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "CSV", "CSVDelimiter": "PIPE"},
             "Parameters": {"Bucket": "b", "Key": "k"}},
            {"file": "s3://b/k", "format": "csv", "separator": "|"},
        ),
        (
            {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b", "Prefix": "p/"}},
            {"prefix": "s3://b/p/"},
        ),
    ],
)  # fmt: skip
def test_a_distributed_map_reads_what_its_reader_does(
    reader: dict[str, Any], items: dict[str, Any]
) -> None:
    result = adopted(over(machine("A", A=job()), ItemReader=reader))
    assert result.steps == [step("A", flow={"forEach": items})]


def test_an_object_of_a_listing_has_our_names_for_its_fields() -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    arguments = {"ContainerOverrides": {"Command.$": "States.Array('go', $.Key)"}}
    result = adopted(over(machine("A", A=job(arguments)), ItemReader=reader))
    assert words_of(result) == ["batchrelay-worker", "run", "--", "go", "{item.key}"]


@pytest.mark.parametrize(
    "more",
    [
        {"ItemsPath": "$.x[*]"},
        {"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "MANIFEST"},
                        "Parameters": {"Bucket": "b", "Key": "k"}}},
        {"ItemReader": {"Resource": "arn:aws:states:::dynamodb:scan", "Parameters": {"Bucket": "b"}}},
    ],
)  # fmt: skip
def test_items_that_are_not_known_are_the_uri_of_a_list(more: dict[str, Any]) -> None:
    result = adopted(over(machine("A", A=job()), **more))
    assert result.steps[0]["flow"] == {"forEach": {"file": "${params.M-items}", "items": ""}}
    assert result.params["M-items"]["type"] == "s3uri"
    assert "give the URI of a JSON list" in result.notes[0]


def test_jobs_within_a_map_follow_each_other_item_by_item_and_the_next_waits_for_all() -> None:
    inner = machine("A", A=job(Next="B"), B=job())
    definition = over(inner, ItemsPath="$.a.items", Next="C")
    definition["States"]["C"] = job()
    del definition["States"]["M"]["End"]
    result = adopted(definition)
    assert result.steps == [
        step("A", flow={"forEach": FILE}),
        step("B") | {"dependsOn": [{"jobName": "A", "type": "N_TO_N"}]},
        step("C", "B"),
    ]


def test_one_at_a_time_is_aws_batchs_sequence_and_what_fails_may_be_tolerated() -> None:
    inner = machine("A", A=job())
    [one] = adopted(over(inner, ItemsPath="$.a.items", MaxConcurrency=1)).steps
    assert one["dependsOn"] == [{"type": "SEQUENTIAL"}]
    result = adopted(
        over(inner, ItemsPath="$.a.items", MaxConcurrency=5, ToleratedFailurePercentage=10)
    )
    bounded = {"forEach": FILE, "maxRunning": 5, "tolerate": {"percent": 10}}
    assert result.steps[0]["flow"] == bounded
    assert adopted(over(inner, ItemsPath="$.a.items", MaxConcurrency=0)).steps[0]["flow"] == {
        "forEach": FILE
    }
    for concurrency in ({"MaxConcurrencyPath": "$.n"}, {"MaxConcurrency": 2_000_000}):
        result = adopted(over(inner, ItemsPath="$.a.items", **concurrency))
        assert result.steps[0]["flow"] == {"forEach": FILE}
        assert "write flow.maxRunning" in result.notes[0]


def test_each_job_of_a_map_has_the_bound_of_the_map() -> None:
    inner = machine("A", A=job(Next="B"), B=job())
    result = adopted(over(inner, ItemsPath="$.a.items", MaxConcurrency=5))
    assert [entry["flow"]["maxRunning"] for entry in result.steps] == [5, 5]


def test_what_differs_from_item_to_item_and_cannot_is_listed() -> None:
    arguments = {
        "JobDefinition.$": "$.definition",
        "Tags": {"item.$": "$.id", "team": "t"},
        "Parameters": {"x.$": "$.id"},
    }
    result = adopted(over(machine("A", A=job(arguments)), ItemsPath="$.a.items"))
    assert result.steps == [
        step("A", tags={"team": "t"}, flow={"forEach": FILE})
        | {"jobDefinition": "your-job-definition"}
    ]
    assert [note.partition("A: ")[2].partition(":")[0] for note in result.notes] == [
        "parameters.x",
        "jobDefinition",
        "tags.item",
    ]


def test_a_map_in_a_map_and_a_map_without_jobs_are_listed() -> None:
    nested = over(machine("A", A=job(Next="N"), N=over(machine("B", B=job()))["States"]["M"]))
    result = adopted(nested | {"QueryLanguage": "JSONPath"})
    assert [one["jobName"] for one in result.steps] == ["A"]
    assert any("a Map in a Map" in note for note in result.notes)
