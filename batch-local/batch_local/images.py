"""What stands in for the entry points of images, none of which is here."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Images:
    """Commands of this machine by patterns of images, the first that matches."""

    commands: tuple[tuple[str, tuple[str, ...]], ...] = ()
    are_pulled: bool = False
    """Whether there is an engine, which knows the entry points and commands of images."""

    @classmethod
    def of(cls, commands: Mapping[str, str | Sequence[str]], folder: str) -> Images:
        """Commands as a shell would write them, or as words.

        Args:
            folder: where a program with a slash in its name is, unless it is absolute.

        Raises:
            ValueError: a command without a word, or with an open quote.
        """
        return cls(
            tuple((image, _words(image, command, folder)) for image, command in commands.items())
        )

    def entrypoint(self, image: str) -> tuple[str, ...]:
        """What stands before a container's command; nothing for an image that is not named."""
        names = (image, without_tag(image))
        for pattern, words in self.commands:
            if any(fnmatchcase(name, pattern) for name in names):
                return words
        return ()


NO_IMAGES = Images()
PULLED = Images(are_pulled=True)


def without_tag(image: str) -> str:
    """`registry:5000/name` of `registry:5000/name:1.2` and of `registry:5000/name@sha256:…`."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def _words(image: str, command: str | Sequence[str], folder: str) -> tuple[str, ...]:
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise ValueError(f"image {image}: {command!r} is not a command: {error}") from None
    if not words or not words[0]:
        raise ValueError(f"image {image}: there is no command: write one, such as python3")
    program, *arguments = words
    if "/" in program:
        program = posixpath.normpath(posixpath.join(folder, program))
    return (program, *arguments)
