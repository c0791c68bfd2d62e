"""What `make verify-release` and `make release-notes` find wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.stack import ROOT
from verification.release import built_stack, distributions, notes

CHANGELOG = """# Changelog

## [Unreleased]

- new

## [0.1.0] - 2026-12-01

### Added

- first

[Unreleased]: https://example.org/compare
[0.1.0]: https://example.org/0.1.0
"""


@pytest.mark.parametrize(
    ("version", "text"), [("Unreleased", "- new\n"), ("0.1.0", "### Added\n\n- first\n")]
)
def test_the_notes_of_a_release_are_its_section(version: str, text: str) -> None:
    assert notes.notes(CHANGELOG, version) == text


def test_a_version_without_a_section_is_refused() -> None:
    with pytest.raises(notes.NoSection, match=r"no section \[2\]; it has: Unreleased, 0\.1\.0"):
        notes.notes(CHANGELOG, "2")


def test_the_project_has_notes_of_its_own() -> None:
    assert notes.notes(notes.CHANGELOG.read_text(), notes.UNRELEASED).count("\n- ") > 1


def test_a_layer_that_grew_too_large_is_named(tmp_path: Path) -> None:
    for name, size in {"CoreLayer": built_stack.UNZIPPED_BYTES_MAX, "StartRun": 1}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_bytes(bytes(size))
    [problem] = built_stack.size_problems(built_stack.sizes(tmp_path))
    assert problem == "StartRun with the layer is 8,388,609 bytes, over 8,388,608"


def test_batchrelay_needs_the_batch_local_beside_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = distributions.VERSIONS["batch-local"]
    assert f"batch-local=={version}" in project["dependencies"]
    assert (ROOT / "batch-local/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_a_distribution_of_another_version_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributions, "TWINE", Path("/bin/true"))
    names = (
        "batchrelay-0.1.0-py3-none-any.whl",
        "batchrelay-0.2.0.tar.gz",
        "batch_local-0.3.0.tar.gz",
    )
    files = [tmp_path / name for name in names]
    version_of = {"batchrelay": "0.1.0", "batch-local": "0.3.0"}
    assert distributions.problems(files, version_of) == [
        "batchrelay-0.2.0.tar.gz has the version 0.2.0, not 0.1.0"
    ]


def test_bytecode_in_the_build_is_named(tmp_path: Path) -> None:
    (tmp_path / "Prepare/prepare/__pycache__").mkdir(parents=True)
    assert built_stack.bytecode_problems(tmp_path) == ["Prepare/prepare/__pycache__"]
