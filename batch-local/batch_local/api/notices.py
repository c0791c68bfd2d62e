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
    """Of one AWS Batch."""

    def __init__(self) -> None:
        self._paths: set[str] = set()

    def note(self, operation: OperationModel, request: Mapping[str, Any]) -> None:
        """Say what of a request has no effect, the first time."""
        if operation.input_shape is None:
            return
        for path in ignored_fields(operation.input_shape, request, operation.name):
            decision = decision_of(path)
            if path not in self._paths and decision is not None:
                self._paths.add(path)
                LOGGER.info("%s is accepted and has no effect here: %s", path, decision.why)
