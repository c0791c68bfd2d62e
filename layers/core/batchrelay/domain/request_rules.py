"""What AWS Batch documents of the values of a request, checked before anything is sent.

The same rules serve `lint`, which has the file, and a start, which has every value. A text that
still holds a `${…}` is not known yet: no rule judges it. Values of a wrong type are not judged
either: the shape of a request is checked against AWS's own model, by `lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeGuard

from batchrelay.domain.containers import ONE_CONTAINER, TASK, Path, containers_of
from batchrelay.domain.job_tags import RESERVED_PREFIX, TAG_CHARS, is_tag_char
from batchrelay.domain.limits import (
    AMOUNT_CHARS_MAX,
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    ATTEMPTS_MAX,
    MEMORY_MIB_MIN,
    OVERRIDES_CHARS_MAX,
    PATTERN_CHARS_MAX,
    PRIORITY_MAX,
    REQUEST_BYTES_MAX,
    RETRY_RULES_MAX,
    TAG_KEY_CHARS_MAX,
    TAG_VALUE_CHARS_MAX,
    TAGS_MAX,
    TIMEOUT_S_MIN,
)
from batchrelay.domain.templates import references
from batchrelay.domain.values import NAME, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A value that AWS Batch refuses, and where it is in its request."""

    path: Path
    message: str
    """What is wrong, and what to write instead."""

    def __str__(self) -> str:
        """As it stands where there is no line to point at."""
        is_named = bool(self.path) and self.message.startswith(f"{self.path[-1]} ")
        where = ".".join(str(part) for part in (self.path[:-1] if is_named else self.path))
        return f"{where}: {self.message}" if where else self.message


_QUEUE = re.compile(rf"(arn:[^/]+:job-queue/)?{NAME.pattern}")
_DEFINITION = re.compile(rf"(arn:[^/]+:job-definition/)?{NAME.pattern}(:[1-9][0-9]*)?")
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_DECIMAL = re.compile(r"0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*")
_WHOLE = re.compile(r"0*[1-9][0-9]*")
_REASON = re.compile(r"[A-Za-z0-9.:\s]*\*?")
_EXIT_CODE = re.compile(r"[0-9]+\*?|\*")
_PATTERNS = (
    ("onStatusReason", _REASON, "letters, digits, periods, colons and blanks, and a * at the end"),
    ("onReason", _REASON, "letters, digits, periods, colons and blanks, and a * at the end"),
    ("onExitCode", _EXIT_CODE, "digits, and a * at the end"),
)
_OF_ECS = (ONE_CONTAINER, TASK)
"""Of a job of these forms, what it changes reaches ECS as one text."""
_OWNERS = (("AWS_BATCH", "AWS Batch"), ("BATCHRELAY_", "batchrelay"))


def submit_violations(request: Mapping[str, Json]) -> Iterator[Violation]:
    """What AWS Batch refuses of a SubmitJob request's own values."""
    yield from _name(
        request, "jobQueue", _QUEUE, "letters, digits, - and _, at most 128, or an ARN"
    )
    yield from _name(request, "jobDefinition", _DEFINITION, "a name, NAME:REVISION, or an ARN")
    yield from _name(
        request, "shareIdentifier", _SHARE, "1 to 255 letters and digits, and a * at the end"
    )
    yield from _number(request, "schedulingPriorityOverride", 0, PRIORITY_MAX, "priorities")
    for container in containers_of(request):
        yield from _below(container.path, container_violations(container.values))
    yield from attempt_violations(request)
    yield from _below("tags", _tag_text_violations(_mapping(request.get("tags"))))


def array_violations(request: Mapping[str, Json]) -> Iterator[Violation]:
    """Of a size as it is written; one that a run knows may be any, and is several arrays."""
    array = _mapping(request.get("arrayProperties"))
    found = _number(array, "size", ARRAY_SIZE_MIN, ARRAY_SIZE_MAX, "array sizes")
    return _below("arrayProperties", found)


