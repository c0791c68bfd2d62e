"""Fixtures for tests of programs that use AWS Batch. pytest loads this in every session.

def test_all_children_end(batch_local):
    batch = batch_local.client()
    ...

@pytest.mark.batch_local(job_environment={"STAGE": "test"})
def test_with_options(batch_local): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from batch_local import BatchLocal


def pytest_configure(config: pytest.Config) -> None:
    """Only so can a test have the mark where marks are strict."""
    config.addinivalue_line(
        "markers", "batch_local(**options): what the fixture batch_local is made with: BatchLocal"
    )


@pytest.fixture
def batch_local(request: pytest.FixtureRequest) -> Iterator[BatchLocal]:
    """An AWS Batch of this test's own, with the options of the mark `batch_local`.

    No variable of the environment is set. For a program that reads them:
    `for name, value in batch_local.environment.items(): monkeypatch.setenv(name, value)`.
    """
    from batch_local import BatchLocal

    mark = request.node.get_closest_marker("batch_local")
    with BatchLocal(**(mark.kwargs if mark else {})) as batch:
        yield batch


@pytest.fixture(scope="session")
def batch_local_session() -> Iterator[BatchLocal]:
    """One AWS Batch for all tests: each has names of its own for what it creates."""
    from batch_local import BatchLocal

    with BatchLocal() as batch:
        yield batch
