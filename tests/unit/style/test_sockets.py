"""What tests/unit/conftest.py promises."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketBlockedError

from tests.unit.conftest import pytest_collection_modifyitems


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_no_unit_test_opens_a_socket(family: socket.AddressFamily) -> None:
    with pytest.raises(SocketBlockedError):
        socket.socket(family)


def test_no_unit_test_is_of_the_cloud(request: pytest.FixtureRequest) -> None:
    pytest_collection_modifyitems([request.node])
    request.node.add_marker(pytest.mark.cloud)
    with pytest.raises(pytest.UsageError, match="test_no_unit_test_is_of_the_cloud"):
        pytest_collection_modifyitems([request.node])
