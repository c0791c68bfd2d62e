"""The mutation driver in its short form: a dead mutant is dead, a survivor survives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from verification.mutation.__main__ import ROOT, in_functions, run, verdicts_of
from verification.mutation.generate import Mutation, mutations, path_of
from verification.mutation.plant import file_of
from verification.mutation.planted import ALL
from verification.mutation.report import report, unjudged

TESTS = ("tests/unit/domain/test_conditions.py",)


def _mutant(text: str) -> Mutation:
    (mutation,) = [each for each in in_functions("domain/conditions.py") if each.text == text]
    return mutation


def test_dead_mutants_and_survivors_are_reported_as_such(tmp_path: Path) -> None:
    dead = _mutant("return order in fitting[sign] -> return order not in fitting[sign]")
    original = (ROOT / path_of("domain/conditions.py")).read_text()
    unchanged = replace(dead, text="unchanged", source=original)
    broken = replace(dead, text="broken", source=original + "(")
    inner = _mutant(
        "return lambda lookup: not _is_true(inner(lookup)) -> "
        "return lambda lookup: _is_true(inner(lookup))"
    )
    session = tmp_path / "session.jsonl"
    run([unchanged, dead, broken, inner], session, TESTS)
    assert list(verdicts_of(session).items()) == [
        (unchanged.key, "survived"),
        (dead.key, "killed"),
        (broken.key, "not Python"),
        (inner.key, "killed"),
    ]


def test_a_key_names_one_mutant_and_holds_no_line() -> None:
    source = (ROOT / path_of("domain/conditions.py")).read_text()
    keys = [each.key for each in mutations("domain/conditions.py", source)]
    assert len(set(keys)) == len(keys) > 200
    shifted = [each.key for each in mutations("domain/conditions.py", "\n\n" + source)]
    assert shifted == keys


def test_a_survivor_without_a_reason_is_reported() -> None:
    key = ("domain/run.py", "f", "a -> b")
    assert unjudged({key: "survived"}, {}) == [key]
    assert unjudged({key: "survived"}, {key: "the same"}) == []
    assert unjudged({key: "killed"}, {}) == []
    assert "Judged: the same" in report({key: "survived"}, {key: "the same"}, 1)


def test_every_subject_of_planted_bugs_is_judged() -> None:
    """Counted in the files themselves, whatever the package imports."""
    folder = ROOT / "verification" / "mutation" / "planted"
    written = sum(path.read_text().count("    Mutant(\n") for path in folder.glob("*.py"))
    assert len(ALL) == written > 400


def test_every_planted_bug_has_its_place() -> None:
    """A line that was changed since, or stands twice, would stop `make verify-planted`."""
    assert len(ALL) > 250
    texts = {name: (ROOT / name).read_text() for name in {file_of(mutant) for mutant in ALL}}
    lost = [m.bug for m in ALL if texts[file_of(m)].count(m.old) != 1 or m.old == m.new]
    assert lost == []


def test_every_planted_bug_is_python() -> None:
    """Code that cannot be imported is refused before a test is asked, which proves nothing."""
    for mutant in ALL:
        name = file_of(mutant)
        if name.endswith(".py"):
            source = (ROOT / name).read_text().replace(mutant.old, mutant.new)
            compile(source, mutant.bug, "exec")
