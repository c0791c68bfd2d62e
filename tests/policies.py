"""What the roles of template.yaml allow: its policies as IAM would see them, for some parameters.

The local cloud evaluates no IAM, so that the tests do it: CloudFormation's functions here, the
statements by MiniStack's evaluator, which is a pure function.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from unittest.mock import patch

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from batchrelay_local.stack import transformed, with_code
from tests.stack import template

PARTITION, REGION, ACCOUNT = "aws", "eu-west-1", "111122223333"
PSEUDO = {"AWS::Partition": PARTITION, "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
NO_VALUE = object()
NO_RESOURCE = "*"
"""What an action is done to for which AWS has no ARN."""


def expanded(document: Mapping[str, Any]) -> dict[str, Any]:
    """As CloudFormation gets it: the SAM resources expanded, which asks for a Region."""
    with patch.dict(os.environ, AWS_DEFAULT_REGION=REGION):
        return transformed(with_code(copy.deepcopy(dict(document))))


@cache
def _as_it_is() -> dict[str, Any]:
    return expanded(template())


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One action on one resource that a statement of a function's role allows."""

    function: str
    sid: str
    action: str
    resource: str
    condition: Mapping[str, Any] = field(hash=False)

    def allows(
        self,
        action: str,
        arn: str,
        tags: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether this alone allows it."""
        statement = {
            "Effect": "Allow",
            "Action": self.action,
            "Resource": self.resource,
            "Condition": self.condition,
        }
        return is_allowed([statement], action, arn, tags or {}, keys or {})


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The stack as it is made with these parameters."""

    stack: str = "batchrelay"
    parameters: Mapping[str, str]
    document: Mapping[str, Any] = field(default_factory=_as_it_is)
    """The template, expanded: another one where a test has changed it."""

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
        return is_allowed(self.statements(function), action, arn, tags or {}, keys or {})

    @property
    def functions(self) -> tuple[str, ...]:
        """Their logical ids."""
        entries = self.document["Resources"].items()
        return tuple(name for name, entry in entries if entry["Type"] == "AWS::Lambda::Function")

    def grants(self, function: str) -> tuple[Grant, ...]:
        """What the role of a function allows, action by action and resource by resource."""
        return self._grants[function]

    def statements(self, function: str) -> tuple[dict[str, Any], ...]:
        """Of the role of a function."""
        return self._statements[function]

    @cached_property
    def _statements(self) -> Mapping[str, tuple[dict[str, Any], ...]]:
        return {function: tuple(self._of_role(function)) for function in self.functions}

    def _of_role(self, function: str) -> Iterator[dict[str, Any]]:
        role = self.document["Resources"][f"{function}Role"]["Properties"]
        assert "ManagedPolicyArns" not in role, f"{function} has policies that are not seen here"
        for policy in self._resolved(role["Policies"]):
            yield from policy["PolicyDocument"]["Statement"]

    @cached_property
    def _grants(self) -> Mapping[str, tuple[Grant, ...]]:
        return {function: tuple(self._granted(function)) for function in self.functions}

    def _granted(self, function: str) -> Iterator[Grant]:
        for statement in self.statements(function):
            for action in _listed(statement["Action"]) if statement["Effect"] == "Allow" else ():
                for resource in _listed(statement["Resource"]):
                    yield Grant(
                        function=function,
                        sid=statement["Sid"],
                        action=action,
                        resource=resource,
                        condition=statement.get("Condition", {}),
                    )

    def name_of(self, resource: str) -> str:
        """The name that CloudFormation gives: the stack's, the resource's, and something random."""
        return f"{self.stack}-{resource}-1A2B3C4D5E6F"

    def arn_of(self, resource: str) -> str:
        """Its ARN, with the resource's type where the service has one in it."""
        kind = self.document["Resources"][resource]["Type"]
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self.name_of(resource).lower()}"
        if kind == "AWS::Logs::LogGroup":
            name = self._resolved(
                self.document["Resources"][resource]["Properties"]["LogGroupName"]
            )
            return f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"
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
                holds = self._condition(self.document["Conditions"][name])
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
        if name == "AWS::StackName":
            return self.stack
        if name in PSEUDO:
            return PSEUDO[name]
        parameter = self.document["Parameters"].get(name)
        if parameter is None:
            kind = self.document["Resources"][name]["Type"]
            return self.arn_of(name) if kind == "AWS::SNS::Topic" else self.name_of(name)
        text = self.parameters[name] if name in self.parameters else parameter["Default"]
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


_ARNS = {
    "AWS::DynamoDB::Table": ("dynamodb", "table/"),
    "AWS::Lambda::Function": ("lambda", "function:"),
    "AWS::SNS::Topic": ("sns", ""),
    "AWS::SQS::Queue": ("sqs", ""),
}


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def is_allowed(
    statements: Sequence[Mapping[str, Any]],
    action: str,
    arn: str,
    tags: Mapping[str, str],
    keys: Mapping[str, str],
) -> bool:
    """What IAM decides: it knows condition keys in any case."""
    context = {f"aws:ResourceTag/{name}": value for name, value in tags.items()} | dict(keys)
    asked = EvalContext(
        principal_arn=f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/function/function",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=arn,
        region=REGION,
        service_context={name.lower(): value for name, value in context.items()},
    )
    policy = parse_policy_document({"Statement": list(statements)})
    return bool(evaluate(asked, [policy]).decision == "Allow")
