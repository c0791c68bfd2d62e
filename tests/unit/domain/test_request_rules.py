"""What AWS Batch refuses of a request: where it is, what is wrong and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from batchrelay.domain.limits import AMOUNT_CHARS_MAX
from batchrelay.domain.request_rules import (
    Violation,
    array_violations,
    attempt_violations,
    container_violations,
    is_known,
    priority_violations,
    size_violations,
    submit_violations,
)
from batchrelay.domain.values import Json

Found = list[tuple[tuple[str | int, ...], str]]
PATTERN = "letters, digits, periods, colons and blanks, and a * at the end"
EMPTY_WORD = (
    "AWS Batch refuses an empty word in a command: leave it out, or write a word that the program "
    "takes for nothing"
)
NUL_WORD = "a word of a command holds a NUL character, which no program can be given"
TAG_NAME = "a tag's name has 1 to 128 characters, and not aws: before it"


def found(violations: Iterator[Violation]) -> Found:
    return [(violation.path, violation.message) for violation in violations]


@pytest.mark.parametrize(
    ("path", "message", "text"),
    [
        ((), "the whole", "the whole"),
        (("a", 0), "b is wrong", "a.0: b is wrong"),
        (("a", "b"), "b is wrong", "a: b is wrong"),
        (("b",), "b is wrong", "b is wrong"),
        (("b",), "bx is wrong", "b: bx is wrong"),
    ],
)
def test_a_violation_names_its_place_once(
    path: tuple[str | int, ...], message: str, text: str
) -> None:
    assert str(Violation(path=path, message=message)) == text


@pytest.mark.parametrize("text", ["x", "$.", "{x}", "$x"])
def test_a_text_without_a_variable_is_known(text: str) -> None:
    assert is_known(text) is True
    assert is_known(text + "${params.x}") is False


# --- names and numbers

QUEUE = "letters, digits, - and _, at most 128, or an ARN"
DEFINITION = "a name, NAME:REVISION, or an ARN"
SHARE = "1 to 255 letters and digits, and a * at the end"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("jobQueue", value) for value in ("a", "A_-0", "x" * 128, "arn:a:job-queue/q")),
        *(("jobDefinition", value) for value in ("a", "a:1", "a:10", "arn:x:job-definition/a:2")),
        *(("shareIdentifier", value) for value in ("a", "a*", "x" * 255, "x" * 255 + "*")),
        *((key, "${params.x} !") for key in ("jobQueue", "jobDefinition", "shareIdentifier")),
        *((key, 5) for key in ("jobQueue", "jobDefinition", "shareIdentifier")),
        *(("schedulingPriorityOverride", value) for value in (0, 9_999, True, "x", None)),
    ],
)  # fmt: skip
def test_a_name_or_number_that_fits_passes(key: str, value: Json) -> None:
    assert found(submit_violations({key: value})) == []


@pytest.mark.parametrize(
    ("key", "value", "form"),
    [
        *(("jobQueue", value, QUEUE) for value in ("", "-a", "x" * 129, "a b", "arn:a/b", "q:1")),
        *(("jobDefinition", value, DEFINITION) for value in ("", "a:0", "a:x", "arn:job-queue/a")),
        *(("shareIdentifier", value, SHARE) for value in ("", "*", "a-b", "x" * 256, "a**")),
    ],
)
def test_a_name_that_does_not_fit_is_shown_with_the_form(key: str, value: str, form: str) -> None:
    message = f"{key} {value[:200]!r} is not valid: write {form}"
    assert found(submit_violations({key: value})) == [((key,), message)]


def test_a_long_name_is_shown_in_part() -> None:
    message = f"jobQueue {'x' * 200!r} is not valid: write {QUEUE}"
    assert found(submit_violations({"jobQueue": "x" * 201})) == [(("jobQueue",), message)]


@pytest.mark.parametrize(("value", "shown"), [(-1, "-1"), (10_000, "10,000")])
def test_a_priority_has_limits(value: int, shown: str) -> None:
    message = f"AWS Batch takes priorities 0 to 9,999, not {shown}"
    override = {"schedulingPriorityOverride": value}
    assert found(submit_violations(override)) == [(("schedulingPriorityOverride",), message)]
    own = {"schedulingPriority": value}
    assert found(priority_violations(own)) == [(("schedulingPriority",), message)]


@pytest.mark.parametrize(("value", "shown"), [(1, "1"), (10_001, "10,001")])
def test_an_array_has_2_to_10_000_children(value: int, shown: str) -> None:
    assert found(array_violations({"arrayProperties": {"size": value}})) == [
        (("arrayProperties", "size"), f"AWS Batch takes array sizes 2 to 10,000, not {shown}")
    ]
    fitting_sizes: tuple[Json, ...] = ({"size": 2}, {"size": 10_000}, {"size": "x"}, {}, None)
    for fitting in fitting_sizes:
        assert found(array_violations({"arrayProperties": fitting})) == []


def test_what_is_wrong_below_a_request_has_its_whole_path() -> None:
    request: Mapping[str, Json] = {
        "containerOverrides": {"command": [""]},
        "retryStrategy": {"attempts": 11},
        "tags": {"": "x"},
    }
    assert found(submit_violations(request)) == [
        (("containerOverrides", "command", 0), EMPTY_WORD),
        (("retryStrategy", "attempts"), "AWS Batch takes attempts 1 to 10, not 11"),
        (("tags", ""), TAG_NAME),
    ]


# --- retries, timeout, tags


def test_a_timeout_has_a_minute_at_least() -> None:
    path = ("timeout", "attemptDurationSeconds")
    message = "AWS Batch takes timeouts from 60 seconds on, not 59"
    assert found(attempt_violations({"timeout": {path[1]: 59}})) == [(path, message)]
    fitting_timeouts: tuple[Json, ...] = ({path[1]: 60}, {path[1]: "59"}, {}, [])
    for fitting in fitting_timeouts:
        assert found(attempt_violations({"timeout": fitting})) == []


RULE = {"onExitCode": "1", "action": "EXIT"}


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ({"attempts": 1}, []),
        ({"attempts": 10, "evaluateOnExit": [RULE] * 5}, []),
        ({"attempts": 0}, [(("attempts",), "AWS Batch takes attempts 1 to 10, not 0")]),
        ({"evaluateOnExit": [RULE]}, [((), "evaluateOnExit needs attempts beside it")]),
        ({"evaluateOnExit": []}, []),
        ({"evaluateOnExit": "x"}, []),
        (
            {"attempts": 1, "evaluateOnExit": [RULE] * 6},
            [(("evaluateOnExit",), "AWS Batch takes at most 5 rules, not 6")],
        ),
        (
            {"attempts": 1, "evaluateOnExit": [RULE, {"action": "EXIT"}, {}, "x"]},
            [(("evaluateOnExit", 1), "a rule needs onStatusReason, onReason or onExitCode")],
        ),
    ],
)
def test_a_retry_strategy_has_rules_of_its_own(strategy: Mapping[str, Json], wanted: Found) -> None:
    below = [(("retryStrategy", *path), message) for path, message in wanted]
    assert found(attempt_violations({"retryStrategy": strategy})) == below


@pytest.mark.parametrize(
    ("key", "value", "form"),
    [
        *((key, "a.B: 1*", "") for key in ("onStatusReason", "onReason")),
        *((key, "", "") for key in ("onStatusReason", "onReason")),
        *((key, "x" * 512, "") for key in ("onStatusReason", "onReason")),
        *((key, "a*b", PATTERN) for key in ("onStatusReason", "onReason")),
        *((key, "a_b", PATTERN) for key in ("onStatusReason", "onReason")),
        *((key, "x" * 513, PATTERN) for key in ("onStatusReason", "onReason")),
        *(("onExitCode", value, "") for value in ("137", "1*", "*", "${params.x}", 7, None)),
        *(("onExitCode", value, "digits, and a * at the end") for value in ("", "-1", "1**", "x")),
    ],
)
def test_a_rule_has_a_pattern_for_each_field(key: str, value: Json, form: str) -> None:
    strategy: Json = {"attempts": 1, "evaluateOnExit": [RULE, {"onExitCode": "1", key: value}]}
    message = f"{key} {str(value)[:60]!r}: AWS Batch takes up to 512 {form}"
    path = ("retryStrategy", "evaluateOnExit", 1, key)
    wanted = [(path, message)] if form else []
    assert found(attempt_violations({"retryStrategy": strategy})) == wanted


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"k" * 128: "v" * 256, "k": "", "awsx": 5, "x:aws:": "${params.x}" + "v" * 256}, []),
        ({str(number): "" for number in range(50)}, []),
        (
            {str(number): "" for number in range(51)},
            [(("tags",), "AWS Batch takes 50 tags, not 51")],
        ),
        ({"": ""}, [(("tags", ""), TAG_NAME)]),
        ({"AWS:x": ""}, [(("tags", "AWS:x"), TAG_NAME)]),
        ({"k" * 129: ""}, [(("tags", "k" * 129), TAG_NAME)]),
        (
            {"k": "v" * 1_000},
            [(("tags", "k"), "1,000 characters; a tag's value has up to 256")],
        ),
        ({"k": "v" * 257}, [(("tags", "k"), "257 characters; a tag's value has up to 256")]),
    ],
)
def test_a_tag_has_a_name_and_a_short_value(tags: Mapping[str, Json], wanted: Found) -> None:
    assert found(attempt_violations({"tags": tags})) == wanted


# --- the container


def test_a_word_of_a_command_can_be_given_to_a_program() -> None:
    assert found(container_violations({"command": ["a", "", "b\0", 5, "${params.x}", "\0"]})) == [
        (("command", 1), EMPTY_WORD),
        (("command", 2), NUL_WORD),
        (("command", 5), NUL_WORD),
    ]
    assert found(container_violations({"command": "x\0", "environment": {}})) == []


def named(name: Json, value: Json = "x") -> Json:
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("entry", "messages"),
    [
        (named("A"), []),
        (named("AWS_REGION"), []),
        (named("${params.x}=", "\0"), []),
        (named(5), []),
        (named("A", 5), []),
        ("x", ["'' is not a variable's name: write {name: NAME, value: VALUE}"]),
        (named("A=B"), ["'A=B' is not a variable's name: write {name: NAME, value: VALUE}"]),
        (named("A\0"), ["'A\\x00' is not a variable's name: write {name: NAME, value: VALUE}"]),
        (named("A", "\0"), ["the value of A holds a NUL character, which no variable can have"]),
        (named("AWS_BATCHX"), ["AWS_BATCHX: names in AWS_BATCH… belong to AWS Batch"]),
        (named("BATCHRELAY_X"), ["BATCHRELAY_X: names in BATCHRELAY_… belong to batchrelay"]),
        (named("BATCHRELAY"), []),
    ],
)
def test_a_variable_has_a_name_of_its_own(entry: Json, messages: list[str]) -> None:
    wanted: Found = [(("environment", 1), message) for message in messages]
    assert found(container_violations({"environment": [named("OK"), entry]})) == wanted


def test_who_owns_a_name_depends_on_the_document() -> None:
    entry = {"environment": [named("BATCHRELAY_X"), named("AWS_BATCH_X")]}
    assert found(container_violations(entry, ())) == []


def amount(kind: str, value: Json) -> Found:
    entry: Json = {"type": kind, "value": value}
    other: Json = {"type": "GPU", "value": "1"}
    return found(container_violations({"resourceRequirements": [other, entry]}))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("VCPU", value) for value in ("1", "0.25", "01.50", "000000001", 0.5, "${params.x}")),
        *(("MEMORY", value) for value in ("4", "2048")),
        ("GPU", "1"),
    ],
)
def test_an_amount_that_fits_passes(kind: str, value: Json) -> None:
    assert amount(kind, value) == []


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("VCPU", "0", "'0' is not an amount: write a number above 0, such as \"1\""),
        ("VCPU", "0.0", "'0.0' is not an amount: write a number above 0, such as \"1\""),
        ("VCPU", "x" * 61, f'{"x" * 60!r} is not an amount: write a number above 0, such as "1"'),
        ("MEMORY", "1.5", "MEMORY '1.5' is not a whole number: write \"1024\""),
        ("GPU", "1." + "5" * 60, f"GPU '1.{'5' * 58}' is not a whole number: write \"1024\""),
        ("MEMORY", "3", 'MEMORY is in MiB, and at least 4, not 3: write "1024"'),
    ],
)
def test_an_amount_that_does_not_fit_is_shown(kind: str, value: str, message: str) -> None:
    assert amount(kind, value) == [(("resourceRequirements", 1, "value"), message)]


def test_an_amount_is_short() -> None:
    assert amount("VCPU", "1" * AMOUNT_CHARS_MAX) == []
    (violation,) = amount("VCPU", "1" * 1_234)
    message = f"VCPU has 1,234 characters; an amount has at most {AMOUNT_CHARS_MAX}"
    assert violation == (("resourceRequirements", 1, "value"), message)
    assert amount("VCPU", "1" * (AMOUNT_CHARS_MAX + 1)) != []


# --- the whole


def test_a_request_has_a_limit_in_bytes_on_the_wire() -> None:
    def sized(size: int) -> Mapping[str, Json]:
        return {
            "parameters": {"x": "é" * 100 + "x" * (size - len('{"parameters": {"x": ""}}') - 600)}
        }

    assert found(size_violations(sized(30_720))) == []
    message = (
        "the request is 30,721 bytes; AWS Batch takes 30,720: put long lists into a file in S3 and "
        "pass its URI"
    )
    assert found(size_violations(sized(30_721))) == [((), message)]


def test_overrides_have_a_limit_in_characters() -> None:
    def sized(size: int) -> Mapping[str, Json]:
        return {"containerOverrides": {"command": ["é" * (size - len('{"command": [""]}'))]}}

    assert [violation for violation in found(size_violations(sized(8_192))) if violation[0]] == []
    message = (
        "8,193 characters; above 8,192 AWS Batch accepts the job and then fails it: put long texts "
        "into a file in S3 and pass its URI"
    )
    assert found(size_violations(sized(8_193)))[-1] == (("containerOverrides",), message)
