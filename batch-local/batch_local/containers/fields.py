"""Fields that every kind of container has: its command and its variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from batch_local.errors import ClientException
from batch_local.images import Images

_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def words_of(words: Sequence[str], parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Words of a command; `Ref::name` becomes the parameter, an unknown one is left as it is."""
    return tuple(_REFERENCE.sub(lambda m: parameters.get(m[1], m[0]), word) for word in words)


def check_program(
    images: Images, entrypoint: Sequence[str], command: Sequence[str], whose: str
) -> None:
    """Whether there is a program to start. Raises: ClientException."""
    if not (entrypoint or command or images.are_pulled):
        raise ClientException(f"{whose} has no command; here there is no image to have one")


def check_words(container: Mapping[str, Any], *fields: str) -> None:
    """Raises: ClientException, if a word of a command is empty."""
    if any("" in (container.get(name) or ()) for name in fields):
        raise ClientException("Command field cannot have empty strings")


def variables_of(entries: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The variables of a definition or of overrides, by name. Raises: ClientException."""
    values = {entry.get("name", ""): entry.get("value", "") for entry in entries}
    reserved_names = [name for name in values if name.startswith("AWS_BATCH")]
    if reserved_names:
        raise ClientException(
            f"Environment names must not start with AWS_BATCH: {', '.join(reserved_names)}"
        )
    bad_names = [name for name in values if not name or "=" in name or "\0" in name + values[name]]
    if bad_names:
        raise ClientException(
            f"Environment names and values must be texts of a process: {bad_names}"
        )
    return values
