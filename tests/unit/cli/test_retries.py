"""`retryFailed` and `tolerate`: what a step does about items that fail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batchrelay.domain.failures import FailureClass, RetryFailed, Tolerate
from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.overrides import requests_of
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.job_definitions import pinned
from tests.stack import ROOT
from tests.unit.cli.job_texts import definition, needs, step
from tests.unit.cli.job_texts import problems as problems_of
from tests.unit.cli.pipeline_texts import problems, read_text, with_step

LISTED = (
    "OutOfMemory, SpotInterruption, Timeout, ImagePull, Killed, ExitCode, Upstream, NotSubmitted, "
    "Lost, Other, and ExitCode:NUMBER"
)
NO_MEMORY = (
    "memory grows from what {0} has, and neither its request nor a job definition of this file "
    "says it: write MEMORY in containerOverrides.resourceRequirements of {1}, such as "
    '{{type: MEMORY, value: "1024"}}'
)
SMALLER = (
    "a round of failed items is a smaller array, whose index is not the item's number: read "
    "BATCHRELAY_ITEM_NUMBERS, or use batchrelay-worker"
)
FACTOR = (
    "memory is x and a factor above 1 and up to 10, such as x2 or x1.5; for an amount write MEMORY "
    "in containerOverrides.resourceRequirements; got "
)


def test_every_key_is_read(tmp_path: Path) -> None:
    text = with_step(
        """
        containerOverrides: {resourceRequirements: [{type: MEMORY, value: "2048"}]}
        flow:
          forEach: {items: [1, 2, 3]}
          retryFailed:
            rounds: 2
            when: [OutOfMemory, Killed, "ExitCode:75"]
            jobQueue: large
            containerOverrides: {environment: [{name: LIST, value: "${items.file}"}]}
            memory: x1.5
          tolerate: {percent: 5}
        """
    )
    a = read_text(tmp_path, text).pipeline.step("a")
    assert (a.retry_failed, a.tolerate) == (
        RetryFailed(
            rounds=2,
            when=frozenset({"OutOfMemory", "Killed", "ExitCode:75"}),
            overrides={
                "jobQueue": "large",
                "containerOverrides": {"environment": [{"name": "LIST", "value": "${items.file}"}]},
            },
            memory_factor=1.5,
            memory_mib=2_048,
        ),
        Tolerate(percent=5.0),
    )


def test_a_plain_job_is_one_item(tmp_path: Path) -> None:
    file = read_text(tmp_path, with_step("flow: {retryFailed: {rounds: 1}, tolerate: {count: 1}}"))
    a = file.pipeline.step("a")
    assert (a.retry_failed, a.tolerate) == (RetryFailed(rounds=1), Tolerate(count=1))
    assert file.warnings == ()


ITEMS = {"items": [1, 2]}


@pytest.mark.parametrize(
    ("own", "definitions", "memory_mib"),
    [
        (needs("1", "512"), [], 512),
        (needs("1", "512"), [definition(needs("1", "64"))], 512),
        ({}, [definition(needs("1", "64"))], 64),
        ({"command": ["x"]}, [definition(needs("1", "64"))], 64),
        (needs("1", "${params.memory}"), [definition(needs("1", "64"))], None),
    ],
)
def test_memory_grows_from_what_the_first_round_has(
    tmp_path: Path, own: dict[str, Any], definitions: list[dict[str, Any]], memory_mib: int | None
) -> None:
    flow = {"forEach": ITEMS, "retryFailed": {"rounds": 1, "memory": "x2"}}
    entry = step(containerOverrides=own, flow=flow)
    more = {"params": {"memory": "32"}, "jobDefinitions": definitions}
    assert problems_of(tmp_path, entry, **more) == []
    retry = read(tmp_path / "pipeline.json").pipeline.step("a").retry_failed
    assert retry == RetryFailed(rounds=1, memory_factor=2.0, memory_mib=memory_mib)


def test_the_memory_of_a_definition_in_its_old_spelling_is_known(tmp_path: Path) -> None:
    known = definition()
    known["containerProperties"] = {"image": "i", "vcpus": 1, "memory": 96}
    entry = step(flow={"forEach": ITEMS, "retryFailed": {"rounds": 1, "memory": "x2"}})
    assert problems_of(tmp_path, entry, jobDefinitions=[known]) == []
    retry = read(tmp_path / "pipeline.json").pipeline.step("a").retry_failed
    assert retry == RetryFailed(rounds=1, memory_factor=2.0, memory_mib=96)


@pytest.mark.parametrize(
    ("flow", "problem"),
    [
        ("retryFailed: 2", "6:25: retryFailed must be {rounds: NUMBER, when: [CLASS, …], containerOverrides: …}"),
        ("retryFailed: ~", "6:25: retryFailed must be {rounds: NUMBER, when: [CLASS, …], containerOverrides: …}"),
        ("retryFailed: {}", "6:25: retryFailed needs rounds: how often failed items run again, rounds: 1"),
        ("retryFailed: {rounds: 0}", "6:34: rounds must be a number, 1 to 9, of rounds after the first; got 0"),
        ("retryFailed: {rounds: -1}", "6:34: rounds must be a number, 1 to 9, of rounds after the first; got -1"),
        ("retryFailed: {rounds: 10}", "6:34: rounds must be a number, 1 to 9, of rounds after the first; got 10"),
        ("retryFailed: {rounds: true}", "6:34: rounds must be a number, 1 to 9, of rounds after the first; got True"),
        ("retryFailed: {rounds: 1.5}", "6:34: rounds must be a number, 1 to 9, of rounds after the first; got 1.5"),
        ("retryFailed: {rounds: two}", "6:34: rounds must be a number, 1 to 9, of rounds after the first; got 'two'"),
        ("retryFailed: {rounds: 1, when: Killed}", "6:43: when must be a list of classes of failures, such as [OutOfMemory, ExitCode:75]; for every failure leave it out"),
        ("retryFailed: {rounds: 1, when: []}", "6:43: when must be a list of classes of failures, such as [OutOfMemory, ExitCode:75]; for every failure leave it out"),
        ("retryFailed: {rounds: 1, when: [Killed, spot]}", f"6:52: there is no class of failures spot: did you mean SpotInterruption? known are {LISTED}"),
        ("retryFailed: {rounds: 1, when: [out_of_memory]}", f"6:44: there is no class of failures out_of_memory: did you mean OutOfMemory? known are {LISTED}"),
        ("retryFailed: {rounds: 1, when: [OutOfMemry]}", f"6:44: there is no class of failures OutOfMemry: did you mean OutOfMemory? known are {LISTED}"),
        ("retryFailed: {rounds: 1, when: ['ExitCode:abc']}", "6:44: ExitCode:abc: an exit code is a number, 1 to 255, such as ExitCode:75"),
        ("retryFailed: {rounds: 1, when: [Tiemout]}", f"6:44: there is no class of failures Tiemout: did you mean Timeout? known are {LISTED}"),
        ("retryFailed: {rounds: 1, when: ['exitcode:3']}", f"6:44: there is no class of failures exitcode:3: did you mean ExitCode? known are {LISTED}"),
        ("retryFailed: {rounds: 1, when: [xyz]}", f"6:44: there is no class of failures xyz: known are {LISTED}"),
        ("retryFailed: {rounds: 1, when: [75]}", f"6:44: a class of failures is a text, one of {LISTED}; for an exit code write ExitCode:75"),
        ("retryFailed: {rounds: 1, when: [{a: b}]}", f"6:44: a class of failures is a text, one of {LISTED}"),
        ("retryFailed: {rounds: 1, when: ['ExitCode:0']}", "6:44: ExitCode:0: an exit code is a number, 1 to 255, such as ExitCode:75"),
        ("retryFailed: {rounds: 1, when: ['ExitCode:256']}", "6:44: ExitCode:256: an exit code is a number, 1 to 255, such as ExitCode:75"),
        ("retryFailed: {rounds: 1, when: ['ExitCode:075']}", "6:44: ExitCode:075: an exit code is a number, 1 to 255, such as ExitCode:75"),
        ("retryFailed: {rounds: 1, when: ['ExitCode:']}", "6:44: ExitCode:: an exit code is a number, 1 to 255, such as ExitCode:75"),
        ("retryFailed: {rounds: 1, when: ['ExitCode:137']}", "6:44: ExitCode:137 is a SIGKILL, which has a class of its own: write Killed"),
        ("retryFailed: {rounds: 1, when: ['Killed:9']}", "6:44: Killed:9: only ExitCode has an exit code behind it: write Killed"),
        ("retryFailed: {round: 1, rounds: 1}", "6:26: unknown key round: did you mean rounds?"),
        ("retryFailed: {rounds: 1, job_queue: r}", "6:37: unknown key job_queue: AWS spells it jobQueue"),
        ("retryFailed: {rounds: 1, jobQueue: 3}", '6:47: jobQueue must be a text: put it in quotes, "3"'),
        ("retryFailed: {rounds: 1, jobQueue: a b}", "6:47: jobQueue 'a b' is not valid: write letters, digits, - and _, at most 128, or an ARN"),
        ("retryFailed: {rounds: 1, jobName: b}", "6:37: jobName belongs to the step, not to retryFailed"),
        ("retryFailed: {rounds: 1, dependsOn: []}", "6:37: dependsOn belongs to the step, not to retryFailed"),
        ("retryFailed: {rounds: 1, arrayProperties: {size: 3}}", "6:37: arrayProperties belongs to the step, not to retryFailed"),
        ("retryFailed: {rounds: 1, flow: {}}", "6:37: flow belongs to the step, not to retryFailed"),
        ("retryFailed: {rounds: 1, retryStrategy: {attempts: 30}}", "6:63: AWS Batch takes attempts 1 to 10, not 30"),
        ("retryFailed: {rounds: 1, parameters: {x: '${run.di}'}}", "6:53: ${run.di} means nothing here: did you mean ${run.id}?"),
        ("retryFailed: {rounds: 1, memory: 2}", f"6:45: {FACTOR}2"),
        ("retryFailed: {rounds: 1, memory: x0.5}", f"6:45: {FACTOR}'x0.5'"),
        ("retryFailed: {rounds: 1, memory: x1}", f"6:45: {FACTOR}'x1'"),
        ("retryFailed: {rounds: 1, memory: x1.0}", f"6:45: {FACTOR}'x1.0'"),
        ("retryFailed: {rounds: 1, memory: x11}", f"6:45: {FACTOR}'x11'"),
        ("retryFailed: {rounds: 1, memory: 2GiB}", f"6:45: {FACTOR}'2GiB'"),
        ("retryFailed: {rounds: 1, memory: x2}", "6:45: " + NO_MEMORY.format("the step", "the step")),
        ("tolerate: 3", "6:22: tolerate must be {count: NUMBER} or {percent: NUMBER}"),
        ("tolerate: {}", "6:22: tolerate must be {count: NUMBER} or {percent: NUMBER}"),
        ("tolerate: {count: 1, percent: 5}", "6:22: tolerate has a count or a percent, not both: leave one of them out"),
        ("tolerate: {percentage: 5}", "6:23: unknown key percentage: did you mean percent?"),
        ("tolerate: {count: -1}", "6:30: count must be a number of items, 0 or more; got -1"),
        ("tolerate: {count: true}", "6:30: count must be a number of items, 0 or more; got True"),
        ("tolerate: {count: 1.5}", "6:30: count must be a number of items, 0 or more; got 1.5"),
        ("tolerate: {percent: 120}", "6:32: percent must be a number, 0 to 100, such as percent: 5; got 120"),
        ("tolerate: {percent: -1}", "6:32: percent must be a number, 0 to 100, such as percent: 5; got -1"),
        ("tolerate: {percent: true}", "6:32: percent must be a number, 0 to 100, such as percent: 5; got True"),
        ("tolerate: {percent: 5%}", "6:32: percent must be a number, 0 to 100, such as percent: 5; got '5%'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_cure(tmp_path: Path, flow: str, problem: str) -> None:
    assert problems(tmp_path, with_step(f"flow: {{{flow}}}")) == [problem]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("flow: {forEach: {items: [1]}, KEY}\ndependsOn: [{type: SEQUENTIAL}]", {
            "retryFailed": "6:35: retryFailed and SEQUENTIAL do not go together: child i waits for child i - 1, so a later round would come too late; write retryStrategy: {attempts: 3} for the step",
            "tolerate": "6:35: tolerate and SEQUENTIAL do not go together: child i waits for child i - 1, so all behind one that failed fail too; write retryStrategy: {attempts: 3} for the step",
        }),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("key", "value"), [("retryFailed", "{rounds: 1}"), ("tolerate", "{count: 1}")]
)
def test_what_has_no_children_that_fail_alone_is_refused(
    tmp_path: Path, lines: str, wanted: dict[str, str], key: str, value: str
) -> None:
    text = with_step(lines.replace("KEY", f"{key}: {value}"))
    assert problems(tmp_path, text) == [wanted[key]]


def test_the_memory_of_one_item_of_a_queue_cannot_grow(tmp_path: Path) -> None:
    text = with_step(
        "flow: {forEach: {items: [1]}, queue: {workers: 2}, retryFailed: {rounds: 1, memory: x2}}\n"
        'containerOverrides: {resourceRequirements: [{type: MEMORY, value: "1024"}]}'
    )
    assert problems(tmp_path, text) == [
        "6:81: memory and queue do not go together: any worker may receive an item that needs more; "
        "write MEMORY in retryFailed.containerOverrides.resourceRequirements, for all workers of "
        "the round"
    ]


@pytest.mark.parametrize("key", ["retryFailed: {rounds: 1}", "tolerate: {count: 1}"])
@pytest.mark.parametrize(
    ("command", "is_refused"),
    [
        ("[python, job.py]", True),
        ('[batchrelay-worker, run, --, job, "{item}"]', False),
        ('[sh, -c, "cd work && batchrelay-worker run -- job"]', False),
        ('[run, --, job, "{item}"]', False),
        ("[sh, job.sh]", False),
        ('["${env.bucket}/job"]', False),
    ],
)
def test_a_queue_whose_workers_keep_no_records_cannot_be_retried(
    tmp_path: Path, key: str, command: str, is_refused: bool
) -> None:
    flow = f"flow: {{forEach: {{items: [1]}}, queue: {{workers: 2}}, {key}}}"
    text = with_step(f"{flow}\ncontainerOverrides: {{command: {command}}}")
    read_text(tmp_path, text)  # the image of another definition is not known
    text += (
        "jobDefinitions:\n  - jobDefinitionName: d\n    type: container\n"
        "    containerProperties: {image: i, resourceRequirements: "
        '[{type: VCPU, value: "1"}, {type: MEMORY, value: "256"}]}\n'
    )
    name = key.partition(":")[0]
    wanted = (
        f"6:56: {name} with a queue needs the records of batchrelay-worker, which say what was "
        "done: write [batchrelay-worker, run, --, python, …]"
    )
    if is_refused:
        assert problems(tmp_path, text) == [wanted]
    else:
        read_text(tmp_path, text)


MERGED = """\
  - jobName: b
    jobQueue: q
    jobDefinition: d
    flow: {forEach: {items: [1]}, output: 's3://b/${item.number}'}
