"""Makes a local cloud ready for a pipeline: queues, job definitions, uploads."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

from botocore.exceptions import ClientError

from batchrelay.domain.pipeline import ParamType, Pipeline
from batchrelay.domain.values import Json
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG
from batchrelay_cli.pipeline_file.overrides import requests_of
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.folder import UnsafeNameError
from batchrelay_cli.stack.job_definitions import (
    known_text,
    missing_queues,
    registered,
    shares_of,
)
from batchrelay_cli.stack.local_containers import LocalContainer, local_containers, vcpus_of
from batchrelay_cli.terminal import excerpt
from batchrelay_local.launch import WORKER, job_environment

DIRECTORY_TAG = "batchrelay:directory"
"""The tag by which the local AWS Batch knows where a process starts: WORKDIR of an image."""

PROGRAMS_TAG = "batchrelay:programs"
"""The tag of the folder that the local AWS Batch puts before PATH: the programs of an image."""

ENVIRONMENT_NAME = "this-machine"


def check_runs_here(file: PipelineFile, elsewhere: Collection[str] = ()) -> None:
    """Every step must have a job definition in the file, and its program must be on this machine.

    `elsewhere` are definitions that the local cloud has from others: they know their programs.

    Raises:
        PipelineFileError: with every step that could not run here.
    """
    path = os.pathsep.join(filter(None, (own_programs(), job_environment(os.environ)["PATH"])))
    by_name = {definition["jobDefinitionName"]: definition for definition in file.definitions}
    for number, step in enumerate(file.pipeline.steps):
        requests = [r for r in requests_of(step) if _reference(file, r) not in elsewhere]
        problems = [_problem(file, step.name, request, by_name, path) for request in requests]
        for problem in dict.fromkeys(filter(None, problems)):
            at_definition = ("jobDefinition",) if problem.startswith("job definition") else ()
            file.document.wrong(("steps", number, *at_definition), problem)
    if file.document.errors:
        raise PipelineFileError(file.path, file.document.errors)


def _problem(
    file: PipelineFile,
    step: str,
    request: Mapping[str, Json],
    by_name: Mapping[str, Mapping[str, Any]],
    path: str,
) -> str | None:
    """Why a request cannot run here."""
    reference = _reference(file, request)
    definition = by_name.get(reference)
    if definition is None:
        return (
            f"job definition {reference} is not in this file's jobDefinitions; here there is "
            "no AWS account to find it in: add it, with its command"
        )
    problems = (
        _container_problem(file, step, container, path)
        for container in local_containers(request, definition)
    )
    return next(filter(None, problems), None)


def _container_problem(
    file: PipelineFile, step: str, container: LocalContainer, path: str
) -> str | None:
    """Why a container cannot run here."""
    who = f"{container.who}step {step}"
    if not container.words:
        return (
            f"{who} has no command; here there is no image to have one: write it into the job "
            f"definition, the step's overrides, or the tag {ENTRYPOINT_TAG}"
        )
    program = container.words[0]
    is_there = program == WORKER or shutil.which(program, path=path) is not None
    if not is_there and not os.path.isfile(_home(file) / program):  # noqa: PTH113  # for any text
        return (
            f"{who} runs {excerpt(program)!r}, which is not on this machine's PATH: "
            "install it, activate the environment that has it, or, if the image's ENTRYPOINT "
            f"runs it, write that ENTRYPOINT into the job definition's tag {ENTRYPOINT_TAG}"
        )
    return None


def _reference(file: PipelineFile, request: Mapping[str, Json]) -> str:
    text = request.get("jobDefinition", "")
    return known_text(file, text) or str(text)


def _home(file: PipelineFile) -> Path:
    return file.path.resolve().parent


def prepare_pipeline(stack: Stack, file: PipelineFile) -> Pipeline:
    """Create the queues that the file names, register its job definitions, and pin them.

    Raises:
        PipelineFileError: a definition that the local AWS Batch refuses.
    """
    ensure_queues(stack, file)
    return registered(stack.batch, file, local_definitions(file))


def local_definitions(file: PipelineFile) -> list[Mapping[str, Any]]:
    """The file's job definitions, each with the folder where its process starts."""
    programs = own_programs()
    tags = {DIRECTORY_TAG: str(_home(file)), **({PROGRAMS_TAG: programs} if programs else {})}
    return [{**entry, "tags": {**entry.get("tags", {}), **tags}} for entry in file.definitions]


