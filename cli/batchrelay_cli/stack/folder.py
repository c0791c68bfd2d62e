"""The only way from an object's key to a file and back: what comes from outside stays inside."""

from __future__ import annotations

import os
from pathlib import Path

KEY_BYTES_MAX = 1_024
"""Source: S3 User Guide, object key naming guidelines."""


class UnsafeNameError(ValueError):
    """A name that is no path below a folder, or no key; the sentence says why."""


def key_of(file: Path, root: Path, prefix: str) -> str:
    """The key of a file below a folder. Raises: UnsafeNameError."""
    key = prefix + file.relative_to(root).as_posix()
    try:
        size = len(key.encode())
    except UnicodeError:  # Linux takes any bytes for a name
        raise UnsafeNameError(f"the name of {str(file)!r} is not UTF-8: rename it") from None
    if size > KEY_BYTES_MAX:
        raise UnsafeNameError(
            f"{str(file)!r} has a key of {size:,} bytes; S3 takes {KEY_BYTES_MAX:,}: shorten it"
        )
    return key


def path_inside(folder: Path, name: str) -> Path:
    """Where a file of this name lies below a folder; the folders before it are made.

    Every part between two slashes is the name of one file or folder, so two names are never one
    path. A symbolic link that lies in the folder and leads out of it is not followed.

    Raises:
        UnsafeNameError: the name would lie elsewhere, or a folder or file is in its place.
        OSError: the file system refuses it, such as a part of over 255 bytes.
    """
    _check_parts(name)
    root = folder.resolve()
    target = root / name
    parent = target.parent.resolve()
    if not parent.is_relative_to(root):
        raise UnsafeNameError("a symbolic link in the folder leads out of it")
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UnsafeNameError("a file has the name of one of its folders") from None
    target = parent / target.name
    if target.is_dir() and not target.is_symlink():
        raise UnsafeNameError("a folder of that name is there")
    return target


def _check_parts(name: str) -> None:
    for part in name.split("/"):
        if part in ("", ".", ".."):
            raise UnsafeNameError(f"{part!r} between two slashes is no file name")
    if "\0" in name:
        raise UnsafeNameError("a file name has no NUL character")
    try:
        os.fsencode(name)
    except UnicodeError:
        raise UnsafeNameError("the file system cannot write its characters") from None
