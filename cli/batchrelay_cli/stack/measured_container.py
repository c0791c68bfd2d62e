"""Which container of a child the records of its items are of: the one that runs the worker."""

from __future__ import annotations

from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG, WORKER
from batchrelay_cli.stack.requested_size import Asked, Requested


def measured_container(asked: Requested) -> Asked | str:
    """The only one, or the only one with the worker in its command; a sentence if that is unclear.

    The worker measures the program that it starts, and the container in which it is itself.
    """
    if len(asked.containers) == 1:
        return asked.containers[0]
    tag = asked.tags.get(ENTRYPOINT_TAG, "")
    names = ", ".join(dict.fromkeys(one.container.name for one in asked.containers))
    with_worker = [one for one in asked.containers if _has_worker(one, tag)]
    if len(with_worker) == 1:
        return with_worker[0]
    if with_worker:
        return (
            f"several of its containers ({names}) run {WORKER}, and the records do not say which "
            "one was measured"
        )
    return (
        f"no command of its containers ({names}) has {WORKER}, so which one was measured is not "
        "known: write it into the command, not into the image's ENTRYPOINT"
    )


def _has_worker(asked: Asked, tag: str) -> bool:
    container = asked.container
    command, arguments = container.words("command"), container.words("args")
    has_own = container.is_of_pod and command
    return any(WORKER in word for word in (*command, *arguments, *(() if has_own else (tag,))))
