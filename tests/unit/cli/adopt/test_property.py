"""Whatever goes in: an error of ours, or a file that lints and says what the draft says."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchrelay.domain.templates import expand
from batchrelay_cli.adopt.accepted import accepted_text
from batchrelay_cli.adopt.draft import literal
from batchrelay_cli.adopt.source import Request, drafted
from batchrelay_cli.adopt.text import document_of
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import parse
from tests.unit.cli.adopt.adopting import checked

FEW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

WORDS = st.sampled_from(
    ["", "a", "A", "job", "${x}", "$${x}", "${", "${params.p}", "$.a", "$.a.b[0]", "$", "$$", "{item}", "$$.Map.Item.Value", "$$.Map.Item.Index.x", "$$.Execution.Id", "- x", ": ", "#", "a: b", "1e3", "true", "null", "~", "*a", "&a", "!!str", "a\nb", "a\r\n# b", "\u2028", "\ufeff", "\x00", "\x1b[31m", "{% $states.input.a %}", "{% 'a' & $states.input.b %}", "{% $x = 1 and ($y != 'b') %}", "{% %}", "States.Format('a{}', $.b)", "States.Array($.a, 'b')", "Ref::index", "N_TO_N", "SEQUENTIAL", "JSONata", "s3://b/k", "arn:aws:states:::batch:submitJob.sync", "x" * 200, "sh", "-c", "ü", "😀"]
)  # fmt: skip
SCALARS = WORDS | st.text(max_size=8) | st.none() | st.booleans() | st.integers() | st.floats()
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of them, each as it should be or not."""
    return st.fixed_dictionaries(
        {}, optional={key: strategy | ANY for key, strategy in strategies.items()}
    )


NAMES = st.sampled_from(["a", "b", "c", "JobA", "x y", "ü", "A", "a" * 130, "b_job_ID"])
PAIRS = st.lists(fields(name=WORDS, value=WORDS), max_size=3)
OVERRIDES = fields(
    command=st.lists(WORDS, max_size=4),
    environment=PAIRS,
    resourceRequirements=st.lists(fields(type=st.just("VCPU"), value=st.just("1")), max_size=2),
    vcpus=st.integers(-1, 3),
)
SUBMIT = fields(
    jobName=NAMES,
    jobQueue=WORDS,
    jobDefinition=WORDS,
    dependsOn=st.lists(fields(jobId=NAMES, type=WORDS), max_size=3),
    arrayProperties=fields(size=st.integers(0, 3)),
    containerOverrides=OVERRIDES,
    parameters=st.dictionaries(WORDS, WORDS, max_size=2),
    tags=st.dictionaries(WORDS, WORDS, max_size=2),
    retryStrategy=fields(attempts=st.integers(0, 12), evaluateOnExit=st.lists(ANY, max_size=2)),
    timeout=fields(attemptDurationSeconds=st.integers(0, 100)),
    nodeOverrides=ANY,
    shareIdentifier=WORDS,
)
JOB = st.builds(
    lambda job, job_id, more: {**job, **more, "jobId": job_id},
    SUBMIT,
    NAMES,
    fields(container=OVERRIDES, nodeProperties=ANY, schedulingPriority=st.integers()),
)
STATES = ("S", "T", "U", "Ü v")
NEXT = st.sampled_from([*STATES, "gone"])
ARGUMENTS = fields(
    **{
        "JobName.$": WORDS, "JobQueue": WORDS, "JobQueue.$": WORDS, "JobDefinition": WORDS,
        "Parameters": st.dictionaries(WORDS, WORDS, max_size=2), "Tags": ANY,
        "ArrayProperties": fields(**{"Size.$": WORDS, "Size": st.integers(0, 3)}),
        "ContainerOverrides": fields(**{
            "Command": st.lists(WORDS, max_size=4), "Command.$": WORDS,
            "Environment": st.lists(fields(**{"Name": WORDS, "Value.$": WORDS}), max_size=2),
        }),
        "DependsOn": st.lists(fields(**{"JobId.$": WORDS, "Type": WORDS}), max_size=2),
    }
)  # fmt: skip
RULE = fields(Variable=WORDS, StringEquals=WORDS, NumericLessThan=ANY, Next=NEXT, Condition=WORDS)


def state(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One state; the machines within it are `inner`."""
    return fields(
        Type=st.sampled_from(["Task", "Task", "Pass", "Choice", "Map", "Parallel", "Wait", "Fail"]),
        Resource=st.just("arn:aws:states:::batch:submitJob.sync") | WORDS,
        Parameters=ARGUMENTS, Arguments=ARGUMENTS, Next=NEXT, QueryLanguage=WORDS,
        InputPath=WORDS, OutputPath=WORDS, ResultPath=WORDS, Result=ANY, Output=ANY, Assign=ANY,
        Choices=st.lists(RULE, max_size=3), Default=NEXT, Branches=st.lists(inner, max_size=3),
        Iterator=inner, ItemProcessor=inner, ItemsPath=WORDS, Items=ANY, MaxConcurrency=st.integers(0, 3),
        ItemReader=fields(Resource=WORDS, Parameters=ANY, ReaderConfig=ANY),
        Catch=st.lists(fields(ErrorEquals=ANY, Next=NEXT, ResultPath=WORDS), max_size=2),
        Retry=st.lists(fields(ErrorEquals=st.just(["States.ALL"]), MaxAttempts=st.integers()), max_size=2),
        TimeoutSeconds=st.integers(), ToleratedFailurePercentage=st.integers(0, 200),
    )  # fmt: skip


def machine(states: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"StartAt": NEXT, "States": st.dictionaries(st.sampled_from(STATES), states, min_size=1)},
        optional={"QueryLanguage": st.just("JSONata"), "TimeoutSeconds": ANY},
    )


MACHINE = machine(state(machine(state(ANY))))
DOCUMENTS = (
    ANY
    | SUBMIT
    | st.lists(SUBMIT, max_size=4)
    | st.fixed_dictionaries({"jobs": st.lists(JOB, max_size=4)})
    | MACHINE
)


def check(text: str) -> bool:
    """Whether it was adopted."""
    try:
        draft = drafted(Request(source="in", text=text, name="p"))
        accepted_text(draft)
    except UsageProblem:
        return False
    assert parse(checked(draft).text).data == document_of(draft)
    return True


@FEW
@given(DOCUMENTS)
def test_any_document_is_refused_or_becomes_a_file_that_lints(document: Any) -> None:
    check(json.dumps(document))


@FEW
@given(st.lists(st.lists(WORDS | st.text(max_size=5), max_size=8), max_size=4))
def test_any_line_of_awsbsub_is_refused_or_becomes_a_step(lines: list[list[str]]) -> None:
    options = ["-a", "2", "-d", "jobId=$X,type=N_TO_N", "-jn", "n", "-e", "all", "-n", "3", "-cf"]
    texts = [f"X=$(awsbsub {' '.join([*options[: len(line)], *line])})" for line in lines]
    check("\n".join(texts))


@FEW
@given(st.text())
def test_any_text_is_no_traceback(text: str) -> None:
    check(text)


@FEW
@given(st.text(alphabet="${}ab", max_size=12))
def test_a_literal_text_is_itself_once_variables_are_filled_in(text: str) -> None:
    assert expand(literal(text), {}) == text
