"""`batchrelay completion`: what a shell needs to complete verbs, options, pipelines and runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from batchrelay.domain.errors import InputError
from batchrelay.domain.run import RunStatus
from batchrelay.domain.values import NAME
from batchrelay_cli.client import Client
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.verbs.options import STILL_RUNNING, exit_code

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


@dataclass(frozen=True, kw_only=True)
class Listed(click.ParamType[str]):
    """A word that stands in a list of the API: completed by what the stack says."""

    name: str
    entries: Callable[[Client], Sequence[Mapping[str, Any]]]
    """What the stack says."""
    field: str
    is_wanted: Callable[[Mapping[str, Any]], bool] = lambda _: True

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        words = [entry[self.field] for entry in self._known(ctx) if self.is_wanted(entry)]
        return [CompletionItem(word) for word in words if _is_offered(word, incomplete)]

    def _known(self, ctx: click.Context) -> Sequence[Mapping[str, Any]]:
        """Nothing, if the stack cannot be asked: a shell is no place for that."""
        try:
            with open_stack(ctx.params.get("stack_name") or "batchrelay") as stack:
                return self.entries(Client(stack))
        except (InputError, click.ClickException):
            return ()


PIPELINE = Listed(name="PIPELINE", entries=lambda client: client.pipelines(), field="pipeline")
RUN = Listed(name="RUN", entries=lambda client: client.runs()["runs"], field="runId")
PAUSED_RUN = replace(RUN, is_wanted=lambda run: run["status"] == RunStatus.PAUSED)
OPEN_RUN = replace(RUN, is_wanted=lambda run: exit_code(run["status"]) == STILL_RUNNING)


def _is_offered(word: str, incomplete: str) -> bool:
    """A shell takes lines and colons apart: only what can be a name, or an id, is a word of it."""
    return word.startswith(incomplete) and NAME.fullmatch(word) is not None