def attempt_violations(document: Mapping[str, Json]) -> Iterator[Violation]:
    """Of what a request and a job definition have in common: retries, timeout, tags."""
    yield from _below("retryStrategy", _retry_violations(_mapping(document.get("retryStrategy"))))
    seconds = _mapping(document.get("timeout")).get("attemptDurationSeconds")
    if _is_number(seconds) and seconds < TIMEOUT_S_MIN:
        yield Violation(
            path=("timeout", "attemptDurationSeconds"),
            message=f"AWS Batch takes timeouts from {TIMEOUT_S_MIN} seconds on, not {seconds}",
        )
    yield from _below("tags", _tag_violations(_mapping(document.get("tags"))))


def container_violations(
    container: Mapping[str, Json], owners: tuple[tuple[str, str], ...] = _OWNERS
) -> Iterator[Violation]:
    """Of one container: command, environment, resources."""
    for index, word in enumerate(_list(container.get("command"))):
        if word == "":
            yield Violation(
                path=("command", index),
                message="AWS Batch refuses an empty word in a command: leave it out, or write a "
                "word that the program takes for nothing",
            )
        elif isinstance(word, str) and "\0" in word:
            yield Violation(
                path=("command", index),
                message="a word of a command holds a NUL character, which no program can be given",
            )
    for key in ("environment", "env"):
        for index, entry in enumerate(_list(container.get(key))):
            for message in _environment_problems(_mapping(entry), owners):
                yield Violation(path=(key, index), message=message)
    for index, entry in enumerate(_list(container.get("resourceRequirements"))):
        problem = _amount_problem(_mapping(entry))
        if problem is not None:
            yield Violation(path=("resourceRequirements", index, "value"), message=problem)


def size_violations(request: Mapping[str, Json]) -> Iterator[Violation]:
    """The limits of a whole request. A request that is not complete yet is a lower bound.

    Bytes are those on the wire, where JSON escapes what is not ASCII; the characters of overrides
    are counted as characters. Source: Batch User Guide, service quotas; hyp3#3041.
    """
    size = len(json.dumps(request).encode())
    if size > REQUEST_BYTES_MAX:
        yield Violation(
            path=(),
            message=f"the request is {size:,} bytes; AWS Batch takes {REQUEST_BYTES_MAX:,}: put "
            "long lists into a file in S3 and pass its URI",
        )
    for form in _OF_ECS:
        characters = len(json.dumps(request.get(form, {}), ensure_ascii=False))
        if characters <= OVERRIDES_CHARS_MAX:
            continue
        yield Violation(
            path=(form,),
            message=f"{characters:,} characters; above {OVERRIDES_CHARS_MAX:,} AWS "
            "Batch accepts the job and then fails it: put long texts into a file in S3 and pass "
            "its URI",
        )


def is_known(text: str) -> bool:
    """Whether a text holds no `${…}` any more."""
    return next(references(text), None) is None


# --- one field each ----------------------------------------------------------


def _name(
    request: Mapping[str, Json], key: str, pattern: re.Pattern[str], form: str
) -> Iterator[Violation]:
    value = request.get(key)
    if isinstance(value, str) and is_known(value) and not pattern.fullmatch(value):
        yield Violation(path=(key,), message=f"{key} {value[:200]!r} is not valid: write {form}")


def _number(
    document: Mapping[str, Json], key: str, least: int, most: int, what: str
) -> Iterator[Violation]:
    value = document.get(key)
    if _is_number(value) and not least <= value <= most:
        message = f"AWS Batch takes {what} {least} to {most:,}, not {value:,}"
        yield Violation(path=(key,), message=message)


def priority_violations(definition: Mapping[str, Json]) -> Iterator[Violation]:
    """Of a job definition's own schedulingPriority."""
    return _number(definition, "schedulingPriority", 0, PRIORITY_MAX, "priorities")


