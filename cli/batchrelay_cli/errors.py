"""The error of a caller who has to change something."""

from __future__ import annotations

from typing import Any

import click

from batchrelay.domain.values import printable


class UsageProblem(click.ClickException):
    """One clear line; exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(printable(f"batchrelay: {self.message}"), err=True, file=file)