def own_programs() -> str | None:
    """The programs of batchrelay's own environment, where it was called out of it by its path.

    An environment that is activated or on PATH needs no help: jobs find what the shell finds.
    """
    here = Path(sys.executable).parent
    if "VIRTUAL_ENV" in os.environ or "CONDA_PREFIX" in os.environ:
        return None
    program = shutil.which("batchrelay")
    is_known = program is not None and Path(program).resolve().parent == here.resolve()
    return None if is_known else str(here)


def ensure_queues(stack: Stack, file: PipelineFile) -> None:
    """Job queues under whatever names the file says, wide enough for its largest child."""
    requests = [r for step in file.pipeline.steps for r in requests_of(step)]
    slots = max(os.cpu_count() or 1, *(_vcpus(request, file) for request in requests))
    name = f"{ENVIRONMENT_NAME}-{slots}"
    answer = stack.batch.describe_compute_environments(computeEnvironments=[name])
    if not answer["computeEnvironments"]:
        stack.batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            computeResources={"type": "EC2", "maxvCpus": slots, "subnets": [], "instanceTypes": []},
        )
    uses = [use for step in file.pipeline.steps for use in shares_of(file, step)]
    shared = {queue for queue, is_shared in uses if is_shared}
    for queue in missing_queues(stack.batch, file):
        try:
            _create_queue(stack, queue, name, is_shared=queue in shared)
        except ClientError:  # another deploy runs at the same time, or the name is invalid
            if queue in missing_queues(stack.batch, file):
                raise


def _create_queue(stack: Stack, queue: str, environment: str, *, is_shared: bool) -> None:
    """A fair-share queue, if the file gives its jobs a shareIdentifier: AWS Batch takes it there
    and nowhere else."""
    policy: Any = {}
    if is_shared:
        name = f"share-{queue}"[:100] + f"-{token_hex(4)}"  # one of an earlier try may be there
        scheduling_policy = stack.batch.create_scheduling_policy(name=name, fairsharePolicy={})
        policy = {"schedulingPolicyArn": scheduling_policy["arn"]}
    stack.batch.create_job_queue(
        jobQueueName=queue,
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
        **policy,
    )


def _vcpus(request: Mapping[str, Json], file: PipelineFile) -> int:
    """What one child takes: so much this machine must pretend to have, or it would never start."""
    reference = _reference(file, request)
    own = (d for d in file.definitions if d["jobDefinitionName"] == reference)
    definition: Mapping[str, Any] = next(own, {})
    return math.ceil(vcpus_of(request, definition))


def upload_params(
    stack: Stack, pipeline: Pipeline, params: Mapping[str, str], run_id: str
) -> Iterator[tuple[str, str | None, Path | None]]:
    """Upload every parameter of type s3uri that is an existing local path.

    Raises: UsageProblem, if a name can be no key or a file cannot be read.

    Yields (parameter, None, file) for each file, and (parameter, its value, None) at its end.
    """
    upload_names = local_params(pipeline, params)
    for name, value in params.items():
        if name not in upload_names:
            yield name, value, None
            continue
        path = Path(value).expanduser()
        prefix = f"uploads/{run_id}/{name}/"
        try:
            for file in stack.upload(path, prefix):
                yield name, None, file
        except (UnsafeNameError, OSError) as error:
            raise UsageProblem(f"parameter {name}: {error}") from None
        uri = f"s3://{stack.outputs['BucketName']}/{prefix}"
        yield name, uri + (path.name if path.is_file() else ""), None


def local_params(pipeline: Pipeline, params: Mapping[str, str]) -> set[str]:
    """The parameters that are uploaded: any other text may have the name of a folder by chance."""
    uris = {param.name for param in pipeline.params if param.type is ParamType.S3URI}
    return {name for name, value in params.items() if name in uris and is_local_path(value)}


def not_uploaded(pipeline: Pipeline, params: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each parameter that looks like a path and is not of type s3uri."""
    uris = {param.name for param in pipeline.params if param.type is ParamType.S3URI}
    for name, value in params.items():
        if name not in uris and is_local_path(value):
            yield (
                f"parameter {name} is {value!r}, as it is: only a parameter of {{type: s3uri}} is "
                "uploaded"
            )


def is_local_path(value: str) -> bool:
    """Whether a parameter's value means a file or folder of this machine."""
    if not value or "://" in value:
        return False
    try:
        path = Path(value).expanduser()
        return path.is_file() or path.is_dir()
    except (OSError, RuntimeError):
        return False
