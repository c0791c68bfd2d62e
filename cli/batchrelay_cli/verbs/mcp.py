"""`batchrelay mcp`: a server of the Model Context Protocol, for assistants."""

from __future__ import annotations

import os
import signal
import sys

import click

from batchrelay_cli import INTERRUPTED
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import stack_option

CHANGES = ("start", "redrive", "cancel", "resume", "register")
"""What `--allow` takes."""


@click.command(epilog="Example: batchrelay mcp --allow start,redrive")
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="CHANGE[,…]",
    help=f"What may be changed: {', '.join(CHANGES)}. By default nothing.",
)
@stack_option
def mcp(allowed: tuple[str, ...], stack_name: str) -> None:
    """Serve a stack's runs to an assistant (Model Context Protocol), over standard input and
    output: nothing listens. It only reads, but for the changes that --allow names.

    A client of the protocol starts it; its AWS settings are those of the environment.
    """
    changes = _changes(allowed)
    try:
        from batchrelay_cli.mcp_server.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("anyio", "mcp", "mcp_types", "pydantic"):
            raise
        raise UsageProblem(
            f"the MCP server is not installed (missing: {error.name}): "
            "pip install 'batchrelay[mcp]'"
        ) from None
    if sys.stdin.isatty():
        say(
            "an assistant starts this and speaks to it (docs/how-to/use-from-an-assistant.md): "
            "Ctrl-C ends it",
            err=True,
        )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        make_server(stack_name, changes).run("stdio")
    except* BrokenPipeError:
        pass  # its client has gone


def _end(*_: object) -> None:
    """At once: a thread that reads standard input would be waited for until that is closed."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _changes(allowed: tuple[str, ...]) -> set[str]:
    """Raises: UsageProblem."""
    names = {name.strip() for text in allowed for name in text.split(",")}
    for name in sorted(names - set(CHANGES)):
        raise UsageProblem(f"--allow {name}: write of {', '.join(CHANGES)}")
    return names
