"""The page docs/reference/batch-surface.md, printed from the decisions and from botocore's model.

Write it anew: `.venv/bin/python batch-local/tests/surface_page.py`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from absent_answers import is_about, reason_of
from batch_local.api.operations import operations
from batch_local.surface.decisions import Kind
from batch_local.surface.fields import DECISIONS, decision_of, paths
from repository import ROOT
from shown_by import IN_ENGINE, shown_by

PAGE = ROOT / "docs/reference/batch-surface.md"

HEAD = """# AWS Batch's surface

What the [local AWS Batch](local-batch.md) does with every operation of AWS Batch, every field of its requests and every field
of its answers, out of botocore's own model. This page is printed: `.venv/bin/python batch-local/tests/surface_page.py`. Tests fail
when the model has a field that nothing was decided about, and when a field is treated otherwise than it stands here: all that
are taken are sent in requests that must be accepted, and all that answers have is compared.

- *honoured*: it has its effect; the test that shows it stands beside it, below `batch-local/tests/` or
  `tests/functional/local_cloud/`.
- *accepted and ignored*: it has none here. `batch-local up` names it on standard error, once; a program reads it from the
  logger `batch_local`, at INFO.
  With [`--engine`](../../batch-local/README.md#an-engine) some are honoured, as it stands beside them.
- *refused*: a ClientException names it and says what to write instead.

"""

VARIABLES = """
## Environment variables of a job

| variable | here |
| --- | --- |
| `AWS_BATCH_JOB_ID`, `AWS_BATCH_JOB_ATTEMPT`, `AWS_BATCH_JQ_NAME`, `AWS_BATCH_CE_NAME` | honoured |
| `AWS_BATCH_JOB_ARRAY_INDEX`, `AWS_BATCH_JOB_ARRAY_SIZE` | honoured: children only |
| `AWS_BATCH_JOB_MAIN_NODE_INDEX`, `AWS_BATCH_JOB_NODE_INDEX`, `AWS_BATCH_JOB_NUM_NODES` | honoured: nodes only; their `AWS_BATCH_JOB_ID` ends with `#INDEX` |
| `AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS` | honoured: nodes that are not the main node; 127.0.0.1 |
| `AWS_BATCH_JOB_KUBERNETES_NODE_UID` | absent: there is no Kubernetes here |
| `AWS_EXECUTION_ENV` | honoured: `AWS_ECS_EC2`, `AWS_ECS_FARGATE` or `AWS_ECS_MANAGED_INSTANCES`, as the job definition's platform is; absent on EKS |
| `ECS_CONTAINER_METADATA_URI_V4`, `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` | absent: there is no ECS here; the credentials are in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` |

A name that begins with `AWS_BATCH` is refused in a definition and in overrides.

## Limits

| limit | here | test (batch-local/tests/) |
| --- | --- | --- |
| containers of a task 10, of a pod 10, and 10 that begin first; nodes 1,000, ranges of nodes 5 | refused | `test_refused_forms.py` |
| array size 2 to 10,000; dependencies 20; SubmitJob 30 KiB | refused | `test_batch.py` |
| RegisterJobDefinition 24 KiB; attempts 1 to 10; rules 5; timeout 60 s; scheduling priority 0 to 9,999 | refused | `test_registration.py` |
| overrides 8,192 characters, not bytes and not escapes | accepted, then FAILED | `test_submission.py` |
| tags: 50 of a resource, key 128, value 256 characters | refused | `test_registration.py` |
| tags of job and definition together with `propagateTags` 50 | accepted, then FAILED | `test_submission.py` |
| DescribeJobs 100 ids; CancelJobs, TerminateJobs 50; DescribeSchedulingPolicies 100 | refused | `test_fuzz.py`, `test_queues.py` |
| a page: ListJobs 1,000 or 100 with a filter, others 100 | `nextToken` | `test_queues.py`, `test_registration.py` |
| compute environments of a queue 1 to 3 | refused | `test_queues.py` |
| integers of 32 bits | refused | `test_registration.py` |
| requests 50 a second | a [switch](local-batch.md#where-aws-is-silent) | `test_assumptions.py` |
| queues 50, compute environments 50, jobs in SUBMITTED 1,000,000, share identifiers 500 | no limit | |
"""


def page() -> str:
    """The whole of it."""
    return HEAD + _counts() + "".join(map(_operation, _supported())) + _absent() + VARIABLES


def model_paths() -> Iterator[str]:
    """Every operation, and every field of its request."""
    for name, operation in sorted((op.name, op) for op in operations().values()):
        yield name
        if operation.input_shape is not None:
            yield from paths(operation.input_shape, name)


def kind_of(path: str) -> Kind:
    """What happens to a path. Raises: AssertionError."""
    decided = decision_of(path)
    assert decided is not None, f"nothing is decided about {path}"
    return decided.kind


def _counts() -> str:
    counts = Counter((("." in path), kind_of(path)) for path in model_paths())
    answers = [reason_of(path) is None for path in answer_paths()]
    lines = ["| | operations | fields |", "| --- | ---: | ---: |"]
    lines += [f"| {kind} | {counts[False, kind]} | {counts[True, kind]} |" for kind in Kind]
    return (
        "\n".join(lines) + "\n\nOf the "
        f"{len(answers):,} fields of answers, {sum(answers):,} are there where AWS has them.\n"
    )


def _supported() -> list[str]:
    return [p for p in model_paths() if "." not in p and kind_of(p) is Kind.HONOURED]


def answer_paths() -> Iterator[str]:
    """Every field of the answers of what is supported."""
    for name, operation in sorted((op.name, op) for op in operations().values()):
        if kind_of(name) is Kind.HONOURED and operation.output_shape is not None:
            yield from paths(operation.output_shape, name)


def _operation(name: str) -> str:
    """The fields of one operation, those of a kind in one row."""
    fields = [path for path in model_paths() if path.startswith(f"{name}.")]
    rows: dict[tuple[str, str], list[str]] = {}
    for path in fields:
        if kind_of(path) is Kind.HONOURED:
            test = shown_by(path) or ""
            rows.setdefault((_why(path), f"`{test}`"), []).append(_short(name, path))
        elif path in DECISIONS:
            below = sum(kind_of(p) is kind_of(path) for p in fields if is_about(path, p)) - 1
            more = f" and {below} below" if below else ""
            test = f"`{IN_ENGINE}`" if DECISIONS[path].in_engine else ""
            rows.setdefault((_why(path), test), []).append(f"{_short(name, path)}{more}")
    text = f"\n## {name}\n\n"
    if rows:
        text += "| fields | here | shown by |\n| --- | --- | --- |\n" + "".join(
            f"| {', '.join(names)} | {why} | {test} |\n" for (why, test), names in rows.items()
        )
    return text + _answer(name)


def _short(name: str, path: str) -> str:
    return f"`{path.removeprefix(f'{name}.')}`"


def _why(path: str) -> str:
    decided = DECISIONS.get(path)
    if decided is None or not decided.why:
        return str(kind_of(path))
    in_engine = "; honoured with `--engine`" if decided.in_engine else ""
    return f"{kind_of(path)}: {decided.why}{in_engine}"


def _answer(name: str) -> str:
    """What the answer has, and what not."""
    fields = [path for path in answer_paths() if path.startswith(f"{name}.")]
    if not fields:
        return "\nThe answer is empty.\n"
    absent = [path for path in fields if reason_of(path) is not None]
    text = f"\nThe answer has {len(fields) - len(absent)} of {len(fields)} fields.\n"
    if absent:
        text += "\n| absent | why |\n| --- | --- |\n"
    reasons: dict[str, list[str]] = {}
    for path in absent:
        if not any(path != other and is_about(other, path) for other in absent):
            reasons.setdefault(str(reason_of(path)), []).append(_short(name, path))
    return text + "".join(f"| {', '.join(names)} | {why} |\n" for why, names in reasons.items())


def _absent() -> str:
    rows = [
        f"| {path} | {DECISIONS[path].why} |\n"
        for path in model_paths()
        if "." not in path and kind_of(path) is Kind.REFUSED
    ]
    return "\n## Operations that are refused\n\n| operation | |\n| --- | --- |\n" + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
