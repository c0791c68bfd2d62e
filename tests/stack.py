"""What tests take from template.yaml: nothing about the stack is written twice."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent

QUICKSTART = ROOT / "quickstart/template.yaml"
"""The nested stack."""


@cache
def template() -> dict[str, Any]:
    """The template, its intrinsic functions as dictionaries."""
    document: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return document


@cache
def quickstart() -> dict[str, Any]:
    """The template of the nested stack."""
    document: dict[str, Any] = yaml_parse(QUICKSTART.read_text())
    return document


def resource(name: str) -> dict[str, Any]:
    """The properties of one resource."""
    properties: dict[str, Any] = template()["Resources"][name]["Properties"]
    return properties


def table_request(table_name: str) -> dict[str, Any]:
    """A CreateTable request for the stack's table."""
    properties = resource("Table")
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {"TableName": table_name, **{name: properties[name] for name in names}}
