"""All checks of one registration, before it changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchrelay_cli.pipeline_file.document import Place
from batchrelay_cli.pipeline_file.problems import Problem
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.job_definitions import described_queues, known_text
from batchrelay_cli.stack.preflight.environments import (
    environments_problem,
    is_usable,
    place_problem,
    queue_problem,
    unusable,
)
from batchrelay_cli.stack.preflight.forms import form_problems
from batchrelay_cli.stack.preflight.images import (
    EcrImage,
    architectures_needed,
    image_problem,
    missing_image_problem,
)
from batchrelay_cli.stack.preflight.log_groups import log_group_problem, log_groups_of
from batchrelay_cli.stack.preflight.lookups import Lookups, MissingImageError
from batchrelay_cli.stack.preflight.platforms import platform_problem
from batchrelay_cli.stack.preflight.quotas import Quota, quota_of, quota_problem, quota_warning
from batchrelay_cli.stack.preflight.rights import (
    is_root,
    refused_actions,
    right_problem,
    rights_needed,
    role_of_session,
)
from batchrelay_cli.stack.preflight.roles import name_and_account, role_problem, roles_of
from batchrelay_cli.stack.preflight.sizes import size_problem, vcpus_of
from batchrelay_cli.stack.preflight.uses import Use, members_of, uses_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What was looked at; what is wrong is in the file's document."""

    done: tuple[str, ...]
    """A subject each, with the names."""
    not_done: tuple[str, ...]
    """What AWS did not let the caller see, or has no answer to."""
    warnings: tuple[Problem, ...]


def check(
    lookups: Lookups,
    file: PipelineFile,
    elsewhere: Mapping[str, Mapping[str, Any] | None],
    *,
    prefix: str,
    local: bool,
) -> Checks:
    """Look at everything that jobs of a file need.

    A local cloud has no images, no roles, and compute environments of one kind.

    Args:
        elsewhere: the definitions that the account has, by how a step refers to them.
        prefix: of the names of the pipeline's rules and schedules.
    """
    warnings_before = len(file.document.warnings)
    one = _Preflight(lookups=lookups, file=file, uses=tuple(uses_of(file, elsewhere)))
    one.check_forms()
    one.check_queues()
    one.check_sizes()
    if not local:
        one.check_places()
        one.check_platforms()
        one.check_quotas()
        one.check_images()
        one.check_roles()
        one.check_log_groups()
        one.check_rights(prefix)
    return Checks(
        done=tuple(f"{what}: {', '.join(names)}" for what, names in one.done.items() if names),
        not_done=tuple(lookups.refused),
        warnings=tuple(file.document.warnings[warnings_before:]),
    )


