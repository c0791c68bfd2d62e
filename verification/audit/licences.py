"""The licences of what is installed, as its metadata has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from verification.audit.accepted import Finding

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""That let a program be used, changed and handed on; MPL-2.0 asks for the changed files only."""

_OLD_NAMES = (
    (r"apache", "Apache-2.0"),
    (r"bsd.?3|3.clause|new bsd|modified bsd", "BSD-3-Clause"),
    (r"bsd.?2|2.clause|simplified bsd", "BSD-2-Clause"),
    (r"bsd", "BSD-3-Clause"),
    (r"mozilla|mpl", "MPL-2.0"),
    (r"\bisc\b", "ISC"),
    (r"python software foundation|psf", "PSF-2.0"),
    (r"unlicense", "Unlicense"),
    (r"\bmit\b", "MIT"),
)
"""What metadata had before there were SPDX expressions, in the order of looking."""

TEXT_LENGTH_MAX = 100
"""A longer field holds the whole licence, and its classifier says which it is."""


def findings(site_packages: Path) -> Iterator[Finding]:
    """The distributions of an environment whose licence is not among the allowed ones."""
    for distribution in distributions(path=[str(site_packages)]):
        name = distribution.metadata["Name"]
        licence = licence_of(distribution)
        if not is_allowed(licence):
            yield Finding(rule=licence or "none", of=name, message="its licence is not allowed")


def licence_of(distribution: Distribution) -> str:
    """An SPDX expression; its own words if it has no expression; empty if it says nothing."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    classifiers = metadata.get_all("Classifier") or []
    prefix = "License :: "
    named = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith(prefix)]
    named = [name for name in named if name != "OSI Approved"]
    text = " ".join(metadata["License"].split()) if "License" in metadata else ""
    named_licence = " or ".join(named) or (text if len(text) <= TEXT_LENGTH_MAX else "")
    return next(
        (spdx for old, spdx in _OLD_NAMES if re.search(old, named_licence, re.IGNORECASE)),
        named_licence,
    )


def is_allowed(expression: str) -> bool:
    """Of `A OR B` one is enough, of `A AND B` both are needed."""
    choices = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    return any(
        all(part.strip() in ALLOWED for part in re.split(r"\s+AND\s+", choice))
        for choice in choices
    )
