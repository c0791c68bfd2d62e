"""`batchrelay completion`: what a shell needs to complete verbs, options, pipelines and runs."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from batchrelay_cli.options import STILL_RUNNING, UsageProblem, exit_code
from batchrelay_cli.remote import ask, reached

SHELLS = {
    "bash": 'eval "$(batchrelay completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(batchrelay completion zsh)"    # in ~/.zshrc',
    "fish": "batchrelay completion fish > ~/.config/fish/completions/batchrelay.fish",
}


@click.command(epilog=f"Example: {SHELLS['bash']}")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes batchrelay's words in a shell."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(ctx.find_root().command, {}, "batchrelay", "_BATCHRELAY_COMPLETE").source())


class PipelineName(click.ParamType[str]):
    """A pipeline that was deployed."""

    name = "PIPELINE"

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = _asked(ctx, "pipelines").get("pipelines", ())
        return _beginning([entry["pipeline"] for entry in found], incomplete)


class RunId(click.ParamType[str]):
    """A run."""

    name = "RUN"

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = _asked(ctx, "runs").get("runs", ())
        return _beginning([entry["runId"] for entry in found], incomplete)


class OpenRunId(RunId):
    """A run that has not ended."""

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = _asked(ctx, "runs").get("runs", ())
        ids = [entry["runId"] for entry in found if exit_code(entry["status"]) == STILL_RUNNING]
        return _beginning(ids, incomplete)


def _asked(ctx: click.Context, what: str) -> dict[str, Any]:
    """What the stack says; nothing, if it cannot be asked: a shell is no place for that."""
    try:
        with reached(ctx.params.get("stack") or "batchrelay") as wire:
            return ask(wire, "GET", what)
    except (UsageProblem, click.ClickException):
        return {}


def _beginning(words: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
