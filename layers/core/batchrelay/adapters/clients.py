"""Clients of AWS as the functions have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

USER_AGENT = f"batchrelay Boto3/{boto3.__version__}"
"""In AWS's logs of calls. boto3 composes its own anew for each, in a tenth of the call's CPU."""


def aws_client(service: str, *, config: Config | None = None) -> Any:
    """A client of a service, from the environment."""
    own = Config(user_agent=USER_AGENT)
    make_client: Callable[..., Any] = boto3.client
    return make_client(service, config=own if config is None else config.merge(own))