@dataclass(kw_only=True)
class _Preflight:
    lookups: Lookups
    file: PipelineFile
    uses: tuple[Use, ...]
    environments: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """Those that are usable, by the name of the job queue; none of a queue that is not there."""
    done: dict[str, dict[str, None]] = field(default_factory=dict)

    def _wrong(self, place: Place, problem: str | None) -> None:
        if problem is not None:
            self.file.document.wrong(place, problem)

    def _has(self, what: str, name: str) -> None:
        self.done.setdefault(what, {})[name] = None

    def check_forms(self) -> None:
        for use in self.uses:
            for problem in form_problems(use):
                self._wrong(use.at_definition, problem)

    def check_queues(self) -> None:
        queues = described_queues(self.lookups.stack.batch, self.file)
        for use in self.uses:
            if use.queue in queues:
                self._wrong(use.at_queue, queue_problem(queues[use.queue]))
        with self.lookups.noting("compute environments"):
            by_arn = self.lookups.environments(queues.values())
            for name, queue in queues.items():
                order = queue.get("computeEnvironmentOrder", [])
                arns = [entry["computeEnvironment"] for entry in order]
                self._check_environments(name, [by_arn[arn] for arn in arns if arn in by_arn])

    def _check_environments(self, queue: str, environments: list[Mapping[str, Any]]) -> None:
        self._has("job queues and their compute environments", queue)
        self.environments[queue] = [one for one in environments if is_usable(one)]
        problem = environments_problem(queue, environments)
        for use in self.uses:
            if use.queue != queue:
                continue
            self._wrong(use.at_queue, problem)
            for one in environments if problem is None else ():
                if not is_usable(one):
                    self.file.document.warn(use.at_queue, f"of job queue {queue}, {unusable(one)}")

    def check_places(self) -> None:
        region, account = self.lookups.region, self.lookups.account
        for use in self.uses:
            for what, key, place in (
                ("job queue", "jobQueue", use.at_queue),
                ("job definition", "jobDefinition", use.at_definition),
            ):
                reference = known_text(self.file, use.request.get(key, "")) or ""
                self._wrong(place, place_problem(what, reference, region, account))

    def check_sizes(self) -> None:
        for use in self.uses:
            vcpus = vcpus_of(use, lambda text: known_text(self.file, text))
            environments = self.environments.get(use.queue, [])
            self._wrong(use.at_queue, size_problem(use, vcpus, environments))

    def check_platforms(self) -> None:
        for use in self.uses:
            problem = platform_problem(use, self.environments.get(use.queue, []))
            self._wrong(use.at_queue, problem)
            if use.definition:
                self._has("platforms and sizes of job definitions", use.name)

    def check_quotas(self) -> None:
        warned: set[str] = set()
        for use in self.uses:
            vcpus = vcpus_of(use, lambda text: known_text(self.file, text)) or 0
            environments = self.environments.get(use.queue, [])
            values: list[tuple[Quota, float]] = []
            for environment in environments:
                quota = quota_of(environment)
                value = None if quota is None else self._quota(quota)
                if quota is None or value is None:
                    continue
                values.append((quota, value))
                warning = quota_warning(environment, quota, value, self.lookups.region)
                if warning and warning not in warned:
                    warned.add(warning)
                    self.file.document.warn(use.at_queue, warning)
            if values and len(values) == len(environments) and vcpus > max(v for _, v in values):
                quota, value = max(values, key=lambda pair: pair[1])
                region = self.lookups.region
                self._wrong(use.at_queue, quota_problem(use.name, vcpus, quota, value, region))

    def _quota(self, quota: Quota) -> float | None:
        """None if it cannot be looked up."""
        value: float | None = None
        with self.lookups.noting(f"quota of {quota.what}"):
            value = self.lookups.quota(quota)
            self._has("quotas of vCPUs", f"{quota.what} {value:g}")
        return value

    def check_images(self) -> None:
        architectures: dict[str, frozenset[str]] = {}
        for use, path, image in self._images():
            if image not in architectures:
                architectures[image] = self._architectures(image, (*use.at_definition, *path))
            environments = self.environments.get(use.queue, [])
            machines = architectures_needed(use.definition, environments)
            place = (*use.at_definition, *path)
            self._wrong(place, image_problem(image, use, architectures[image], machines))

    def _images(self) -> Iterator[tuple[Use, Place, str]]:
        for use in self.uses:
            for path, image in members_of(use.definition, "image"):
                yield use, path, str(image)

    def _architectures(self, image: str, place: Place) -> frozenset[str]:
        """None of an image that cannot be looked up."""
        in_ecr = EcrImage.of(image)
        if in_ecr is None:
            self.lookups.refused[f"image {image}: it is not in Amazon ECR"] = None
            return frozenset()
        architectures: frozenset[str] = frozenset()
        with self.lookups.noting(f"image {image}"):
            try:
                architectures = self.lookups.architectures(in_ecr)
                self._has("images", image)
            except MissingImageError as error:
                self._wrong(place, missing_image_problem(image, str(error)))
        return architectures

    def check_roles(self) -> None:
        places: dict[str, dict[Place, None]] = {}
        for use in self._definitions():
            for path, role in roles_of(use.definition):
                places.setdefault(role, {})[(*use.at_definition, *path)] = None
        for role, where in places.items():
            name, account = name_and_account(role)
            if account not in (None, self.lookups.account):
                self.lookups.refused[f"role {role}: it is of another account"] = None
                continue
            with self.lookups.noting(f"role {name}"):
                policy = self.lookups.trust_policy(name)
                for place in where:
                    self._wrong(place, role_problem(str(place[-1]), name, policy))
                self._has("roles", name)

    def check_log_groups(self) -> None:
        places: dict[str, dict[Place, None]] = {}
        for use in self._definitions():
            for path, group in log_groups_of(use.definition, self.lookups.region):
                places.setdefault(group, {})[(*use.at_definition, *path)] = None
        for group, where in places.items():
            with self.lookups.noting(f"log group {group}"):
                names = self.lookups.log_groups(group)
                for place in where:
                    self._wrong(place, log_group_problem(group, names))
                self._has("log groups", group)

    def _definitions(self) -> Sequence[Use]:
        """A use of each definition."""
        return tuple({use.at_definition: use for use in self.uses if use.definition}.values())

    def check_rights(self, prefix: str) -> None:
        with self.lookups.noting("your own rights"):
            principal = self._principal()
            if principal is None:
                return
            outputs = self.lookups.stack.outputs
            for right in rights_needed(self.file, self.file.definitions, outputs, prefix):
                refused = refused_actions(self.lookups.simulated(principal, right))
                if refused:
                    self.file.document.warn((), right_problem(right, refused))
            self._has("your own rights", principal)

    def _principal(self) -> str | None:
        """Of whom IAM knows policies; None of the root user, who may do everything."""
        caller = self.lookups.caller()
        session_of = role_of_session(caller)
        if session_of is not None:
            return self.lookups.role_arn(session_of)
        return None if is_root(caller) else caller
