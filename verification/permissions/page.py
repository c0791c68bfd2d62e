"""docs/reference/permissions.md: its tables, from the template and from what was recorded."""

from __future__ import annotations

from collections import Counter

from tests.policies import ACCOUNT, NO_RESOURCE, REGION, Grant
from tests.stack import ROOT, template
from verification.permissions.check import BY_DEFAULT, LARGEST, Needs, Roles
from verification.permissions.reasons import CHOICES, WITHOUT_ARN, reason_of

PAGE = ROOT / "docs/reference/permissions.md"
AS_IT_IS = Roles()
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
HEAD = "| statement | action | resource | calls seen | |\n| --- | --- | --- | --- | --- |\n"


def with_tables(page: str, needs: Needs, roles: Roles = AS_IT_IS) -> str:
    """The page with the tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables(needs, roles)}{END}{after}"


def tables(needs: Needs, roles: Roles) -> str:
    """One for each function."""
    return "".join(_table(function, needs, roles) for function in sorted(BY_DEFAULT.functions))


def _table(function: str, needs: Needs, roles: Roles) -> str:
    calls: dict[Grant, Counter[str]] = {}
    for (asker, need), count in needs.items():
        for grant in roles.granting(asker, need) if asker == function else ():
            calls.setdefault(grant, Counter())[need.call] += count
    rows = sorted(_row(grant, calls.get(grant, Counter())) for grant in roles.grants(function))
    return f"\n## {function}\n\n{HEAD}{''.join(rows)}"


def _row(grant: Grant, calls: Counter[str]) -> str:
    seen = ", ".join(f"{call} {count:,}" for call, count in sorted(calls.items()))
    notes = [] if calls else [reason_of(grant) or f"as `{CHOICES.get(grant.sid, '')}`"]
    if grant.resource == NO_RESOURCE:
        notes.append(f"{WITHOUT_ARN.get(grant.action)} has no ARN for it")
    if grant.condition:
        keys = [key for test in grant.condition.values() for key in test]
        notes.append("only with " + ", ".join(f"`{key}`" for key in keys))
    cells = (grant.sid, f"`{grant.action}`", f"`{shown(grant.resource)}`", seen, "; ".join(notes))
    return f"| {' | '.join(cells)} |\n"


def shown(resource: str) -> str:
    """An ARN by the names that the template gives: of resources, and of parameters."""
    for name, value in LARGEST.parameters.items():
        if resource in (value, f"{value}/*") and resource != NO_RESOURCE:
            return name + resource.removeprefix(value)
    for name in template()["Resources"]:
        for physical in (BY_DEFAULT.name_of(name), BY_DEFAULT.name_of(name).lower()):
            resource = resource.replace(physical, name)
    service, _, rest = resource.removeprefix("arn:aws:").partition(":")
    return rest.removeprefix(f"{REGION}:{ACCOUNT}:").removeprefix("::") if rest else service
