"""The requests of `whole_requests`, sent once: what was sent, answered and noted."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from batch_local.api.notices import LOGGER
from machines import ended, machine
from whole_requests import BY_NAME, fields_of, play


@dataclass
class Exchange:
    """Of one AWS Batch."""

    sent: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)


class _Listener(logging.Handler):
    def __init__(self, notices: list[str]) -> None:
        super().__init__()
        self._notices = notices

    def emit(self, record: logging.LogRecord) -> None:
        self._notices.append(record.getMessage())


def exchange() -> Exchange:
    """Send every field that is taken; each must be accepted."""
    seen = Exchange()
    listener, level = _Listener(seen.notices), LOGGER.level
    LOGGER.addHandler(listener)
    LOGGER.setLevel(logging.INFO)
    try:
        with machine() as (service, _):

            def call(name: str, /, **request: Any) -> dict[str, Any]:
                operation, rest, query = BY_NAME[name], dict(request), {}
                path = operation.http["requestUri"]
                if "{resourceArn}" in path:
                    path = path.replace("{resourceArn}", rest.pop("resourceArn"))
                    query = {key: rest.pop(key) for key in ("tagKeys",) if key in rest}
                body = json.dumps(rest).encode()
                status, answer = service.handle(operation.http["method"], path, body, query)
                assert status == 200, (name, answer)
                seen.sent |= {name, *fields_of(operation.input_shape, request, name)}
                seen.answered |= {*fields_of(operation.output_shape, answer, name)}
                return answer

            play(call, lambda job_id: ended(service, job_id))
    finally:
        LOGGER.removeHandler(listener)
        LOGGER.setLevel(level)
    return seen
