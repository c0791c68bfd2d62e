"""Whether a request reaches the containers of a job definition of the account.

Those of a definition in the file are known when that is read, and named then; of others only now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from batchrelay.domain.containers import ONE_CONTAINER
from batchrelay_cli.pipeline_file.container_use import container_problems
from batchrelay_cli.pipeline_file.definition_containers import FORM_OF_KIND, kind_of, places_of
from batchrelay_cli.stack.preflight.uses import Use


def form_problems(use: Use) -> Iterator[str]:
    """What AWS Batch would refuse, and why variables of a job would not reach its containers."""
    problems = [problem for _, problem in container_problems(use.request, use.definition)]
    yield from problems
    kind = kind_of(use.definition)
    form = ONE_CONTAINER if kind is None else FORM_OF_KIND[kind]
    if not problems and form != ONE_CONTAINER and form not in use.request:
        text = json.dumps(places_of(use.definition), ensure_ascii=False)
        yield (
            f"job definition {use.name} has {kind}: name its containers, so that the variables of "
            f"a job reach them: {text[1:-1]}"
        )
