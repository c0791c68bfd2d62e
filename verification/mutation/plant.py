"""Plants every bug in a copy of the repository, where its tests run.

The table of docs/reference/mutants.md is written here, and compared by a test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from verification.mutation.planted import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = "layers/core/batchrelay"
TABLE = ROOT / "docs" / "reference" / "mutants.md"
TESTS = (
    "tests/unit",
    "tests/contract",
    "tests/functional/handlers",
    "tests/functional/test_simulation.py",
)
PACKAGES = ("layers/core", "local", "cli", "worker")
_BEGIN = "<!-- mutants -->\n"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a mutant died, and of which test."""

    mutant: Mutant
    killer: str | None


def judge(mutant: Mutant) -> Verdict:
    """Run the tests in a copy of the repository that has the bug."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__", ".*", "examples"))
        is_of_core = not mutant.file.startswith(("functions/", "local/", "cli/", "worker/"))
        file = copy / (f"{CORE}/{mutant.file}" if is_of_core else mutant.file)
        tests = mutant.tests or TESTS
        text = file.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.file} does not hold this text once: {mutant.old!r}")
        file.write_text(text.replace(mutant.old, mutant.new))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "--no-header", "-rf", "-m", "not cloud", *tests],
            cwd=copy,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(str(copy / folder) for folder in PACKAGES),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"{mutant.bug}: the tests did not run\n{done.stdout}{done.stderr}")
    if done.returncode == 2 and "rror" not in done.stdout:
        raise SystemExit(done.stdout)
    return Verdict(mutant=mutant, killer=_killer(done.stdout) if done.returncode else None)


def _killer(output: str) -> str:
    for line in output.splitlines():
        if line.startswith(("FAILED tests/", "ERROR tests/")):
            return line.split()[1].split("::")[-1].split("[")[0]
    return "collection"


def table(verdicts: list[Verdict]) -> str:
    """The table for the docs."""
    lines = ["| planted bug | in | killed by |", "| --- | --- | --- |"]
    lines += [
        f"| {verdict.mutant.bug} | `{verdict.mutant.file}` | `{verdict.killer}` |"
        for verdict in verdicts
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge every mutant, two at a time; 1 if one survives."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        verdicts = []
        for verdict in pool.map(judge, MUTANTS):
            verdicts.append(verdict)
            mark = f"killed by {verdict.killer}" if verdict.killer else "SURVIVED"
            print(f"{len(verdicts):3}/{len(MUTANTS)}  {verdict.mutant.bug}: {mark}", flush=True)
    survivors = [verdict for verdict in verdicts if verdict.killer is None]
    print(f"{len(verdicts) - len(survivors)} of {len(verdicts)} killed")
    if not survivors:
        text = TABLE.read_text()
        TABLE.write_text(text[: text.index(_BEGIN) + len(_BEGIN)] + table(verdicts))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