def _retry_violations(strategy: Mapping[str, Json]) -> Iterator[Violation]:
    yield from _number(strategy, "attempts", 1, ATTEMPTS_MAX, "attempts")
    rules = _list(strategy.get("evaluateOnExit"))
    if rules and "attempts" not in strategy:
        yield Violation(path=(), message="evaluateOnExit needs attempts beside it")
    if len(rules) > RETRY_RULES_MAX:
        message = f"AWS Batch takes at most {RETRY_RULES_MAX} rules, not {len(rules)}"
        yield Violation(path=("evaluateOnExit",), message=message)
    for index, rule in enumerate(map(_mapping, rules)):
        if rule and not any(key in rule for key, _, _ in _PATTERNS):
            message = "a rule needs onStatusReason, onReason or onExitCode"
            yield Violation(path=("evaluateOnExit", index), message=message)
        for key, pattern, form in _PATTERNS:
            value = rule.get(key)
            if not isinstance(value, str) or not is_known(value):
                continue
            if not pattern.fullmatch(value) or len(value) > PATTERN_CHARS_MAX:
                message = f"{key} {value[:60]!r}: AWS Batch takes up to {PATTERN_CHARS_MAX} {form}"
                yield Violation(path=("evaluateOnExit", index, key), message=message)


def _tag_violations(tags: Mapping[str, Json]) -> Iterator[Violation]:
    if len(tags) > TAGS_MAX:
        yield Violation(path=(), message=f"AWS Batch takes {TAGS_MAX} tags, not {len(tags)}")
    for key, value in tags.items():
        if not 1 <= len(key) <= TAG_KEY_CHARS_MAX or key.lower().startswith(RESERVED_PREFIX):
            message = (
                f"a tag's name has 1 to {TAG_KEY_CHARS_MAX} characters, and not aws: before it"
            )
            yield Violation(path=(key,), message=message)
        if isinstance(value, str) and is_known(value) and len(value) > TAG_VALUE_CHARS_MAX:
            message = f"{len(value):,} characters; a tag's value has up to {TAG_VALUE_CHARS_MAX}"
            yield Violation(path=(key,), message=message)


def _tag_text_violations(tags: Mapping[str, Json]) -> Iterator[Violation]:
    """Of what the tasks of a job are given, whose characters are ECS's."""
    for key, value in tags.items():
        if not all(map(is_tag_char, key)):
            yield Violation(path=(key,), message=f"AWS takes {TAG_CHARS} in a tag's name")
        if not isinstance(value, str) or not is_known(value):
            continue
        if not all(map(is_tag_char, value)):
            message = f"AWS takes {TAG_CHARS} in a tag's value, not {value[:60]!r}"
            yield Violation(path=(key,), message=message)
        if value.lower().startswith(RESERVED_PREFIX):
            message = f"a tag's value does not begin with {RESERVED_PREFIX}, which is AWS's own"
            yield Violation(path=(key,), message=message)


def _environment_problems(
    entry: Mapping[str, Json], owners: tuple[tuple[str, str], ...]
) -> Iterator[str]:
    name, value = entry.get("name", ""), entry.get("value", "")
    if not isinstance(name, str) or not is_known(name):
        return
    if isinstance(value, str) and "\0" in value:
        yield f"the value of {name} holds a NUL character, which no variable can have"
    if not name or "=" in name or "\0" in name:
        yield f"{name!r} is not a variable's name: write {{name: NAME, value: VALUE}}"
    for prefix, owner in owners:
        if name.startswith(prefix):
            yield f"{name}: names in {prefix}… belong to {owner}"


def _amount_problem(entry: Mapping[str, Json]) -> str | None:
    """VCPU may be a part of one, on Fargate. Source: ResourceRequirement."""
    kind, value = entry.get("type"), entry.get("value")
    if not isinstance(value, str) or not is_known(value):
        return None
    if not _DECIMAL.fullmatch(value):
        return f'{value[:60]!r} is not an amount: write a number above 0, such as "1"'
    if kind != "VCPU" and not _WHOLE.fullmatch(value):
        return f'{kind} {value[:60]!r} is not a whole number: write "1024"'
    if len(value) > AMOUNT_CHARS_MAX:
        return f"{kind} has {len(value):,} characters; an amount has at most {AMOUNT_CHARS_MAX}"
    if kind == "MEMORY" and int(value) < MEMORY_MIB_MIN:
        return f'MEMORY is in MiB, and at least {MEMORY_MIB_MIN}, not {value}: write "1024"'
    return None


# --- values of any type ------------------------------------------------------


def _below(key: str | Path, found: Iterator[Violation]) -> Iterator[Violation]:
    above = (key,) if isinstance(key, str) else key
    return (replace(violation, path=(*above, *violation.path)) for violation in found)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _is_number(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
