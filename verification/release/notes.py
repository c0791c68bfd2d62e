"""The notes of a release: `make release-notes VERSION=0.1.0` prints the CHANGELOG's section."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
UNRELEASED = "Unreleased"


class NoSection(Exception):
    """The CHANGELOG has no section of that name."""


def notes(changelog: str, version: str) -> str:
    """What stands below a version's heading. Raises: NoSection with the sections that there are."""
    _, *sections = re.split(r"^## \[(.+?)\].*\n", changelog, flags=re.MULTILINE)
    by_name = dict(zip(sections[::2], sections[1::2], strict=True))
    if version not in by_name:
        there = ", ".join(by_name)
        raise NoSection(f"CHANGELOG.md has no section [{version}]; it has: {there}")
    return re.sub(r"^\[.+?\]: .*\n?", "", by_name[version], flags=re.MULTILINE).strip() + "\n"


def main(version: str = UNRELEASED) -> int:
    try:
        print(notes(CHANGELOG.read_text(), version), end="")
    except NoSection as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*filter(None, sys.argv[1:])))
