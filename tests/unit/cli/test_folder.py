"""An object's key is a stranger's: whatever it says, a download stays inside its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchrelay.domain.pipeline import Param, ParamType, Pipeline
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.client import Downloaded, Stack
from batchrelay_cli.stack.folder import KEY_BYTES_MAX, UnsafeNameError, key_of, path_inside
from batchrelay_cli.stack.local_setup import upload_params


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/x",
        "/etc/passwd",
        "//x",
        "a/../x",
        "a/../../x",
        "a/..",
        "a/.",
        "a/./x",
        "a//x",
        "a/",
        "a\0b",
        "half \ud800 of a character",
    ],
)
def test_a_name_that_would_lie_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeNameError):
        path_inside(tmp_path / "out", name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    ["x", "a/x", "...", "..x", "~", "~root/x", "-rf", "$(x)", "a\nb", "a\\..\\..\\x", "C:x", "é/ü"],
)
def test_a_strange_name_is_a_file_inside(tmp_path: Path, name: str) -> None:
    target = path_inside(tmp_path / "out", name)
    target.write_text("")
    assert target == tmp_path.resolve() / "out" / name
    assert target.is_file()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeNameError, match="leads out"):
        path_inside(tmp_path / "out", "link/sub/x")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_link_within_the_folder_and_a_folder_that_is_a_link_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real" / "data").mkdir(parents=True)
    (tmp_path / "real" / "link").symlink_to("data")
    (tmp_path / "out").symlink_to("real")
    assert path_inside(tmp_path / "out", "link/x") == tmp_path.resolve() / "real/data/x"


class Bucket:
    """Objects by key, as boto3's client has them."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, **query: str) -> list[Any]:
        found = sorted(key for key in self._objects if key.startswith(query["Prefix"]))
        return [{"Contents": [{"Key": key, "Size": len(self._objects[key])} for key in found]}]

    def download_file(self, _: str, key: str, target: str) -> None:
        if key not in self._objects:
            answer: Any = {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(answer, "HeadObject")
        part = Path(target + "~")  # as boto3 does: a link at the target is replaced
        part.write_bytes(self._objects[key])
        part.replace(target)


def downloaded(objects: dict[str, bytes], folder: Path, uri: str = "s3://b/o/") -> list[Downloaded]:
    stack = Stack(make_client=lambda _: Bucket(objects), outputs={})
    return list(stack.download(uri, folder, "step"))


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_refused_is_named_and_the_rest_is_downloaded(tmp_path: Path) -> None:
    bad = {"o/../../x", "o//etc/x", "o/a/..", "o/" + "n" * 256, "o/a\0b", "o/full/"}
    good = {"o/a": b"1", "o/deep/er/b": b"2"}
    found = downloaded(dict.fromkeys(bad, b"x") | good, tmp_path / "out")
    assert {one.uri for one in found if one.refusal is not None} == {f"s3://b/{key}" for key in bad}
    assert files(tmp_path) == {"out/step/a": "1", "out/step/deep/er/b": "2"}


def test_an_empty_object_that_ends_with_a_slash_is_a_folder(tmp_path: Path) -> None:
    found = downloaded({"o/": b"", "o/dir/": b"", "o/dir/x": b"1"}, tmp_path)
    assert found == [Downloaded(uri="s3://b/o/dir/x")]
    assert files(tmp_path) == {"step/dir/x": "1"}


def test_an_object_of_a_folders_name_keeps_the_objects_below_it_out(tmp_path: Path) -> None:
    one, other = downloaded({"o/dir": b"1", "o/dir/x": b"2"}, tmp_path)
    assert one == Downloaded(uri="s3://b/o/dir")
    assert (other.uri, other.refusal is None) == ("s3://b/o/dir/x", False)
    assert files(tmp_path) == {"step/dir": "1"}


def test_a_folder_of_an_objects_name_stays(tmp_path: Path) -> None:
    (tmp_path / "step" / "x").mkdir(parents=True)
    [one] = downloaded({"o/x": b"1"}, tmp_path)
    assert one.refusal == "a folder of that name is there"


def test_a_link_of_an_objects_name_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out" / "step").mkdir(parents=True)
    (tmp_path / "out" / "step" / "x").symlink_to(tmp_path / "mine")
    downloaded({"o/x": b"1"}, tmp_path / "out")
    assert files(tmp_path) == {"mine": "mine", "out/step/x": "1"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [("o/x", {"step/x": "1"}), ("o/absent", {}), ("o/..", {}), ("o/.", {})],
)
def test_one_object(tmp_path: Path, key: str, expected: dict[str, str]) -> None:
    downloaded({"o/x": b"1", "o/..": b"2", "o/.": b"3"}, tmp_path, f"s3://b/{key}")
    assert files(tmp_path) == expected


@pytest.mark.parametrize("name", ["x", "a/x", "a b", "a\nb", "é", "#?%", "..x", "a\\b", "-rf"])
def test_a_file_and_its_key_are_one_name(tmp_path: Path, name: str) -> None:
    assert key_of(tmp_path / name, tmp_path, "up/") == f"up/{name}"


def test_a_key_has_its_bytes_at_most(tmp_path: Path) -> None:
    name = "/".join(["n" * 200] * 6)
    longest = name[: KEY_BYTES_MAX - 3]
    assert len(key_of(tmp_path / longest, tmp_path, "up/")) == KEY_BYTES_MAX
    with pytest.raises(UnsafeNameError, match="a key of 1,025 bytes"):
        key_of(tmp_path / name[: KEY_BYTES_MAX - 2], tmp_path, "up/")


def test_a_file_whose_name_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "caf\udce9"  # Latin-1
    try:
        file.write_text("")
    except OSError:
        pytest.skip("this file system takes no such name")
    uploaded: list[str] = []

    class Uploads:
        def upload_file(self, path: str, _bucket: str, _key: str) -> None:
            uploaded.append(path)

    stack = Stack(make_client=lambda _: Uploads(), outputs={"BucketName": "b"})
    (tmp_path / "a").write_text("")
    definition = Pipeline(
        name="p", version=1, steps=(), params=(Param(name="source", type=ParamType.S3URI),)
    )
    with pytest.raises(UsageProblem, match=r"parameter source: the name of .* is not UTF-8"):
        list(upload_params(stack, definition, {"source": str(tmp_path)}, "r"))
    assert uploaded == []
