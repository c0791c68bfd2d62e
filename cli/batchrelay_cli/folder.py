"""The only way from an object's key to a file: what comes from outside stays inside a folder."""

from __future__ import annotations

import os
from pathlib import Path


class UnsafeNameError(ValueError):
    """A name that is no path below a folder; the sentence says why."""


def path_inside(folder: Path, name: str) -> Path:
    """Where a file of this name lies below a folder; the folders before it are made.

    Every part between two slashes is the name of one file or folder, so two names are never one
    path. A symbolic link that lies in the folder and leads out of it is not followed.

    Raises:
        UnsafeNameError: the name would lie elsewhere, or is taken by a folder.
        OSError: the file system refuses it, such as a part of over 255 bytes.
    """
    _check_parts(name)
    root = folder.resolve()
    target = root / name
    parent = target.parent.resolve()
    if not parent.is_relative_to(root):
        raise UnsafeNameError("a symbolic link in the folder leads out of it")
    parent.mkdir(parents=True, exist_ok=True)
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
