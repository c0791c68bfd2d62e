"""What `adopt` reads: a file, which of the forms it has, and a draft of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay_cli.adopt import awsbsub, described_jobs, submit_job
from batchrelay_cli.adopt.draft import Draft, pipeline_name
from batchrelay_cli.adopt.step_functions import state_machine
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import Document, parse
from batchrelay_cli.terminal import excerpt

SOURCE_BYTES_MAX = 2_000_000
"""Of a file: a Step Functions definition has 1 MB at most, and 500 jobs are described in less."""

FORMS = (
    "a SubmitJob request (JSON of --cli-input-json or arguments of boto3; one or a list)",
    "the output of `aws batch describe-jobs`",
    "a Step Functions definition with batch:submitJob.sync, in JSON or YAML",
    "lines of awsbsub",
    "or no file: --queue QUEUE --job ID",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A file, and what the command line says beside it."""

    source: str
    """The file as messages call it."""
    text: str
    name: str
    """Of the pipeline, if the command line does not name it."""
    queue: str | None = None
    definition: str | None = None


def drafted(request: Request) -> Draft:
    """Raises: UsageProblem, if it has none of the forms."""
    lead = request.text.lstrip()[:1]
    if lead not in ("{", "[") and awsbsub.is_awsbsub(request.text):
        draft = _draft(request, "lines of awsbsub")
        awsbsub.fill(draft, request.text, _resources(request))
        return draft
    document = _document(request, is_json=lead in ("{", "["))
    data = document.data
    if isinstance(data, dict) and "States" in data and "StartAt" in data:
        draft = _draft(request, "a Step Functions definition")
        state_machine.fill(draft, document, _resources(request))
    elif described_jobs.jobs_of(data) is not None:
        draft = _draft(request, "the output of describe-jobs")
        described_jobs.fill(draft, document)
    elif submit_job.requests_of(data) is not None:
        draft = _draft(request, "SubmitJob")
        submit_job.fill(draft, document, _resources(request))
    else:
        raise UsageProblem(f"{request.source}: {_hint(data)}; adopt takes {'; '.join(FORMS)}")
    return draft


def _draft(request: Request, form: str) -> Draft:
    return Draft(source=request.source, form=form, name=pipeline_name(request.name))


def _resources(request: Request) -> tuple[str | None, str | None]:
    return request.queue, request.definition


def _document(request: Request, *, is_json: bool) -> Document:
    document = parse(request.text, is_json=is_json)
    if document.errors:
        first = document.errors[0]
        problem = f"{request.source}:{first.line}:{first.column}: {first.message}"
        raise UsageProblem(f"{problem}{_template_hint(request.text)}; adopt takes "
                           f"{'; '.join(FORMS)}")  # fmt: skip
    return document


_TEMPLATE = re.compile(r"\{%-? |\{\{")


def _template_hint(text: str) -> str:
    return " (a template? give what it is rendered to)" if _TEMPLATE.search(text) else ""


def _hint(data: Any) -> str:
    keys: Mapping[str, Any] = data if isinstance(data, dict) else {}
    if "pipeline" in keys and "steps" in keys:
        return "this is a pipeline file already"
    if "jobSummaryList" in keys:
        return "this is the output of list-jobs, which does not say what jobs are: describe them"
    if isinstance(keys.get("definition"), str):
        return "this is the output of describe-state-machine: write its `definition` into a file"
    if "Resources" in keys:
        return "this is a CloudFormation template: write the definition of one state machine"
    if keys:
        return f"with the keys {excerpt(', '.join(keys), 100)} it has none of the forms"
    return "it has none of the forms"
