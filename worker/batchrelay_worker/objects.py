"""Lists and joins what lies below a prefix, for merges in shell."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Callable, Iterable

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.log import printable

if TYPE_CHECKING:
    import argparse

BROKEN_PIPE = 141
"""Exit code when the reader has gone: 128 + SIGPIPE, as a shell has it."""


def ls(options: argparse.Namespace) -> int:
    """Print the URI of every object whose key begins with a prefix, in the order of the keys."""
    aws, line = Aws(os.environ), _LINES[options.output]
    entries = aws.listed(options.uri)
    return _written(line(uri, size) for uri, size in entries)


def cat(options: argparse.Namespace) -> int:
    """Print objects one after the other; of a URI that ends with `/`, every object below it."""
    aws = Aws(os.environ)
    return _written(piece for uri in options.uris for piece in _pieces(aws, uri))


def _pieces(aws: Aws, uri: str) -> Iterable[bytes]:
    if not uri.endswith("/"):
        yield from aws.read(uri)
        return
    count = 0
    for object_uri, size in aws.listed(uri):
        count += 1
        if size:
            yield from aws.read(object_uri)
    if not count:
        raise WorkerError(f"there is no object below {uri}")


def _text(uri: str, _: int) -> bytes:
    """A URI as a line. Raises: WorkerError, if it would be two."""
    if "\n" in uri or "\r" in uri:
        raise WorkerError(f"the key of {uri!r} has a line feed: use --output json")
    if sys.stdout.isatty():  # a name must not act on the terminal
        uri = printable(uri)
    return (uri + "\n").encode("utf-8", "surrogateescape")


def _json(uri: str, size: int) -> bytes:
    return (json.dumps({"uri": uri, "bytes": size}) + "\n").encode()


_LINES: dict[str, Callable[[str, int], bytes]] = {"text": _text, "json": _json}


def _written(pieces: Iterable[bytes]) -> int:
    """Write to the output, whatever the encoding of the image is."""
    try:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # such as `| head`; Python would flush once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return 0
