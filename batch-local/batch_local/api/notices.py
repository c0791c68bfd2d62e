"""What a request has that is accepted and has no effect here: named once for each field."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from batch_local.surface.fields import decision_of, ignored_fields

LOGGER = logging.getLogger("batch_local")
"""`batch-local up` prints what it says; in a program it is silent unless that program listens."""


class Notices:
    """Of one AWS Batch.

    Args:
        has_engine: whether an engine runs the containers, so that more fields have an effect.
    """

    def __init__(self, *, has_engine: bool) -> None:
        self._has_engine = has_engine
        self._paths: set[str] = set()

    def note(self, operation: OperationModel, request: Mapping[str, Any]) -> None:
        """Say what of a request has no effect, the first time."""
        if operation.input_shape is None:
            return
        for path in ignored_fields(
            operation.input_shape, request, operation.name, has_engine=self._has_engine
        ):
            decision = decision_of(path)
            if path not in self._paths and decision is not None:
                self._paths.add(path)
                LOGGER.info("%s is accepted and has no effect here: %s", path, decision.why)
