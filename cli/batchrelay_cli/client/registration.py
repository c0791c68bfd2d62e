"""A pipeline file becomes a version of a pipeline: its job definitions, queues and triggers too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchrelay.aws_lambda.wiring import job_queues, store
from batchrelay.domain.errors import PipelineNotFound
from batchrelay.domain.pipeline import S3Trigger
from batchrelay.domain.values import RUNS_PREFIX
from batchrelay.ports import PipelineStore
from batchrelay_cli.client.api import Registration
from batchrelay_cli.client.budget_check import check_prices
from batchrelay_cli.pipeline_file.overrides import requests_of
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.stack.access import is_local
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.event_rules import (
    TriggerRules,
    buckets_without_events,
    enable_bucket_events,
)
from batchrelay_cli.stack.job_definitions import (
    definitions_elsewhere,
    known_revision,
    known_text,
    missing_queues,
    pinned,
    queue_problems,
    registered,
    share_problems,
)
from batchrelay_cli.stack.local_setup import check_runs_here, ensure_queues, local_definitions
from batchrelay_cli.stack.permissions import Refusals, refusals
from batchrelay_cli.stack.preflight.checks import Checks, check
from batchrelay_cli.stack.preflight.lookups import Lookups


def register(stack: Stack, path: Path, *, is_plan: bool) -> Registration:
    """Register the pipeline of a file; with `is_plan`, only say what would change.

    Raises: PipelineFileError.
    """
    pipeline_file = read(path)
    pipelines = store(stack.outputs["TableName"], stack.make_client)
    local = is_local(stack)
    elsewhere = definitions_elsewhere(stack.batch, pipeline_file)
    if local:
        check_runs_here(pipeline_file, {name for name, there in elsewhere.items() if there})
    rules = TriggerRules(stack=stack, stack_name=stack.name, pipeline=pipeline_file.pipeline.name)
    _check_queues(stack, pipeline_file, local=local)
    checks = check(Lookups(stack=stack), pipeline_file, elsewhere, prefix=rules.prefix, local=local)
    check_prices(stack, pipeline_file)
    definitions = local_definitions(pipeline_file) if local else pipeline_file.definitions
    queues = missing_queues(stack.batch, pipeline_file)
    triggers = pipeline_file.pipeline.triggers
    _check_own_bucket(pipeline_file, stack.outputs["BucketName"])  # and what was found until here
    silent = buckets_without_events(stack, triggers)
    if not local:
        _check_account(pipeline_file, silent, elsewhere)
    denials = refusals(stack, stack.name, pipeline_file, local=local)
    changes = _changes(stack, pipelines, pipeline_file, definitions, queues)
    changes += [f"bucket {name}: its events go to EventBridge" for name in silent.values()]
    changes += rules.changes(triggers)
    if not is_plan and changes:
        if local:
            ensure_queues(stack, pipeline_file)
        for bucket in silent.values():
            enable_bucket_events(stack, bucket)
        pinned_pipeline = registered(stack.batch, pipeline_file, definitions)
        pipelines.register(pinned_pipeline, datetime.now(UTC))
        rules.make(triggers)
    return Registration(
        changes=tuple(changes),
        warnings=_warnings(pipeline_file, checks, denials),
        checked=checks.done,
        not_checked=checks.not_done,
    )


def _warnings(file: PipelineFile, checks: Checks, denials: Refusals) -> tuple[str, ...]:
    """What the stack does not allow, and what would."""
    problems = (*checks.warnings, *denials.problems)
    warnings = tuple(problem.render(file.path) for problem in problems)
    return (*warnings, f"to allow it: {denials.command}") if denials.command else warnings


def _changes(
    stack: Stack,
    pipelines: PipelineStore,
    file: PipelineFile,
    definitions: Sequence[Mapping[str, Any]],
    queues: Sequence[str],
) -> list[str]:
    """One line for everything that is not yet as the file says."""
    changes = [f"job queue {queue}: new" for queue in queues]
    revisions: dict[str, int] = {}
    for definition in definitions:
        name = definition["jobDefinitionName"]
        revision = known_revision(stack.batch, definition, file.pipeline.name)
        if revision is None:
            changes.append(f"job definition {name}: new revision")
        else:
            revisions[name] = revision
    name, version = file.pipeline.name, _version(pipelines, file.pipeline.name)
    if version == 0:
        return [*changes, f"pipeline {name}: new"]
    content = pipelines.get_pipeline(name, version).content
    if len(revisions) < len(definitions) or content != pinned(file.pipeline, revisions).content:
        changes.append(f"pipeline {name}: a new version instead of {version}")
    return changes


def _version(pipelines: PipelineStore, name: str) -> int:
    try:
        return pipelines.registered_version(name)
    except PipelineNotFound:
        return 0


def _refuse_problems(file: PipelineFile) -> None:
    """Raises: PipelineFileError."""
    if file.document.errors:
        raise PipelineFileError(file.path, file.document.errors)


def _check_own_bucket(file: PipelineFile, bucket: str) -> None:
    """A run writes its manifests there: they must not start runs. Raises: PipelineFileError."""
    for number, trigger in enumerate(file.pipeline.triggers):
        if not isinstance(trigger, S3Trigger) or trigger.bucket != bucket:
            continue
        if trigger.prefix.startswith(RUNS_PREFIX) or RUNS_PREFIX.startswith(trigger.prefix):
            file.document.wrong(
                ("triggers", number),
                f"the stack's manifests lie in {bucket} below {RUNS_PREFIX}: they would start runs "
                "without end; give a prefix of your own",
            )
    _refuse_problems(file)


def _check_queues(stack: Stack, file: PipelineFile, *, local: bool) -> None:
    """A queue that is there takes jobs, and a shareIdentifier, or it does not; a local cloud makes
    one that is not there. Raises: PipelineFileError."""
    for place, problem in queue_problems(job_queues(stack.make_client), file, makes_missing=local):
        file.document.wrong(place, problem)
    for number, problem in share_problems(stack.batch, file):
        file.document.wrong(("steps", number), problem)
    _refuse_problems(file)


def _check_account(
    file: PipelineFile,
    silent: Mapping[int, str],
    definitions: Mapping[str, Mapping[str, Any] | None],
) -> None:
    """What deploy does not make in an account. Raises: PipelineFileError."""
    for number, bucket in silent.items():
        file.document.wrong(
            ("triggers", number),
            f"bucket {bucket} is not there, or does not send its events to EventBridge: add "
            '{"EventBridgeConfiguration": {}} to its notification configuration',
        )
    for number, step in enumerate(file.pipeline.steps):
        for request in requests_of(step):
            name = known_text(file, request["jobDefinition"])
            if name is not None and name in definitions and definitions[name] is None:
                file.document.wrong(
                    ("steps", number),
                    f"there is no job definition {name} in this file, nor in this account and "
                    "region",
                )
    _refuse_problems(file)
