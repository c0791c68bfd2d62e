"""Mutates the core and the worker: `make verify-mutation SAMPLE=200 SEED=1 MODULE=domain/run.py`.

The mutants run in a copy of the tree, in one process. Every verdict is appended to the session
as soon as it is known, so an interrupted program goes on where it stopped. A changed module
begins anew. The exit status is 1 if a survivor has no entry in judged.toml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from verification.mutation.generate import Mutation, modules, mutations, path_of
from verification.mutation.inside import ALIVE, UNCOVERED
from verification.mutation.report import Key, judgements, report, unjudged

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "mutation"
JUDGED = Path(__file__).parent / "judged.toml"
PACKAGES = ("layers/core", "batch-local", "local", "cli", "worker")
TESTS = (
    "tests/unit/domain",
    "tests/unit/engine",
    "tests/unit/codec",
    "tests/unit/worker",
    "tests/unit/preparation",
    "tests/unit/triggers",
    "tests/unit/api",
    "tests/contract/test_fakes.py",
    "tests/functional/handlers/test_handlers.py",
    "tests/functional/worker",
)


def run(work: list[Mutation], results: Path, tests: tuple[str, ...], root: Path = ROOT) -> None:
    """Append the verdict on each mutation to the results. The tree itself is not touched."""
    copy = results.parent / "tree"
    shutil.rmtree(copy, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", ".*", "build", "dist", "node_modules")
    shutil.copytree(root, copy, ignore=ignored)
    jobs = results.parent / "work.jsonl"
    jobs.write_text(
        "".join(
            json.dumps({**each.as_record(), "digest": digest(each.module)}) + "\n" for each in work
        )
    )
    command = [sys.executable, "-m", "pytest", "-p", "verification.mutation.inside", "-s"]
    options = ["--no-header", "-m", "not cloud", "--hypothesis-seed=1"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(copy / folder) for folder in PACKAGES),
        "MUTATION_WORK": str(jobs),
        "MUTATION_RESULTS": str(results),
        "MUTATION_ROOT": str(copy),
    }
    with (results.parent / "pytest.log").open("w") as log:
        done = subprocess.run(
            [*command, *options, *tests], cwd=copy, env=environment, stdout=log, check=False
        )
    if done.returncode:
        raise SystemExit(f"the tests did not run: see {results.parent / 'pytest.log'}")


def verdicts_of(results: Path) -> dict[Key, str]:
    """What a session knows of the modules as they are now; the last verdict on a mutant counts."""
    if not results.exists():
        return {}
    records = [json.loads(line) for line in results.read_text().splitlines()]
    return {
        (each["module"], each["function"], each["text"]): each["verdict"]
        for each in records
        if each["digest"] == digest(each["module"])
    }


def in_functions(module: str) -> list[Mutation]:
    """The mutations that a fork can plant; constants and class bodies run at import."""
    found = mutations(module, (ROOT / path_of(module)).read_text())
    return [each for each in found if each.function != "<module>"]


def main() -> int:
    """Run what the session lacks, then write the report."""
    options = _options()
    chosen = [options.module] if options.module else modules(ROOT)
    generated = [mutation for module in chosen for mutation in in_functions(module)]
    wanted = generated
    if options.sample:
        size = min(options.sample, len(generated))
        wanted = random.Random(options.seed).sample(generated, size)
    BUILD.mkdir(parents=True, exist_ok=True)
    results = BUILD / "session.jsonl"
    seen = verdicts_of(results)
    again = (ALIVE, UNCOVERED) if options.again else ()
    missing = [each for each in wanted if seen.get(each.key) in (None, *again)]
    print(
        f"{len(generated):,} mutants, {len(wanted):,} chosen, {len(missing):,} to run", flush=True
    )
    try:
        if missing:
            run(missing, results, TESTS)
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here")
    verdicts = {k: v for k, v in verdicts_of(results).items() if k in {m.key for m in wanted}}
    judged = judgements(JUDGED)
    (BUILD / "report.md").write_text(report(verdicts, judged, len(generated)))
    rest = unjudged(verdicts, judged)
    print(f"{len(verdicts):,} run, {len(rest):,} survivors not judged; build/mutation/report.md")
    return 1 if rest or len(verdicts) < len(wanted) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="so many, drawn by the seed; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", default="", help="one module, such as domain/run_queue.py")
    parser.add_argument("--again", action="store_true", help="judge the survivors once more")
    return parser.parse_args()


@cache
def digest(module: str) -> str:
    """A verdict holds for the module as it was. New tests need `--again`."""
    file = ROOT / path_of(module)
    return hashlib.sha256(file.read_bytes() if file.exists() else b"").hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
