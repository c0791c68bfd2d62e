"""logConfiguration: where a job's output goes. Source: Batch User Guide, using_awslogs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batch_local.errors import ClientException
from batch_local.model import DEFAULT_LOG_TARGET, LOG_GROUP, LogTarget

_DRIVERS = (
    *("awslogs", "awsfirelens", "fluentd", "gelf", "journald"),
    *("json-file", "logentries", "splunk", "syslog"),
)
_HONOURED = ("awslogs-group", "awslogs-stream-prefix", "awslogs-create-group")
_IGNORED = ("awslogs-region", "mode", "max-buffer-size")
_CUTTING = ("awslogs-datetime-format", "awslogs-multiline-pattern")

_NAMES = (
    (
        "awslogs-group",
        re.compile(r"[A-Za-z0-9._/#-]{1,512}"),
        "1 to 512 letters, digits, periods, -, _, / and #",
    ),
    (
        "awslogs-stream-prefix",
        re.compile(r"[^:*\x00-\x1f\x7f]{1,400}"),
        "1 to 400 characters, without colons, asterisks and control characters",
    ),
)
"""Source: CloudWatch Logs, CreateLogGroup, CreateLogStream; a stream's name goes on after it."""


def log_target(container: Mapping[str, Any]) -> LogTarget:
    """Where the output of a container goes. Raises: ClientException."""
    configuration = container.get("logConfiguration")
    if configuration is None:
        return DEFAULT_LOG_TARGET
    driver, options = configuration["logDriver"], configuration.get("options", {})
    if driver not in _DRIVERS:
        raise ClientException(f"logDriver {driver} is unknown: write one of {', '.join(_DRIVERS)}")
    if driver != "awslogs":
        return DEFAULT_LOG_TARGET
    _check(options)
    return LogTarget(
        group=options.get("awslogs-group", LOG_GROUP),
        prefix=options.get("awslogs-stream-prefix"),
        is_created="awslogs-group" not in options or options.get("awslogs-create-group") == "true",
    )


def _check(options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if name in _CUTTING:
            raise ClientException(
                f"the option {name} of logConfiguration is not supported by this local AWS Batch: "
                "every line is an event of its own; leave it out"
            )
        if name not in (*_HONOURED, *_IGNORED):
            option_names = ", ".join((*_HONOURED, *_IGNORED))
            raise ClientException(
                f"unknown log opt {name!r} for awslogs log driver; known: {option_names}"
            )
        if not value:
            raise ClientException(f"the option {name} of logConfiguration must not be empty")
    for name, pattern, form in _NAMES:
        if name in options and pattern.fullmatch(options[name]) is None:
            raise ClientException(f"{name} {options[name][:200]!r} is not valid: write {form}")
    if options.get("awslogs-create-group", "true") not in ("true", "false"):
        raise ClientException("awslogs-create-group must be true or false")
