"""What docker and podman say with exit codes of their own: nothing of the image has run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

NOT_STARTED = 125
NOT_INVOCABLE = 126
NOT_FOUND = 127
"""Source: docker run reference, Exit status; podman-run(1), Exit Status."""

LINES = 20
"""Of the end of the output, among which the sentence of docker or podman is looked for."""

_SENTENCES = {
    NOT_STARTED: "the container was not started",
    NOT_INVOCABLE: "the command could not be invoked in the image",
    NOT_FOUND: "the command is not in the image",
}
_MARKS = {"docker": "docker: ", "podman": "Error: "}
_ADVICE = ("See '", "Run '")


def problem_of(program: str, exit_code: int, last_lines: Sequence[str]) -> str:
    """Why nothing of the image has run; empty if something did.

    126 and 127 are also what a shell of the image ends with: they are the engine's own if it says
    so itself. 125 always is: a program that ends with it looks the same.
    """
    engine = Path(program).name
    if exit_code not in _SENTENCES:
        return ""
    mark = _MARKS.get(engine, f"{engine}: ")
    lines = [line.strip() for line in last_lines]
    own = [line.removeprefix(mark) for line in lines if line.startswith(mark)]
    if not own and exit_code != NOT_STARTED:
        return ""
    others = [line for line in lines if line and not line.startswith(_ADVICE)]
    reason = (own or others or ["it printed nothing"])[-1]
    return f"{engine}: {_SENTENCES[exit_code]} (exit code {exit_code}): {reason}"
