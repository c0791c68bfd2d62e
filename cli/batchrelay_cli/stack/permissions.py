"""Whether a stack lets its functions reach what a pipeline names, and the line that allows it.

It compares with the stack's parameters, as its roles do (template.yaml). A policy of a bucket or
topic may allow more, and a boundary less: so it warns, and does not refuse.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.job_tags import PIPELINE_TAG
from batchrelay.domain.templates import expand
from batchrelay_cli.pipeline_file.problems import Problem
from batchrelay_cli.pipeline_file.reach import Kind, Reach, reaches
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.client import Stack

PARAMETERS: Mapping[Kind, str] = {
    Kind.QUEUE: "JobQueueArns",
    Kind.DEFINITION: "JobDefinitionArns",
    Kind.BUCKET: "ItemsBucketArn",
    Kind.TOPIC: "TopicArns",
    Kind.PRESIGNED: "PresignArns",
}
"""Of the stack: what it allows beside its own."""

QUEUES_BY_DEFAULT = ("MainQueue", "ProdQueue", "FargateQueue")
"""The job queues that a stack allows whose parameter names none: those of the examples."""

QUEUES_OF_QUICKSTART = (*QUEUES_BY_DEFAULT, "FargateSpotQueue")
"""Those of quickstart/template.yaml: a stack that made them allows them."""

_NAMES_ONE = re.compile(r"arn:[A-Za-z0-9._:/-]+")
"""An ARN without a wildcard, a comma or a blank: those would allow more than was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What a stack would not let a pipeline's runs do."""

    problems: tuple[Problem, ...] = ()
    """A warning for each place."""
    command: str = ""
    """What allows it; empty if nothing is to be allowed."""


def refusals(stack: Stack, stack_name: str, file: PipelineFile, *, local: bool) -> Refusals:
    """Compare; in a local cloud, which allows everything, with what AWS would do."""
    roles = _Roles(stack=stack, own=frozenset(d["jobDefinitionName"] for d in file.definitions))
    warnings_before = len(file.document.warnings)
    arns_by_parameter: dict[str, dict[str, None]] = {}
    for reach, name, arn in roles.refused(file):
        if local and reach.kind is Kind.PRESIGNED and name == stack.outputs["BucketName"]:
            continue  # in AWS the bucket has another name, which only a stack there knows
        parameter = PARAMETERS[reach.kind]
        where = f"in AWS, stack {stack_name}" if local else f"stack {stack_name}"
        message = f"{where} does not allow {reach.kind} {name} ({parameter})"
        file.document.warn(reach.place, message)
        if _NAMES_ONE.fullmatch(arn):
            objects = "/*" if reach.kind is Kind.PRESIGNED else ""
            arns_by_parameter.setdefault(parameter, {})[arn + objects] = None
    problems = tuple(file.document.warnings[warnings_before:])
    return Refusals(problems=problems, command=_command(stack, stack_name, arns_by_parameter))


def _command(
    stack: Stack, stack_name: str, arns_by_parameter: Mapping[str, Mapping[str, None]]
) -> str:
    if not arns_by_parameter:
        return ""
    pairs = (
        f"{name}={','.join([*_listed(stack.parameters.get(name, '')), *arns])}"
        for name, arns in sorted(arns_by_parameter.items())
    )
    overrides = " ".join(shlex.quote(pair) for pair in pairs)
    return f"sam deploy --stack-name {shlex.quote(stack_name)} --parameter-overrides {overrides}"


@dataclass(frozen=True, kw_only=True)
class _Roles:
    """What the roles of a stack allow."""

    stack: Stack
    own: frozenset[str]
    """Names of the job definitions that deploy registers for this pipeline."""

    def refused(self, file: PipelineFile) -> Iterator[tuple[Reach, str, str]]:
        """What is not allowed: where, its name, its ARN."""
        data: dict[str, Any] = file.document.data
        outputs = self.stack.outputs
        ours = {"env.bucket": outputs["BucketName"], "env.topicArn": outputs["TopicArn"]}
        for reach in reaches(file.pipeline, data["steps"], data.get("defaults", {})):
            for text in reach.names:
                name = expand(text, ours)
                arn = self._arn(reach.kind, name)
                if not self._is_allowed(reach, name, arn):
                    yield reach, name, arn

    def _arn(self, kind: Kind, name: str) -> str:
        if name.startswith("arn:"):
            return name
        _, partition, _, region, account, _ = self.stack.outputs["TriggerQueueArn"].split(":", 5)
        if kind in (Kind.BUCKET, Kind.PRESIGNED):
            return f"arn:{partition}:s3:::{name}"
        resource = "job-queue" if kind is Kind.QUEUE else "job-definition"
        return f"arn:{partition}:batch:{region}:{account}:{resource}/{name}"

    def _is_allowed(self, reach: Reach, name: str, arn: str) -> bool:
        arn_list = self.stack.parameters.get(PARAMETERS[reach.kind])
        if arn_list is None or any(_matches(pattern, arn) for pattern in _listed(arn_list)):
            return True  # None: a stack from before there was this parameter
        match reach.kind:
            case Kind.PRESIGNED:  # of its objects, at least some
                buckets = (pattern.partition("/")[0] for pattern in _listed(arn_list))
                return any(_matches(bucket, arn) for bucket in buckets)
            case Kind.BUCKET:
                return name == self.stack.outputs["BucketName"]
            case Kind.TOPIC:
                return name == self.stack.outputs["TopicArn"]
            case Kind.QUEUE:
                return arn in {self._arn(reach.kind, queue) for queue in self._own_queues()}
            case Kind.DEFINITION:
                is_pinned = name in self.own and not reach.params
                return is_pinned or self._is_of_a_pipeline(name)

    def _own_queues(self) -> tuple[str, ...]:
        """What it allows beside those of its parameter."""
        if self.stack.parameters.get("BatchQuickstart") == "yes":
            return QUEUES_OF_QUICKSTART
        return () if self.stack.parameters.get(PARAMETERS[Kind.QUEUE]) else QUEUES_BY_DEFAULT

    def _is_of_a_pipeline(self, name: str) -> bool:
        """Whether it is a revision that deploy registered.

        Without a revision AWS Batch asks for the name's own ARN, and looks at no tag.
        Source: Batch User Guide, iam-example-restrict-job-submission-by-tags; aws-sdk-js#4280.
        """
        if re.search(r":\d+$", name) is None:
            return False
        definitions = self.stack.batch.describe_job_definitions(jobDefinitions=[name])[
            "jobDefinitions"
        ]
        return any(PIPELINE_TAG in definition.get("tags", {}) for definition in definitions)


def _listed(text: str) -> list[str]:
    """A parameter of the type CommaDelimitedList."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _matches(pattern: str, arn: str) -> bool:
    """As IAM does: `*` and `?` stand for anything. Source: IAM User Guide, Resource."""
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, arn, re.DOTALL) is not None
