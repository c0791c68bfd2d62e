"""Lines of awsbsub as steps."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay_cli.errors import UsageProblem
from tests.unit.cli.adopt.adopting import Adopted, adopted


def of(text: str) -> Adopted:
    return adopted(text, queue="q", definition="d")


def step(name: str, *command: str, **more: Any) -> dict[str, Any]:
    overrides = {"command": list(command), **more.pop("overrides", {})}
    ours = {"jobName": name, "jobQueue": "q", "jobDefinition": "d"}
    return {**ours, "containerOverrides": overrides, **more}


def test_options_are_those_of_the_request_that_awsbsub_makes() -> None:
    result = of("awsbsub -jn sim -a 4 -p 2 -m 256 -r 3 -t 120 ./sim.sh --seed 7\n"
                "awsbsub --array-size=8 echo done\n")  # fmt: skip
    # an option behind the command belongs to awsbsub, as argparse reads it
    assert result.steps == [step("echo", "echo", "done", arrayProperties={"size": 8})]
    assert "unrecognized arguments: --seed" in result.notes[0]
    quoted = of("awsbsub -jn sim -a 4 -p 2 -m 256 -r 3 -t 120 ./sim.sh -- --seed 7")
    amounts = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "256"}]
    assert quoted.steps == [
        step(
            "sim",
            "./sim.sh",
            "--seed",
            "7",
            overrides={"resourceRequirements": amounts},
            arrayProperties={"size": 4},
            retryStrategy={"attempts": 3},
            timeout={"attemptDurationSeconds": 120},
        )
    ]
    assert quoted.notes == []


@pytest.mark.parametrize(
    "lines",
    [
        "A=$(awsbsub -jn a -a 3 prep.sh)\nawsbsub -jn b -a 3 -d jobId=$A,type=N_TO_N run.sh",
        "A=`awsbsub -jn a -a 3 prep.sh`\nawsbsub -jn b -a 3 -d jobId=${A},type=N_TO_N run.sh",
        "export A=$(awsbsub -jn a -a 3 prep.sh | awk '{print $2}')\n"
        "awsbsub -jn b -a 3 -d 'jobId=$A,type=N_TO_N' run.sh",
        "$ awsbsub -jn a -a 3 prep.sh\n"
        "Job 6efe6c7c-4943-4c1a-baf5-edbfeccab5d2 (a) has been submitted.\n"
        "$ awsbsub -jn b -a 3 -d jobId=6efe6c7c-4943-4c1a-baf5-edbfeccab5d2,type=N_TO_N run.sh",
        "A=$(/opt/awsbsub -jn a \\\n  -a 3 \\\n  prep.sh)\n"
        "awsbsub -jn b -a 3 \\\n -d jobId=$A,type=N_TO_N run.sh # waits",
    ],
)  # fmt: skip
def test_dependencies_are_known_by_variables_and_by_answers(lines: str) -> None:
    result = of(lines)
    assert result.steps == [
        step("a", "prep.sh", arrayProperties={"size": 3}),
        step(
            "b",
            "run.sh",
            arrayProperties={"size": 3},
            dependsOn=[{"jobName": "a", "type": "N_TO_N"}],
        ),
    ]
    assert result.notes == []


def test_several_dependencies_and_a_sequence() -> None:
    result = of(
        "A=$(awsbsub -jn a x)\nB=$(awsbsub -jn b x)\n"
        'awsbsub -jn c -a 2 -d "jobId=$A;jobId=$B;type=SEQUENTIAL;jobId=$GONE" x'
    )
    assert result.step("c")["dependsOn"] == [
        {"jobName": "a"},
        {"jobName": "b"},
        {"type": "SEQUENTIAL"},
    ]
    assert result.notes == [
        "3: c: --depends-on $GONE: no line here submits this job: write {jobName: STEP}"
    ]


def test_a_script_from_standard_input_is_its_command_if_the_line_has_it() -> None:
    result = of('echo "env | grep X" | awsbsub -jn a\nawsbsub -jn b << EOF\nrm -r /\nEOF\n')
    assert result.steps == [
        step("a", "/bin/bash", "-c", "env | grep X"),
        step("b", "false"),
    ]
    assert result.notes == [
        "2: b: the command: its script comes from standard input: the step fails until you write "
        "its command"
    ]


def test_what_has_no_equal_is_listed_with_its_line() -> None:
    result = of("\nawsbsub -w /scratch -if a.txt -e all -cf go.sh 1\n")
    assert result.steps == [step("go_sh", "/bin/bash", "go.sh", "1")]
    assert [note.split(": ")[:3] for note in result.notes] == [
        ["2", "go_sh", "--command-file"],
        ["2", "go_sh", "--working-dir"],
        ["2", "go_sh", "--input-file"],
        ["2", "go_sh", "--env"],
    ]


def test_several_nodes_are_a_multi_node_step() -> None:
    [one] = of("awsbsub -jn mpi -n 4 -a 2 -m 512 solve x").steps
    amounts = [{"type": "MEMORY", "value": "512"}]
    own = {"command": ["solve", "x"], "resourceRequirements": amounts}
    entries = [{"targetNodes": "0:", "containerOverrides": own}]
    assert one == {
        "jobName": "mpi",
        "jobQueue": "q",
        "jobDefinition": "d",
        "nodeOverrides": {"numNodes": 4, "nodePropertyOverrides": entries},
    }
    assert of("awsbsub -jn mpi -n 4 -a 2 solve").notes == [
        "1: mpi: --array-size: awsbsub submits several nodes as one job, without an array",
        "1: mpi: --nodes: its job definition has to be of type multinode, with the range 0:",
    ]
    assert of("awsbsub -jn a -n 1 x").steps == [step("a", "x")]


def test_several_nodes_with_a_command_that_is_refused_fail_until_it_is_written() -> None:
    result = of("awsbsub -jn mpi -n 2 -m 512 solve ''")
    [entry] = result.step("mpi")["nodeOverrides"]["nodePropertyOverrides"]
    assert entry["containerOverrides"]["command"] == ["false"]
    assert "resourceRequirements" in entry["containerOverrides"]


def test_a_variable_of_the_submitting_shell_is_no_variable_of_ours() -> None:
    result = of("awsbsub -jn a echo '${HOME}' '${params.x}'")
    assert result.steps == [step("a", "echo", "$${HOME}", "$${params.x}")]
    assert "a variable of the submitting shell" in result.notes[0]


def test_without_a_queue_the_cluster_stands_for_both_and_is_listed() -> None:
    [one] = adopted("awsbsub -c mycluster -jn a x").steps
    assert (one["jobQueue"], one["jobDefinition"]) == ("mycluster", "mycluster")
    result = adopted("awsbsub -jn a x")
    assert result.steps[0]["jobQueue"] == "your-job-queue"
    assert "write --queue and --definition" in result.notes[0]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("awsbsub -a lots x", "argument -a/--array-size: invalid int value: 'lots'"),
        ("awsbsub -jn 'a", "this is no line of a shell: no closing quotation"),
        ("# awsbsub -jn a x", "no step of it can be carried"),
    ],
)
def test_a_line_that_cannot_be_read_is_an_error_if_it_is_the_only_one(
    line: str, sentence: str
) -> None:
    with pytest.raises(UsageProblem) as raised:
        of(line)
    assert sentence in raised.value.message
