"""All of it: `make verify-release`, after `make build`. Ends with 1 if anything is wrong."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from verification.release.built_stack import (
    BUILD,
    bytecode_problems,
    origin_problems,
    run_problems,
    size_problems,
    sizes,
)
from verification.release.distributions import VERSIONS, built, problems


def main() -> int:
    if not (BUILD / "template.yaml").exists():
        print("there is no built stack: run `make build` first", file=sys.stderr)
        return 1
    sizes_by_name = sizes(BUILD)
    for name, (size, zipped) in sizes_by_name.items():
        print(f"{name:12} {size:>10,} bytes  {zipped:>10,} zipped")
    results = [
        _shown("sizes", size_problems(sizes_by_name)),
        _shown("no bytecode", bytecode_problems(BUILD)),
        _shown("the word-count example on the built stack", run_problems(BUILD)),
        _shown("a copy of the build with a broken layer fails", origin_problems(BUILD)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = built(Path(folder))
        for file in files:
            print(f"{file.name} {file.stat().st_size:,} bytes")
        results.append(_shown("distributions, by twine", problems(files, VERSIONS)))
    return 0 if all(results) else 1


def _shown(title: str, lines: Iterable[str]) -> bool:
    problem_lines = [*lines]
    print(f"{title}: {'as it should be' if not problem_lines else 'wrong'}", flush=True)
    for line in problem_lines:
        print(f"  {line}")
    return not problem_lines


if __name__ == "__main__":
    sys.exit(main())