"""


def test_failed_nodes_of_an_aggregate_run_again_but_none_may_be_missing(tmp_path: Path) -> None:
    merge = "flow: {aggregate: {of: b, fanIn: 2}, output: s3://b/x, KEY}"
    again = with_step(merge.replace("KEY", "retryFailed: {rounds: 2}")) + MERGED
    retry = read_text(tmp_path, again).pipeline.step("a").retry_failed
    assert retry == RetryFailed(rounds=2)
    assert problems(tmp_path, with_step(merge.replace("KEY", "tolerate: {count: 1}")) + MERGED) == [
        "6:60: tolerate and aggregate do not go together: one result with inputs missing is a "
        "wrong one; write tolerate in the step whose outputs are merged"
    ]


@pytest.mark.parametrize(
    ("retry", "memory_mib"),
    [
        ({"containerOverrides": needs("1", "4096")}, 4_096),
        ({"jobDefinition": "large"}, 96),
        ({"containerOverrides": {"command": ["x"]}}, 64),
    ],
)
def test_memory_grows_from_what_a_later_round_would_have(
    tmp_path: Path, retry: dict[str, Any], memory_mib: int
) -> None:
    known = [definition(), {**definition(needs("1", "96")), "jobDefinitionName": "large"}]
    flow = {"retryFailed": {"rounds": 1, "memory": "x2", **retry}}
    assert problems_of(tmp_path, step(flow=flow), jobDefinitions=known) == []
    read_again = read(tmp_path / "pipeline.json").pipeline.step("a").retry_failed
    assert read_again == RetryFailed(
        rounds=1, overrides=retry, memory_factor=2.0, memory_mib=memory_mib
    )


def test_overrides_that_leave_the_memory_out_are_refused(tmp_path: Path) -> None:
    vcpus = {"resourceRequirements": [{"type": "VCPU", "value": "4"}]}
    flow = {"retryFailed": {"rounds": 1, "memory": "x2", "containerOverrides": vcpus}}
    entry = step(containerOverrides=needs("1", "512"), flow=flow)
    assert problems_of(tmp_path, entry) == [NO_MEMORY.format("the step", "retryFailed")]


def test_every_group_says_its_memory(tmp_path: Path) -> None:
    group: dict[str, Any] = {"when": "item > 1", "jobDefinition": "large"}
    flow = {
        "forEach": ITEMS,
        "groups": [group],
        "retryFailed": {"rounds": 1, "memory": "x2"},
    }
    known = [definition()]
    assert problems_of(tmp_path, step(flow=flow), jobDefinitions=known) == [
        NO_MEMORY.format("one of its groups", "one of its groups")
    ]
    group["containerOverrides"] = needs("1", "512")
    assert problems_of(tmp_path, step(flow=flow), jobDefinitions=known) == []


def test_the_overrides_are_a_request_of_their_own(tmp_path: Path) -> None:
    long = {"environment": [{"name": "X", "value": "x" * 5_000}]}
    command = {"command": ["x" * 5_000]}
    flow = {"retryFailed": {"rounds": 1, "containerOverrides": long}}
    [problem] = problems_of(tmp_path, step(containerOverrides=command, flow=flow))
    assert re.match(r"10,0\d\d characters; above 8,192 AWS Batch accepts", problem)
    over_group = {
        "forEach": ITEMS,
        "groups": [{"when": "item > 1", "containerOverrides": command}],
        "retryFailed": {"rounds": 1, "containerOverrides": long},
    }
    [problem] = problems_of(tmp_path, step(flow=over_group))
    assert re.match(r"10,0\d\d characters; above 8,192 AWS Batch accepts", problem)


def test_a_queue_of_failed_items_is_shared_too(tmp_path: Path) -> None:
    retry = {"retryFailed": {"rounds": 1, "jobQueue": "q"}}
    shared = step(shareIdentifier="team")
    [problem] = problems_of(tmp_path, shared, step("b", jobQueue="r", flow=retry))
    assert problem.startswith("b gives no shareIdentifier, but a does, to the same job queue q")


def test_values_in_code_of_a_retry_are_refused(tmp_path: Path) -> None:
    retry = {"rounds": 1, "containerOverrides": {"command": ["sh", "-c", "echo ${params.x}"]}}
    flow = {"forEach": ITEMS, "groups": [{"when": "item > 1"}], "retryFailed": retry}
    found = problems_of(tmp_path, step(flow=flow), params={"x": "1"})
    assert [problem.partition(":")[0] for problem in found] == ["${params.x} is in the code of sh"]


def test_a_caller_that_chooses_the_queue_of_failed_items_is_warned_of(tmp_path: Path) -> None:
    retry = {"retryFailed": {"rounds": 1, "jobQueue": "${params.x}"}}
    flow = {"forEach": ITEMS, "groups": [{"when": "item > 1"}], **retry}
    assert problems_of(tmp_path, step(flow=flow), params={"x": "q"}) == []
    [warning] = read(tmp_path / "pipeline.json").warnings
    assert warning.message.startswith("a caller's parameter, x, chooses the job queue")


def test_the_definitions_of_failed_items_are_pinned(tmp_path: Path) -> None:
    retry = {"rounds": 1, "jobDefinition": "large", "jobQueue": "r"}
    flow = {"forEach": ITEMS, "groups": [{"jobQueue": "s"}], "retryFailed": retry}
    assert problems_of(tmp_path, step(flow=flow)) == []
    file = read(tmp_path / "pipeline.json")
    a = pinned(file.pipeline, {"large": 7}).step("a")
    assert a.retry_failed == RetryFailed(
        rounds=1, overrides={"jobDefinition": "large:7", "jobQueue": "r"}
    )
    used = [(request["jobDefinition"], request["jobQueue"]) for request in requests_of(a)]
    assert used == [("d", "q"), ("d", "s"), ("large:7", "r"), ("large:7", "r")]


def test_a_dry_run_says_what_happens_to_failed_items(tmp_path: Path) -> None:
    retry = {"rounds": 2, "when": ["Killed", "ExitCode:75"], "memory": "x1.5", "jobQueue": "r"}
    flow = {"retryFailed": retry, "tolerate": {"percent": 2.5}}
    steps = (
        step(containerOverrides=needs("1", "512"), flow=flow),
        step("b", flow={"retryFailed": {"rounds": 1}, "tolerate": {"count": 1_000}}),
    )
    assert problems_of(tmp_path, *steps) == []
    output = CliRunner().invoke(cli, ["plan", str(tmp_path / "pipeline.json")]).output
    for line in (
        "failed items with ExitCode:75, Killed run again, 2 rounds at most, memory x1.5 for "
        'OutOfMemory: {"jobQueue": "r"}',
        "PARTIAL, not FAILED, with 2.5 % of its items failed or less",
        "failed items run again, 1 round at most",
        "PARTIAL, not FAILED, with 1,000 of its items failed or less",
        "at most 5 SubmitJob",
    ):
        assert line in output


INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
RETRY = {"retryFailed": {"rounds": 1}}
WORKER = ["batchrelay-worker", "run", "--", "x"]


@pytest.mark.parametrize(
    ("entry", "known", "is_warned_of"),
    [
        ({"arrayProperties": {"size": 3}}, {}, True),
        ({"arrayProperties": {"size": 3}, "containerOverrides": {"command": WORKER}}, {}, False),
        ({"arrayProperties": {"size": 3}}, {"command": WORKER}, False),
        (
            {
                "arrayProperties": {"size": 3},
                "containerOverrides": {"command": ["sh", "-c", "read $BATCHRELAY_ITEM_NUMBERS"]},
            },
            {},
            False,
        ),
        ({"flow": {"forEach": ITEMS}}, {}, False),
        (
            {
                "flow": {"forEach": ITEMS},
                "containerOverrides": {"command": ["sh", "-c", f"x > ${INDEX}"]},
            },
            {},
            True,
        ),
        ({"flow": {"forEach": ITEMS}}, {"command": ["sh", "-c", f"x > ${INDEX}"]}, True),
        ({"flow": {"forEach": ITEMS, "output": f"s3://b/${INDEX}/${{item}}"}}, {}, True),
        (
            {
                "flow": {"forEach": ITEMS},
                "containerOverrides": {"command": [*WORKER, f"${INDEX}"]},
            },
            {},
            False,
        ),
        ({"containerOverrides": {"command": ["sh", "-c", f"x > ${INDEX}"]}}, {}, False),
    ],
)
def test_an_index_that_is_another_one_in_the_next_round_is_warned_of(
    tmp_path: Path, entry: dict[str, Any], known: dict[str, Any], is_warned_of: bool
) -> None:
    entry = {**entry, "flow": {**entry.get("flow", {}), **RETRY}}
    assert problems_of(tmp_path, step(**entry), jobDefinitions=[definition(known)]) == []
    warnings = read(tmp_path / "pipeline.json").warnings
    assert [w.message for w in warnings] == [SMALLER] * is_warned_of


def test_children_that_continue_an_array_are_warned_of_too(tmp_path: Path) -> None:
    more = {"dependsOn": [{"jobName": "a", "type": "N_TO_N"}]}
    entries = [step(arrayProperties={"size": 3}), step("b", arrayProperties={"size": 3}, **more)]
    entries[1]["flow"] = RETRY
    assert problems_of(tmp_path, *entries) == []
    [warning] = read(tmp_path / "pipeline.json").warnings
    assert warning.message == SMALLER


def test_the_page_has_every_class() -> None:
    page = (ROOT / "docs" / "reference" / "pipeline-file.md").read_text()
    _, _, table = page.partition("| class | failure |\n| --- | --- |\n")
    rows = table.partition("\n\n")[0].splitlines()
    assert [row.split("`")[1] for row in rows] == list(FailureClass)
