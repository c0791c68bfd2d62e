"""What the verbs share: options and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from batchrelay.domain.errors import InvalidPrices
from batchrelay.prices import Prices, list_prices
from batchrelay_cli.errors import UsageProblem

_F = TypeVar("_F", bound=Callable[..., Any])


EXIT_CODES = {"SUCCEEDED": 0, "FAILED": 1, "CANCELLED": 1, "PARTIAL": 4}
"""Anything else is still running: 3."""

STILL_RUNNING = 3


def output_option(function: _F) -> _F:
    """`--output text|json`."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="For people, or for programs.",
    )(function)


def stack_option(function: _F) -> _F:
    """`--stack NAME`, found with the AWS settings of the environment."""
    return click.option(
        "--stack",
        "stack_name",
        default="batchrelay",
        show_default=True,
        help="The CloudFormation stack.",
    )(function)


def prices_option(function: _F) -> _F:
    """`--prices FILE`: `read_prices` reads it."""
    return click.option(
        "--prices",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Your own prices, over those that come with batchrelay.",
    )(function)


def read_prices(path: Path | None) -> Prices:
    """The prices that come with batchrelay, or over them those of a file. Raises: UsageProblem."""
    if path is None:
        return list_prices()
    try:
        return Prices.parse(path.read_bytes())
    except InvalidPrices as error:
        raise UsageProblem(f"{path}: {error}") from None


def params_option(function: _F) -> _F:
    """`--param NAME=VALUE`, any number of times: `parse_params` reads them."""
    return click.option(
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter; a local path is uploaded and replaced by its S3 URI.",
    )(function)


def parse_params(params: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` options as a dictionary. Raises: UsageProblem."""
    values: dict[str, str] = {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals or not name:
            raise UsageProblem(f"--param {param}: write --param NAME=VALUE")
        if name in values:
            raise UsageProblem(f"--param {name} is given twice")
        values[name] = value
    return values


def exit_code(status: str) -> int:
    """What a run's status means to a shell."""
    return EXIT_CODES.get(status, STILL_RUNNING)


def echo_json(document: Any) -> None:
    """One document, for programs."""
    click.echo(json.dumps(document, indent=2))
