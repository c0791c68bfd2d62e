"""`init` writes a folder that lints, and replaces no file of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.read import read

FILES = {
    "README.md",
    "pipeline.yaml",
    "texts/boat.txt",
    "texts/night.txt",
    "texts/sea.txt",
    "words.py",
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def files_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_next_commands_are_printed() -> None:
    result = call("init", "word-lists")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            f"wrote word-lists/: {', '.join(sorted(FILES))}",
            "next:",
            "  cd word-lists",
            "  batchrelay lint pipeline.yaml",
            "  batchrelay run pipeline.yaml --param source=texts",
        ],
    )


@pytest.mark.parametrize(
    "name", ["word-lists", "a", "0", "A_b", "true", "null", "1e3", "2026-01-31", "N" * 128]
)
def test_the_folder_that_is_written_lints_without_a_warning(name: str) -> None:
    assert call("init", name).exit_code == 0
    pipeline_file = read(Path(name) / "pipeline.yaml")
    assert pipeline_file.pipeline.name == name
    assert pipeline_file.warnings == ()
    assert files_below(Path(name)) == FILES


def test_no_placeholder_is_left() -> None:
    call("init", "mine")
    texts = [path.read_text() for path in Path("mine").rglob("*") if path.is_file()]
    assert len(texts) == len(FILES)
    assert not [text for text in texts if "PIPELINE_NAME" in text]
    assert Path("mine/README.md").read_text().startswith("# mine\n")


def test_the_program_is_python_that_compiles() -> None:
    call("init", "mine")
    compile(Path("mine/words.py").read_text(), "words.py", "exec")


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is() -> None:
    Path("mine").mkdir()
    Path("mine/pipeline.yaml").write_text("of the user")
    result = call("init", "mine")
    assert (result.exit_code, result.output) == (
        2,
        "batchrelay: the folder mine is not empty: choose another name\n",
    )
    assert files_below(Path("mine")) == {"pipeline.yaml"}
    assert Path("mine/pipeline.yaml").read_text() == "of the user"


def test_an_empty_folder_is_used() -> None:
    Path("mine").mkdir()
    assert call("init", "mine").exit_code == 0
    assert files_below(Path("mine")) == FILES


@pytest.mark.parametrize("is_link", [True, False])
def test_a_file_or_a_broken_link_of_that_name_is_refused(is_link: bool) -> None:
    if is_link:
        Path("mine").symlink_to("nowhere")
    else:
        Path("mine").write_text("of the user")
    result = call("init", "mine")
    assert result.exit_code == 2
    assert "mine exists and is not a folder: choose another name" in result.output
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a/b", "a b", "-a", "é", "N" * 129])
def test_a_name_that_no_pipeline_can_have_is_refused(name: str, tmp_path: Path) -> None:
    result = call("init", "--", name)
    assert result.exit_code == 2
    assert (
        "is not a pipeline's name: use letters, digits, - and _, begin with a letter or digit, "
        "128 characters at most"
    ) in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    result = call("init", "mine")
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        2,
        "batchrelay: mine: Permission denied",
    )
