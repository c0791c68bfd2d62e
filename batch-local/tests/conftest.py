"""No test reaches an AWS account, and none but those with the mark `cloud` opens a socket."""

from __future__ import annotations

from functools import cache

import botocore.session
import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

# A client parses the model of its service, which takes longer than most tests: once is enough.
botocore.session.create_loader = cache(botocore.session.create_loader)

# The gate has fixed seeds, and times nothing: a red build is of the change, not of a busy machine.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.load_profile("gate")


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cloud") is None:
        disable_socket()
    else:
        enable_socket()


@pytest.fixture(autouse=True)
def _no_aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's machine is set up for."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "absent")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "absent")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
