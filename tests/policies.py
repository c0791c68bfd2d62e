"""What the roles of template.yaml allow: its policies as IAM would see them, for some parameters.

IAM is not evaluated on this machine, so that the tests do it: statements that allow, ARNs with
wildcards, and the two operators that the template uses. Source: IAM User Guide, policy evaluation.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from batchrelay_local.stack import transformed, with_code
from tests.stack import template

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333"}
NO_VALUE = object()


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The stack as it is made with these parameters."""

    stack: str = "batchrelay"
    parameters: Mapping[str, str]

    def allows(
        self,
        function: str,
        action: str,
        arn: str,
        tags: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether a function may do something to a resource with these tags, with condition keys of
        the service."""
        return any(
            action in _listed(statement["Action"])
            and any(_matches(pattern, arn) for pattern in _listed(statement["Resource"]))
            and _holds(statement.get("Condition", {}), tags or {}, keys or {})
            for statement in self.statements(function)
        )

    def statements(self, function: str) -> Iterator[dict[str, Any]]:
        """Of the role of a function."""
        role = _document()["Resources"][f"{function}Role"]["Properties"]
        for policy in self._resolved(role["Policies"]):
            yield from policy["PolicyDocument"]["Statement"]

    def name_of(self, resource: str) -> str:
        """The name that CloudFormation gives: the stack's, the resource's, and something random."""
        return f"{self.stack}-{resource}-1A2B3C4D5E6F"

    def arn_of(self, resource: str) -> str:
        """Its ARN, with the resource's type where the service has one in it."""
        kind = _document()["Resources"][resource]["Type"]
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self.name_of(resource).lower()}"
        service, before = _ARNS[kind]
        account = f"{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
        return f"arn:aws:{service}:{account}:{before}{self.name_of(resource)}"

    def _resolved(self, value: Any) -> Any:
        match value:
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self.arn_of(name)
            case {"Fn::Sub": [str(text), dict(more)]}:
                return self._sub(text, self._resolved(more))
            case {"Fn::Sub": str(text)}:
                return self._sub(text, {})
            case {"Fn::Join": [str(mark), listed]}:
                return mark.join(self._resolved(listed))
            case {"Fn::Split": [str(mark), text]}:
                return self._resolved(text).split(mark)
            case {"Fn::If": [str(name), yes, no]}:
                holds = self._condition(_document()["Conditions"][name])
                return self._resolved(yes if holds else no)
            case dict():
                assert not any(key.startswith("Fn::") for key in value), value
                return {key: self._resolved(inner) for key, inner in value.items()}
            case list():
                found = [self._resolved(inner) for inner in value]
                return [inner for inner in found if inner is not NO_VALUE]
            case _:
                return value

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        parameter = _document()["Parameters"].get(name)
        if parameter is None:
            kind = _document()["Resources"][name]["Type"]
            return self.arn_of(name) if kind == "AWS::SNS::Topic" else self.name_of(name)
        text = self.parameters.get(name, parameter["Default"])
        return text.split(",") if parameter["Type"] == "CommaDelimitedList" else text

    def _sub(self, text: str, more: Mapping[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in more:
                return more[name]
            resource, dot, _ = name.partition(".Arn")
            return self.arn_of(resource) if dot else str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _condition(self, value: Any) -> bool:
        match value:
            case {"Fn::Not": [inner]}:
                return not self._condition(inner)
            case {"Fn::Equals": [one, other]}:
                return bool(self._resolved(one) == self._resolved(other))
            case _:
                raise AssertionError(value)


@cache
def _document() -> dict[str, Any]:
    """As CloudFormation gets it: the SAM resources expanded, which asks for a Region."""
    with patch.dict(os.environ, AWS_DEFAULT_REGION=PSEUDO["AWS::Region"]):
        return transformed(with_code(copy.deepcopy(template())))


_ARNS = {
    "AWS::DynamoDB::Table": ("dynamodb", "table/"),
    "AWS::SNS::Topic": ("sns", ""),
    "AWS::SQS::Queue": ("sqs", ""),
}


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    """`*` and `?` stand for anything, a colon or a slash too. Source: IAM User Guide, Resource."""
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, text, re.DOTALL) is not None


def _holds(condition: Mapping[str, Any], tags: Mapping[str, str], keys: Mapping[str, str]) -> bool:
    """StringLike over the resource's tags, StringEquals over keys of the service: one that is not
    there is like nothing."""
    assert condition.keys() <= {"StringLike", "StringEquals"}, condition
    equal = condition.get("StringEquals", {})
    if any(keys.get(name) != value for name, value in equal.items()):
        return False
    wanted = condition.get("StringLike", {})
    names = {key.removeprefix("aws:ResourceTag/"): pattern for key, pattern in wanted.items()}
    return all(name in tags and _matches(pattern, tags[name]) for name, pattern in names.items())
