"""The cloud of runs whose items fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.failing_runs import FailingRuns, failing_runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingRuns]:
    with failing_runs(tmp_path_factory.mktemp("failing")) as ready:
        yield ready
