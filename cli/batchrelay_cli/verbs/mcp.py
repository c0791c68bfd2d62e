"""`batchrelay mcp`: a server of the Model Context Protocol, for assistants."""

from __future__ import annotations

import click

from batchrelay_cli.errors import UsageProblem
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
    make_server(stack_name, changes).run("stdio")


def _changes(allowed: tuple[str, ...]) -> set[str]:
    """Raises: UsageProblem."""
    names = {name for text in allowed for name in text.split(",")}
    for name in sorted(names - set(CHANGES)):
        raise UsageProblem(f"--allow {name}: write of {', '.join(CHANGES)}")
    return names
