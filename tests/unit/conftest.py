"""A unit test opens no socket, of the network or of this machine, and starts no local cloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_socket import disable_socket

UNIT = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    of_cloud = [i.nodeid for i in items if is_unit(i) and i.get_closest_marker("cloud")]
    if of_cloud:
        raise pytest.UsageError(f"no unit test may have the mark `cloud`: {', '.join(of_cloud)}")


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if is_unit(item):
        disable_socket()


def is_unit(item: pytest.Item) -> bool:
    return item.path.is_relative_to(UNIT)
