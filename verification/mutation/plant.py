"""Plants every bug in a copy of the repository, where its tests run.

The undisturbed copy comes first: tests that fail there would prove nothing. The verdicts are
written to build/mutation/planted.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from verification.mutation.planted import ALL, Mutant

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = "layers/core/batchrelay"
REPORT = ROOT / "build" / "mutation" / "planted.md"
TESTS = (
    *(f"tests/unit/{subject}" for subject in ("api", "codec", "domain", "engine", "preparation")),
    "tests/unit/triggers",
    "tests/contract",
    "tests/functional/handlers",
    "tests/functional/preparation",
    "tests/functional/test_simulation.py",
)
TESTS_S_MAX = 900
"""Seconds: many times what the tests take. A bug that makes them endless is found as well."""

ENDLESS = f"FAILED tests/endless::not_ended_in_{TESTS_S_MAX}_s\n"
PACKAGES = ("layers/core", "batch-local", "local", "cli", "worker")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a mutant died, and of which test."""

    mutant: Mutant
    killer: str | None


def file_of(mutant: Mutant) -> str:
    """The file that a bug is planted into, from the root."""
    others = ("functions/", *(f"{folder}/" for folder in PACKAGES))
    is_of_core = not mutant.file.startswith(others)
    return f"{CORE}/{mutant.file}" if is_of_core else mutant.file


def judge(mutant: Mutant) -> Verdict:
    """Run the tests in a copy of the repository that has the bug."""
    name = file_of(mutant)
    text = (ROOT / name).read_text()
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.file} does not hold this text once: {mutant.old!r}")
    changed = {name: text.replace(mutant.old, mutant.new)}
    done = _tested(mutant.tests or TESTS, changed)
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"{mutant.bug}: the tests did not run\n{done.stdout}{done.stderr}")
    if done.returncode == 2 and "rror" not in done.stdout:
        raise SystemExit(done.stdout)
    return Verdict(mutant=mutant, killer=_killer(done.stdout) if done.returncode else None)


def check_undisturbed(mutants: Sequence[Mutant]) -> None:
    """Every test that judges passes without a bug. Raises: SystemExit."""
    tests = dict.fromkeys(test for mutant in mutants for test in (mutant.tests or TESTS))
    done = _tested(tuple(tests), {})
    if done.returncode:
        raise SystemExit(f"without a bug the tests fail, so they prove nothing\n{done.stdout}")


def _tested(tests: Sequence[str], changed: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        left_out = shutil.ignore_patterns("__pycache__", ".*", "build", "dist")
        shutil.copytree(ROOT, copy, ignore=left_out)
        for name, text in changed.items():
            (copy / name).write_text(text)
        command = [sys.executable, "-m", "pytest", "-x", "--no-header", "-rf", "-m", "not cloud"]
        try:
            return subprocess.run(
                [*command, *tests],
                cwd=copy,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(str(copy / folder) for folder in PACKAGES),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                capture_output=True,
                text=True,
                check=False,
                timeout=TESTS_S_MAX,
            )
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(error.cmd, 1, ENDLESS, "")


def _killer(output: str) -> str:
    for line in output.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.split()[1].split("::")[-1].split("[")[0]
    return "collection"


def table(verdicts: list[Verdict]) -> str:
    """The table of the report."""
    lines = ["| planted bug | in | killed by |", "| --- | --- | --- |"]
    lines += [
        f"| {verdict.mutant.bug} | `{verdict.mutant.file}` | `{verdict.killer}` |"
        for verdict in verdicts
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge the mutants, two at a time; 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bug", default="", help="only those that have this text, such as canary")
    wanted = parser.parse_args().bug.lower()
    mutants = [m for m in ALL if wanted in f"{m.bug} {m.file}".lower()]
    check_undisturbed(mutants)
    with ThreadPoolExecutor(max_workers=2) as pool:
        verdicts = []
        for verdict in pool.map(judge, mutants):
            verdicts.append(verdict)
            mark = f"killed by {verdict.killer}" if verdict.killer else "SURVIVED"
            print(f"{len(verdicts):3}/{len(mutants)}  {verdict.mutant.bug}: {mark}", flush=True)
    survivors = [verdict for verdict in verdicts if verdict.killer is None]
    print(f"{len(verdicts) - len(survivors)} of {len(verdicts)} killed")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(table(verdicts))
    print(REPORT.relative_to(ROOT))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
