"""The command line of the worker."""

from __future__ import annotations

import argparse
import json
import os
import sys

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import Child, items_of
from batchrelay_worker.log import log_line
from batchrelay_worker.program import Program, Stopping, refuse_code
from batchrelay_worker.work import Work

EXAMPLE = """example:
  batchrelay-worker run --attempts 3 -- convert --in "{item.uri}" --number "{item.number}"
"""


UNSAFE_SHELL = "BATCHRELAY_UNSAFE_SHELL"
"""Set by `flow: {unsafeShell: true}`: values may stand in code."""


def main(argv: list[str] | None = None) -> int:
    """Run a command line; the exit code."""
    options = _parser().parse_args(argv)
    try:
        return _VERBS[options.verb](options)
    except (OSError, WorkerError) as error:
        log_line(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="batchrelay-worker",
        description="Runs a program once for each item of this child of an AWS Batch array job.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser(
        "run",
        help="run a program for each item",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("--attempts", type=_positive, default=1, help="of each item (1)")
    run.add_argument(
        "--backoff", type=float, default=1.0, metavar="S", help="seconds before the second (1)"
    )
    run.add_argument(
        "--skip-existing", default="", metavar="URI", help="items whose output is there are done"
    )
    run.add_argument("program", nargs="+", help="the command, with {item.key} and the like")
    verbs.add_parser("items", help="print the items of this child, a line of JSON each")
    get = verbs.add_parser("get", help="copy an S3 object to a file, or to the output")
    get.add_argument("uri")
    get.add_argument("file", nargs="?", default="-")
    put = verbs.add_parser("put", help="copy a file, or the input (-), to an S3 object")
    put.add_argument("file")
    put.add_argument("uri")
    listing = verbs.add_parser("ls", help="print the URIs of the objects below a prefix")
    listing.add_argument("uri")
    listing.add_argument(
        "--output", choices=["text", "json"], default="text", help="a URI, or URI and size, a line"
    )
    cat = verbs.add_parser("cat", help="print objects, or all below PREFIX/ in key order")
    cat.add_argument("uris", nargs="+", metavar="URI")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _get(options: argparse.Namespace) -> int:
    body = Aws(os.environ).get(options.uri)
    if options.file == "-":
        sys.stdout.buffer.write(body)
    else:
        with open(options.file, "wb") as file:  # noqa: PTH123  # pathlib takes 5 ms to import
            file.write(body)
    return 0


def _put(options: argparse.Namespace) -> int:
    if options.file == "-":
        body = sys.stdin.buffer.read()
    else:
        with open(options.file, "rb") as file:  # noqa: PTH123  # pathlib takes 5 ms to import
            body = file.read()
    Aws(os.environ).put(options.uri, body)
    return 0


def _items(_: argparse.Namespace) -> int:
    child = Child.of(os.environ)
    if child.queue:
        raise WorkerError("the items of this step come from a queue: use `batchrelay-worker run`")
    for item in items_of(child, Aws(os.environ)):
        print(json.dumps(item.value, ensure_ascii=False))  # noqa: T201  # it is the answer
    return 0


def _run(options: argparse.Namespace) -> int:
    if not os.environ.get(UNSAFE_SHELL):
        refuse_code(options.program)
    stopping = Stopping()
    stopping.listen()
    aws = Aws(os.environ)
    program = Program(
        options.program,
        attempts=options.attempts,
        backoff_s=options.backoff,
        skip_existing=options.skip_existing,
        aws=aws,
        stopping=stopping,
    )
    return Work(Child.of(os.environ), aws, program, stopping).run()


def _ls(options: argparse.Namespace) -> int:
    from batchrelay_worker.objects import ls

    return ls(options)


def _cat(options: argparse.Namespace) -> int:
    from batchrelay_worker.objects import cat

    return cat(options)


_VERBS = {"run": _run, "items": _items, "get": _get, "put": _put, "ls": _ls, "cat": _cat}

if __name__ == "__main__":
    sys.exit(main())
