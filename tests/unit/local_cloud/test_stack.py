"""What a start of the cloud makes once: the expanded template, and the functions' bytecode."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from batchrelay_local import stack
from batchrelay_local.stack import StackSource, expanded

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters: {}
Globals: {Function: {}}
Resources: {Topic: {Type: AWS::SNS::Topic}}
"""


@pytest.fixture
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "kept.json"


def test_a_template_is_expanded_once(kept_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = expanded(TEMPLATE, kept_in)
    assert [path.name for path in kept_in.parent.iterdir()] == ["kept.json"]
    monkeypatch.delattr(stack, "transformed")
    assert expanded(TEMPLATE, kept_in) == first


def test_another_template_is_expanded_again(kept_in: Path) -> None:
    expanded(TEMPLATE, kept_in)
    assert set(expanded(TEMPLATE.replace("Topic:", "Other:"), kept_in)["Resources"]) == {"Other"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": 1}'])
def test_what_is_not_a_kept_template_is_written_anew(kept_in: Path, text: str) -> None:
    kept_in.write_text(text)
    document = expanded(TEMPLATE, kept_in)
    assert json.loads(kept_in.read_text())["document"] == document


def test_nothing_is_kept_where_python_keeps_no_bytecode(
    kept_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    expanded(TEMPLATE, kept_in)
    assert not kept_in.exists()


def test_a_folder_that_refuses_a_file_is_no_hindrance(kept_in: Path) -> None:
    assert expanded(TEMPLATE, kept_in / "no-folder.json")["Resources"]


def test_a_function_is_imported_from_the_bytecode_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "zipped_module.py").write_text("VALUE = 1\n")
    (source / "page.css").write_text("p {}")
    archive = zipfile.ZipFile(io.BytesIO(stack._zipped(source, "")))
    assert archive.read("page.css") == b"p {}"
    unzipped = tmp_path / "unzipped"
    archive.extractall(unzipped)
    (unzipped / "zipped_module.py").write_text("an error, if it were read")
    monkeypatch.syspath_prepend(unzipped)
    import zipped_module  # type: ignore[import-not-found]

    assert zipped_module.VALUE == 1
    assert zipped_module.__file__ == str(unzipped / "zipped_module.py")


def test_a_folder_that_sam_build_did_not_make_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing: .*template\.yaml"):
        StackSource.built(tmp_path)
