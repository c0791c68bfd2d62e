"""A stack that stays, in AWS or in a local cloud: found by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click
from botocore.exceptions import BotoCoreError, ClientError

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.client import (
    LOCAL_UP,
    FunctionFailedError,
    InvalidSettingsError,
    Stack,
    environment_clients,
    find_stack,
)

_SETTINGS = "set AWS_REGION and AWS_PROFILE, or AWS_ENDPOINT_URL of a cloud that is up"


@contextmanager
def open_stack(stack_name: str) -> Iterator[Stack]:
    """The stack; what AWS says against it is one clear line."""
    try:
        yield find_stack(stack_name)
    except ClientError as error:
        raise UsageProblem(str(error)) from None
    except FunctionFailedError as error:
        raise click.ClickException(str(error)) from None
    except (BotoCoreError, InvalidSettingsError) as error:
        raise UsageProblem(f"{str(error).rstrip('.')}: {_SETTINGS}, or {LOCAL_UP}") from None


@contextmanager
def account_client(service: str) -> Iterator[Any]:
    """A client of a service without any stack; what AWS says against it is one clear line."""
    try:
        yield environment_clients()(service)
    except ClientError as error:
        raise UsageProblem(str(error)) from None
    except (BotoCoreError, InvalidSettingsError) as error:
        raise UsageProblem(f"{str(error).rstrip('.')}: {_SETTINGS}") from None


def is_local(stack: Stack) -> bool:
    """Whether it is a cloud on this machine."""
    return is_loopback(stack.batch.meta.endpoint_url)


def is_loopback(url: str) -> bool:
    """Whether it is an address of this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost")
