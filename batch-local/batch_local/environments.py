"""The variables of processes: what jobs see of the user's, and what clients need."""

from __future__ import annotations

import os
from collections.abc import Mapping

PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV")
"""What no program has a secret in."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
LOOPBACK = "127.0.0.1,localhost"


def job_environment(user: Mapping[str, str]) -> dict[str, str]:
    """What of the user's environment a job sees: where programs are, no credentials."""
    variables = {name: user[name] for name in (*PASSED_ON, *_PROXIES) if name in user}
    for name in ("NO_PROXY", "no_proxy"):  # AWS is here, whatever stands before the world
        if any(proxy in user for proxy in _PROXIES):
            variables[name] = ",".join(filter(None, (variables.get(name), LOOPBACK)))
    return {"PATH": os.defpath, **variables}


def without_account(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that must find no account that the user has."""
    return {
        **variables,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
